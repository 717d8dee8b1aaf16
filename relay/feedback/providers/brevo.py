"""Brevo: one event per request; there is no signature, only basic or bearer authentication."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, basic
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import PayloadError, load_leniently, metadata, moment, prose, rows, table, tags, text

_TYPES = {
    "request": "queued", "sent": "sent", "delivered": "delivered", "deferred": "deferred", "soft_bounce": "bounced",
    "hard_bounce": "bounced", "blocked": "rejected", "spam": "complained", "complaint": "complained",
    "invalid_email": "bounced", "invalid": "bounced", "error": "failed", "unsubscribed": "unsubscribed",
    "opened": "opened", "unique_opened": "opened", "proxy_open": "opened", "unique_proxy_open": "opened",
    "click": "clicked",
}  # fmt: skip


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:  # noqa: ARG001 - Brevo signs neither body nor time
    return basic(headers, secret)


def normalise(payload: Any) -> list[FeedbackEvent]:
    return [_event(table(row)) for row in rows(payload)]


def _event(data: Mapping[str, Any]) -> FeedbackEvent:
    name = text(data.get("event"))
    kind = _TYPES.get(name, "unknown")
    said = prose(data.get("reason"))
    message, recipient = text(data.get("message-id")).strip("<>"), text(data.get("email"))
    # «ts_event» is when it happened, «ts_epoch» when it was sent, in milliseconds; «date» has no time zone.
    when = moment(data.get("ts_event")) or moment(data.get("ts_epoch")) or moment(data.get("ts"))
    return FeedbackEvent(
        kind,
        recipient,
        message_id=message,
        timestamp=when,
        # «id» is the id of the webhook, the same in all events.
        event_id=f"{name}:{message}:{recipient}:{text(data.get('ts_event')) or text(data.get('ts'))}",
        provider="brevo",
        diagnostic="" if said == "sent" else said,
        metadata=_custom(data.get("X-Mailin-custom")),
        tags=tags(data.get("tags")),
        raw=data,
        **_outcome(name, kind, said),
    )


def _custom(value: Any) -> dict[str, str]:
    """The metadata that we sent in X-Mailin-custom: its JSON, or else the whole text under `custom`."""
    given = text(value, 10_000)
    if not given:
        return {}
    try:
        return metadata(load_leniently(given)) or {"custom": given[:500]}
    except PayloadError:
        return {"custom": given[:500]}


def _outcome(name: str, kind: str, said: str) -> dict[str, Any]:
    if kind in FEEDBACK:
        return FEEDBACK[kind]
    if kind == "rejected":
        return {"reason": "suppressed"}
    if kind == "failed":
        return {"reason": "systemerror"}
    if kind not in {"bounced", "deferred"}:
        return {}
    permanent = name in {"hard_bounce", "invalid_email", "invalid"}
    return failure(said, permanent=permanent)
