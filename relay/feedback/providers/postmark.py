"""Postmark: one event per request, authenticated by HTTP basic or a bearer header.

A bounce says whether the address was deactivated (`Inactive`); only the types
that are about the address are hard. «SMTPApiError» is Postmark's late refusal of
mail that its SMTP server had accepted, mostly to a recipient it considers inactive.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, basic
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import metadata, moment, prose, rows, table, tags, text

_BOUNCES: dict[str, tuple[str, str, bool]] = {
    # Type: event type, reason if the details say nothing, permanent
    "HardBounce": ("bounced", "userunknown", True),
    "BadEmailAddress": ("bounced", "userunknown", True),
    "ManuallyDeactivated": ("rejected", "suppressed", False),
    "InboundError": ("failed", "systemerror", False),
    "SMTPApiError": ("rejected", "suppressed", False),
    "SpamNotification": ("bounced", "spamdetected", False),
    "SpamComplaint": ("complained", "feedback", False),
    "Blocked": ("bounced", "blocked", False),
    "VirusNotification": ("bounced", "virusdetected", False),
    "DMARCPolicy": ("bounced", "authfailure", False),
    "TemplateRenderingFailed": ("failed", "contenterror", False),
    "ChallengeVerification": ("autoresponded", "vacation", False),
    "AutoResponder": ("autoresponded", "vacation", False),
    "Subscribe": ("subscribed", "", False),
    "Unsubscribe": ("unsubscribed", "feedback", False),
    "AddressChange": ("autoresponded", "hasmoved", False),
    "DnsError": ("bounced", "networkerror", False),
    "Transient": ("deferred", "undefined", False),
    "SoftBounce": ("bounced", "undefined", False),
    "OpenRelayTest": ("bounced", "blocked", False),
    "Unknown": ("bounced", "undefined", False),
    "Unconfirmed": ("queued", "", False),
    "UnconfirmedByRecipient": ("bounced", "undefined", False),
}
# Why Postmark no longer sends to an address; any other reason is a person's wish. A bounce has an event of its own,
# with words that say whether the address is to blame.
_SUPPRESSED: dict[str, tuple[str, dict[str, Any]]] = {
    "HardBounce": ("unknown", {}),
    "SpamComplaint": ("complained", FEEDBACK["complained"]),
}
_OTHERS = {"Delivery": "delivered", "Open": "opened", "Click": "clicked"}


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:  # noqa: ARG001 - Postmark signs neither body nor time
    return basic(headers, secret)


def normalise(payload: Any) -> list[FeedbackEvent]:
    return [_event(table(row)) for row in rows(payload)]


def _event(data: Mapping[str, Any]) -> FeedbackEvent:
    record = text(data.get("RecordType"))
    if record in {"Bounce", "SpamComplaint"}:
        return _bounce(data, record)
    if record == "SubscriptionChange":
        kind, more = _SUPPRESSED.get(text(data.get("SuppressionReason")), ("unsubscribed", FEEDBACK["unsubscribed"]))
        return _common(data, kind, **more) if data.get("SuppressSending") is True else _common(data, "subscribed")
    return _common(data, _OTHERS.get(record, "unknown"))


def _bounce(data: Mapping[str, Any], record: str) -> FeedbackEvent:
    kind, reason, permanent = _BOUNCES.get(text(data.get("Type")), ("bounced", "undefined", False))
    if record == "SpamComplaint" or kind == "complained":
        return _common(data, "complained", reason="feedback", feedback_type="abuse")
    said = prose(data.get("Details")) or prose(data.get("Description"))
    found = failure(said, permanent=permanent, otherwise=reason)
    if kind not in {"bounced", "deferred"}:
        return _common(data, kind, reason=reason, diagnostic=said)
    return _common(data, kind, diagnostic=said, **found)


def _common(data: Mapping[str, Any], kind: str, **more: Any) -> FeedbackEvent:
    when = next((moment(data[name]) for name in _MOMENTS if name in data), None)
    identity = text(data.get("ID"))
    return FeedbackEvent(
        kind,
        text(data.get("Recipient")) or text(data.get("Email")),
        message_id=text(data.get("MessageID")),
        timestamp=when,
        # Deliveries and opens have no id of their own: one is made from message, recipient and time.
        event_id=f"{text(data.get('RecordType'))}:{identity}" if identity else _made_id(data, when),
        provider="postmark",
        metadata=metadata(data.get("Metadata")),
        tags=tags(data.get("Tag")),
        raw=data,
        **more,
    )


_MOMENTS = ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt")


def _made_id(data: Mapping[str, Any], when: datetime | None) -> str:
    who = text(data.get("Recipient")) or text(data.get("Email"))
    return f"{text(data.get('RecordType'))}:{text(data.get('MessageID'))}:{who}:{when.isoformat() if when else ''}"
