"""Any other system: events with our own field names, in camelCase or snake_case.

One object or a list of them. Signed as Standard Webhooks if the secret begins
with `whsec_`, else basic or bearer authentication.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, basic, secrets_of, standard_webhook
from relay.feedback.events import TYPES, FeedbackEvent, failure
from relay.feedback.payload import metadata, moment, prose, rows, table, tags, text


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:
    if all(one.startswith("whsec_") for one in secrets_of(secret)):
        return standard_webhook(headers, raw, secret, now)
    return basic(headers, secret)


def normalise(payload: Any) -> list[FeedbackEvent]:
    listed = table(payload).get("events")
    return [_event(table(row)) for row in rows(listed if isinstance(listed, list) else payload)]


def _event(data: Mapping[str, Any]) -> FeedbackEvent:
    kind = text(_one(data, "eventType", "event_type", "event", "type"))
    said = prose(_one(data, "diagnostic", "description", "mtaResponse", "mta_response"))
    status, reason = text(data.get("status")), text(data.get("reason"))
    told_hard = data.get("hard") is True and kind == "bounced"
    found = failure(
        said, status, permanent=told_hard, otherwise=reason or ("userunknown" if told_hard else "undefined")
    )
    failed = kind in {"bounced", "deferred", "failed"}
    return FeedbackEvent(
        kind if kind in TYPES else "unknown",
        text(_one(data, "recipient", "email", "to")),
        status,
        found["reply_code"] if failed else "",
        reason or (found["reason"] if failed else ""),
        found["hard"],
        text(_one(data, "feedbackType", "feedback_type")),
        text(_one(data, "messageId", "message_id", "message-id")),
        moment(_one(data, "timestamp", "time", "date")),
        text(_one(data, "eventId", "event_id", "id")),
        "generic",
        said,
        metadata(data.get("metadata")),
        tags(data.get("tags")),
        raw=data,
    )


def _one(data: Mapping[str, Any], *names: str) -> Any:
    return next((data[name] for name in names if name in data), None)
