"""Amazon SES: events in an SNS envelope (see `sns`), or without one through EventBridge.

Permanent bounces of the kinds General and NoEmail are hard unless the reply has
another meaning. «Suppressed» refers to SES's own list, which it fills from hard
bounces; an address on the account's list may be there because of a complaint.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509

from relay.feedback.authenticity import Authenticity, refused, secrets_of
from relay.feedback.certificates import Fetch
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import PayloadError, load, moment, prose, table, text
from relay.feedback.providers import sns

_TYPES = {
    "send": "sent", "delivery": "delivered", "bounce": "bounced", "complaint": "complained", "reject": "rejected",
    "deliverydelay": "deferred", "open": "opened", "click": "clicked", "subscription": "unsubscribed",
    "rendering failure": "failed", "renderingfailure": "failed",
}  # fmt: skip

_SUBTYPES = {
    "noemail": "userunknown", "suppressed": "suppressed",
    "onaccountsuppressionlist": "suppressed", "mailboxfull": "mailboxfull", "messagetoolarge": "mesgtoobig",
    "contentrejected": "contenterror", "attachmentrejected": "contenterror", "customtimeoutexceeded": "expired",
}  # fmt: skip

_DELAYS = {
    "internalfailure": "systemerror", "general": "undefined", "mailboxfull": "mailboxfull",
    "spamdetected": "spamdetected", "recipientservererror": "systemerror", "ipfailure": "blocked",
    "transientcommunicationfailure": "networkerror", "byoiphostnamelookupunavailable": "networkerror",
    "undetermined": "undefined", "sendingdeferral": "undefined",
}  # fmt: skip


def verify(
    raw: bytes,  # SNS signs it; the headers of a call prove nothing
    secret: str,
    now: datetime,
    *,
    fetch: Fetch,
    roots: Iterable[x509.Certificate],
) -> Authenticity:
    """`secret` lists the ARNs of the topics that may send to us; with SNS these take the place of a shared secret."""
    try:
        envelope = table(load(raw))
    except PayloadError:
        return refused("unsigned")
    return sns.verify(envelope, secrets_of(secret), now, fetch, roots)


def normalise(payload: Any) -> list[FeedbackEvent]:
    """One event per recipient; an SNS confirmation gives none."""
    outer = table(payload)
    envelope = text(outer.get("Type")) if "TopicArn" in outer else ""
    if envelope in {"SubscriptionConfirmation", "UnsubscribeConfirmation"}:
        return []
    inner = sns.message_of(outer) if envelope else table(outer.get("detail")) or outer
    name = (text(inner.get("eventType")) or text(inner.get("notificationType"))).lower()
    kind = _TYPES.get(name, "unknown")
    detail = table(next((value for key, value in inner.items() if key.lower() == _DETAIL.get(name, name)), None))
    identity = text(outer.get("MessageId")) or text(outer.get("id"))
    return [_event(inner, kind, detail, identity, *one) for one in _recipients(kind, detail, inner)]


_DETAIL = {"deliverydelay": "deliverydelay", "rendering failure": "failure", "renderingfailure": "failure"}
_LISTS = {"bounced": "bouncedRecipients", "complained": "complainedRecipients", "deferred": "delayedRecipients"}


def _recipients(kind: str, detail: Mapping[str, Any], inner: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    listed = detail.get(_LISTS.get(kind, "recipients"))
    if not isinstance(listed, list):
        listed = table(inner.get("mail")).get("destination")
    if not isinstance(listed, list):
        return [("", {})]
    found = [
        (text(table(one).get("emailAddress")), table(one)) if isinstance(one, dict) else (text(one), {})
        for one in listed[:1_000]
    ]
    return found or [("", {})]


def _event(
    inner: Mapping[str, Any],
    kind: str,
    detail: Mapping[str, Any],
    identity: str,
    recipient: str,
    one: Mapping[str, Any],
) -> FeedbackEvent:
    mail = table(inner.get("mail"))
    message = text(mail.get("messageId"))
    own = text(detail.get("feedbackId")) or identity or f"{kind}:{message}:{text(detail.get('timestamp'))}"
    said = _bare(prose(one.get("diagnosticCode")) or prose(detail.get("smtpResponse")) or prose(detail.get("reason")))
    if kind == "bounced" and _is_answer(detail, one):
        kind = "autoresponded"
    return FeedbackEvent(
        kind,
        recipient,
        message_id=message,
        timestamp=moment(detail.get("timestamp")) or moment(mail.get("timestamp")),
        event_id=f"{own}:{recipient}",
        provider="ses",
        diagnostic=said,
        metadata=_tags(mail),
        raw=inner,
        **_outcome(kind, detail, one, said),
    )


def _is_answer(detail: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """Whether it is how SES reports an absence note: a transient bounce of kind General without status or diagnosis."""
    is_general = (text(detail.get("bounceType")), text(detail.get("bounceSubType"))) == ("Transient", "General")
    return is_general and not (text(one.get("status")) or text(one.get("diagnosticCode")))


def _bare(diagnostic: str) -> str:
    """The reply without the leading `smtp; `."""
    return diagnostic.partition(";")[2].strip() if diagnostic.lower().startswith("smtp;") else diagnostic


def _tags(mail: Mapping[str, Any]) -> dict[str, str]:
    """Message tags: each name has a list of values; ours have one value."""
    found = {}
    for name, value in list(table(mail.get("tags")).items())[:50]:
        first = value[0] if isinstance(value, list) and value else value
        if not str(name).startswith("ses:"):
            found[str(name)[:500]] = text(first)
    return found


def _outcome(kind: str, detail: Mapping[str, Any], one: Mapping[str, Any], said: str) -> dict[str, Any]:
    if kind == "complained":
        return {"reason": "feedback", "feedback_type": text(detail.get("complaintFeedbackType")) or "abuse"}
    if kind == "unsubscribed":
        return FEEDBACK[kind]
    if kind == "autoresponded":
        return {"reason": "vacation"}
    if kind == "rejected":
        return {"reason": "virusdetected" if "virus" in said.lower() else "policyviolation"}
    if kind == "delivered":
        return {"reason": "delivered"}
    if kind == "deferred":
        otherwise = _DELAYS.get(text(detail.get("delayType")).lower(), "undefined")
        return failure(said, text(one.get("status")), permanent=False, otherwise=otherwise)
    return _bounced(detail, one, said) if kind == "bounced" else {}


def _bounced(detail: Mapping[str, Any], one: Mapping[str, Any], said: str) -> dict[str, Any]:
    subtype = text(detail.get("bounceSubType")).lower()
    permanent = text(detail.get("bounceType")) == "Permanent"
    otherwise = _SUBTYPES.get(subtype, "")
    if otherwise == "suppressed":
        return {"status": text(one.get("status")), "reason": otherwise, "hard": permanent and subtype == "suppressed"}
    return failure(said, text(one.get("status")), permanent=permanent, otherwise=otherwise)
