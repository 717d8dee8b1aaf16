"""What happened to a submission, as shown by API and command line: its recipients, attempts and events."""

from collections.abc import Sequence
from typing import Any

from policy.moment import precise
from relay.store.engine import loads
from relay.store.restored import next_attempt
from relay.store.sent import Sent
from relay.store.states import OPEN

_WAITS = OPEN - {"active"}


def recipients(send: Sent) -> list[dict[str, Any]]:
    """The deliveries, then the refused recipients."""
    return [_delivery(row) for row in send.deliveries] + [_refused(row, send.row) for row in send.refused]


def attempts(rows: Sequence[Any], deliveries: Sequence[Any]) -> list[dict[str, Any]]:
    """Each attempt, with the server's literal reply."""
    to = {delivery.n: delivery.recipient for delivery in deliveries}
    return [_attempt(row, to.get(row.n, "")) for row in rows]


def events(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The events, as plain data."""
    return [
        {"type": e.type, "at": precise(e.at), "recipient": e.recipient or None, "data": loads(e.data)} for e in rows
    ]


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "recipient": row.recipient,
        "state": row.state,
        "attempts": row.attempts,
        "provider": row.provider or None,
        "providerId": row.provider_id or None,
        "reason": row.reason or None,
        "reply": row.reply or None,
        "nextAttemptAt": next_attempt(row) if row.state in _WAITS else None,
        "updatedAt": precise(row.updated_at),
    }


def _refused(row: Any, send: Any) -> dict[str, Any]:
    return {
        "recipient": row.recipient,
        "state": "blocked",
        "attempts": 0,
        "provider": None,
        "providerId": None,
        "reason": row.reason,
        "reply": None,
        "nextAttemptAt": None,
        "updatedAt": precise(send.received_at),
    }


def _attempt(row: Any, recipient: str) -> dict[str, Any]:
    return {
        "recipient": recipient,
        "number": row.number,
        "provider": row.provider,
        "beganAt": precise(row.began_at),
        "endedAt": precise(row.ended_at),
        "milliseconds": row.ended_at - row.began_at if row.ended_at else None,
        "result": row.result or None,
        "scope": row.scope or None,
        "phase": row.phase or None,
        "code": row.code or None,
        "enhanced": row.enhanced or None,
        "reply": row.reply or None,
        "providerId": row.provider_id or None,
    }
