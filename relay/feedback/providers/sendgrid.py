"""SendGrid: a list of events, signed by ECDSA (P-256, SHA-256) over time and raw body.

The secret is the public key of the webhook, as SendGrid shows it (base64 of its
DER form). A «dropped» event is SendGrid's own suppression: the mail never left.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from relay.feedback.authenticity import Authenticity, decoded, header, in_window, refused, secrets_of
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import metadata, moment, prose, rows, table, tags, text

_TYPES = {
    "processed": "queued", "delivered": "delivered", "deferred": "deferred", "bounce": "bounced",
    "dropped": "rejected", "spamreport": "complained", "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed", "group_resubscribe": "subscribed", "open": "opened", "click": "clicked",
}  # fmt: skip

_DROPPED = {
    "bounced address": "suppressed", "unsubscribed address": "suppressed", "spam reporting address": "suppressed",
    "invalid": "userunknown", "spam content": "spamdetected", "invalid smtpapi header": "contenterror",
    "recipient list over package quota": "exceedlimit",
}  # fmt: skip

# All fields that SendGrid itself puts into an event; the rest are the sender's unique_args.
_OWN = frozenset(
    {
        "email", "event", "timestamp", "smtp-id", "sg_event_id", "sg_message_id", "category", "reason", "status",
        "type", "response", "attempt", "ip", "tls", "cert_err", "useragent", "url", "url_offset", "asm_group_id",
        "bounce_classification", "sg_machine_open", "sg_content_type", "pool", "domain", "from", "subject",
    }
)  # fmt: skip


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:
    seconds = header(headers, "x-twilio-email-event-webhook-timestamp")
    signature = decoded(header(headers, "x-twilio-email-event-webhook-signature"))
    keys = [_key(one) for one in secrets_of(secret)]
    if not seconds or not signature:
        return refused("unsigned")
    if late := in_window(seconds, now):
        return refused(late)
    if not any(_signed(key, signature, seconds.encode() + raw) for key in keys):
        return refused("wrong_signature")
    # A signature covers one body at one second, so a copy is recognised by it.
    return Authenticity(accepted=True, nonce=base64.b64encode(signature).decode()[:200])


def _key(secret: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(decoded(secret))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the webhook secret is not SendGrid's public key") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("the webhook secret is not an ECDSA key")  # noqa: TRY004 - a wrong setting, not a wrong type
    return key


def _signed(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def normalise(payload: Any) -> list[FeedbackEvent]:
    return [_event(table(row)) for row in rows(payload)]


def _event(data: Mapping[str, Any]) -> FeedbackEvent:
    kind = _TYPES.get(text(data.get("event")), "unknown")
    said = prose(data.get("reason")) or prose(data.get("response"))
    return FeedbackEvent(
        kind,
        text(data.get("email")),
        # «smtp-id» is the Message-ID; sg_message_id begins, up to the first dot, with the id that the 250 gave us.
        message_id=text(data.get("sg_message_id")).partition(".")[0] or text(data.get("smtp-id")).strip("<>"),
        timestamp=moment(data.get("timestamp")),
        event_id=text(data.get("sg_event_id")),
        provider="sendgrid",
        diagnostic=said,
        metadata=metadata({name: value for name, value in data.items() if name not in _OWN}),
        tags=tags(data.get("category")),
        raw=data,
        **_outcome(kind, data, said),
    )


def _outcome(kind: str, data: Mapping[str, Any], said: str) -> dict[str, Any]:
    if kind in FEEDBACK:
        return FEEDBACK[kind]
    if kind == "rejected":
        return {"reason": _DROPPED.get(said.lower(), "undefined"), "status": text(data.get("status"))}
    if kind not in {"bounced", "deferred"}:
        return {}
    # Type «blocked» is a temporary refusal or about the content; only «bounce» is about the address.
    permanent = kind == "bounced" and text(data.get("type")) != "blocked"
    otherwise = "blocked" if kind == "bounced" and not permanent else ""
    return failure(said, text(data.get("status")), permanent=permanent, otherwise=otherwise)
