"""Resend: one event per request, signed as Standard Webhooks with `svix-` header names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, standard_webhook
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import address, metadata, moment, prose, table, text

_TYPES = {
    "email.sent": "sent",
    "email.scheduled": "queued",
    "email.delivered": "delivered",
    "email.delivery_delayed": "deferred",
    "email.bounced": "bounced",
    "email.complained": "complained",
    "email.failed": "failed",
    "email.suppressed": "rejected",
    "email.opened": "opened",
    "email.clicked": "clicked",
}


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:
    return standard_webhook(headers, raw, secret, now, prefix="svix-")


def normalise(payload: Any) -> list[FeedbackEvent]:
    """One event a recipient."""
    event = table(payload)
    data = table(event.get("data"))
    to = data.get("to")
    recipients = to if isinstance(to, list) else [to]
    kind = _TYPES.get(text(event.get("type")), "unknown")
    return [_event(event, data, kind, address(one)) for one in recipients[:100] or [""]]


def _event(event: Mapping[str, Any], data: Mapping[str, Any], kind: str, recipient: str) -> FeedbackEvent:
    identity, when = text(data.get("email_id")), moment(event.get("created_at"))
    said, more = _failed(kind, data)
    return FeedbackEvent(
        kind,
        recipient,
        message_id=identity,
        timestamp=when,
        event_id=f"{text(event.get('type'))}:{identity}:{recipient}:{text(event.get('created_at'))}",
        provider="resend",
        diagnostic=said,
        metadata=metadata(data.get("tags")) | _headers(data.get("headers")),
        raw=event,
        **more,
    )


def _failed(kind: str, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Resend's words about a failure, and the fields of the event that follow from them."""
    if kind in FEEDBACK:
        return "", FEEDBACK[kind]
    if kind == "failed":
        return prose(table(data.get("failed")).get("reason")), {"reason": "systemerror"}
    if kind == "rejected":
        return prose(table(data.get("suppressed")).get("message")), {"reason": "suppressed"}
    if kind not in {"bounced", "deferred"}:
        return "", {}
    bounce = table(data.get("bounce"))
    said = prose(bounce.get("diagnosticCode")) or prose(bounce.get("message"))
    if text(bounce.get("subType")) in {"Suppressed", "OnAccountSuppressionList"}:
        return said, {"reason": "suppressed"}
    permanent = kind == "bounced" and text(bounce.get("type")) == "Permanent"
    return said, failure(said, permanent=permanent)


def _headers(value: Any) -> dict[str, str]:
    """Our own header fields, which Resend returns and which say which send it was."""
    pairs = [table(item) for item in value[:100]] if isinstance(value, list) else []
    named = {text(pair.get("name")).lower(): text(pair.get("value")) for pair in pairs}
    return {name: item for name, item in named.items() if name.startswith("x-gatepost-") or name == "x-entity-ref-id"}
