"""Providers' webhooks, one module each: `verify` (is it authentic?) and `normalise` (what does it say?).

`verify(headers, raw_body, secret, now)` examines the raw bytes before anything
is parsed and returns an `Authenticity`; it raises ValueError for a secret that
can prove nothing, whatever the call. That of `ses` has topics in place of a secret,
and also takes `fetch` and `roots`. `normalise(payload)` never fails on a strange payload: what it does not
know becomes an event of type `unknown`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from config.providers import ProviderSettings
from relay.feedback.authenticity import Authenticity
from relay.feedback.events import FeedbackEvent
from relay.feedback.payload import rows, table
from relay.feedback.providers import brevo, generic, mailersend, mailgun, postmark, resend, sendgrid, ses, sparkpost

Verify = Callable[[Mapping[str, str], bytes, str, datetime], Authenticity]
Normalise = Callable[[Any], list[FeedbackEvent]]

VERIFIERS: Mapping[str, Verify] = {
    "postmark": postmark.verify,
    "resend": resend.verify,
    "sendgrid": sendgrid.verify,
    "mailgun": mailgun.verify,
    "brevo": brevo.verify,
    "mailersend": mailersend.verify,
    "sparkpost": sparkpost.verify,
    "generic": generic.verify,
}
NORMALISERS: Mapping[str, Normalise] = {
    "postmark": postmark.normalise,
    "resend": resend.normalise,
    "ses": ses.normalise,
    "sendgrid": sendgrid.normalise,
    "mailgun": mailgun.normalise,
    "brevo": brevo.normalise,
    "mailersend": mailersend.normalise,
    "sparkpost": sparkpost.normalise,
    "generic": generic.normalise,
}


def try_secret(provider: ProviderSettings) -> None:
    """Raises ValueError if no call can ever be proven with the provider's webhook secret (faults H3)."""
    verify, secret = VERIFIERS.get(provider.events.format), provider.webhook_secret
    if verify and secret and secret.is_set:
        verify({}, b"", secret.reveal(), datetime.fromtimestamp(0, UTC))


def recognise(payload: Any) -> str:
    """The provider whose payload this looks like, empty if none."""
    listed = rows(payload)
    first = table(listed[0]) if listed else {}
    for name, told in _SIGNS:
        if told(first):
            return name
    return ""


def _is_resend(data: Mapping[str, Any]) -> bool:
    return str(data.get("type", "")).startswith("email.") and isinstance(data.get("data"), dict)


def _is_mailersend(data: Mapping[str, Any]) -> bool:
    return str(data.get("type", "")).startswith("activity.") and isinstance(data.get("data"), dict)


def _is_ses(data: Mapping[str, Any]) -> bool:
    inner = table(data.get("detail")) or data
    return "TopicArn" in data or ("mail" in inner and ("eventType" in inner or "notificationType" in inner))


_SIGNS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("postmark", lambda data: "RecordType" in data),
    ("resend", _is_resend),
    ("mailersend", _is_mailersend),
    ("ses", _is_ses),
    ("sparkpost", lambda data: "msys" in data),
    ("mailgun", lambda data: "event-data" in data),
    ("sendgrid", lambda data: "sg_event_id" in data or ("event" in data and "smtp-id" in data)),
    ("brevo", lambda data: "event" in data and "email" in data and ("message-id" in data or "ts_event" in data)),
    ("generic", lambda data: "eventType" in data or "event_type" in data or "events" in data),
)
