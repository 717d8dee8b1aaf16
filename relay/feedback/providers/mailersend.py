"""MailerSend: one event per request, signed by an HMAC over the raw body."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, header, hex_hmac, refused, secrets_of
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import moment, prose, table, tags, text

_TYPES = {
    "sent": "sent", "delivered": "delivered", "deferred": "deferred", "soft_bounced": "bounced",
    "hard_bounced": "bounced", "spam_complaint": "complained", "unsubscribed": "unsubscribed", "opened": "opened",
    "opened_unique": "opened", "clicked": "clicked", "clicked_unique": "clicked",
}  # fmt: skip


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:  # noqa: ARG001 - no time is signed
    given = header(headers, "signature")
    secrets_of(secret)
    if not given:
        return refused("unsigned")
    return Authenticity(accepted=True) if hex_hmac(raw, given, secret) else refused("wrong_signature")


def normalise(payload: Any) -> list[FeedbackEvent]:
    event = table(payload)
    data = table(event.get("data"))
    email, morph = table(data.get("email")), table(data.get("morph"))
    name = text(event.get("type")).removeprefix("activity.")
    kind = _TYPES.get(name, "unknown")
    said = prose(morph.get("readable_reason")) or prose(morph.get("reason"))
    return [
        FeedbackEvent(
            kind,
            text(table(email.get("recipient")).get("email")),
            message_id=text(table(email.get("message")).get("id")),
            timestamp=moment(data.get("created_at")) or moment(event.get("created_at")),
            event_id=text(data.get("id")),
            provider="mailersend",
            diagnostic=said,
            tags=tags(email.get("tags")),
            raw=event,
            **_outcome(name, kind, prose(morph.get("reason")) or said),
        )
    ]


def _outcome(name: str, kind: str, said: str) -> dict[str, Any]:
    if kind in FEEDBACK:
        return FEEDBACK[kind]
    if kind not in {"bounced", "deferred"}:
        return {}
    permanent = name == "hard_bounced"
    return failure(said, permanent=permanent)
