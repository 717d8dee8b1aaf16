"""What is kept for how long. Bodies and finished submissions go first, decisions last.

Which message reached whom outlives the submission: attribution looks further back. Rows go
in small steps, so that nobody waits behind a sweep. Decisions are deleted only at or below a
signed pruning anchor; see `audit`.
"""

from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection, text

from relay.store.outcomes import DELIVERED_AT

STEP = 2000  # rows a sweep takes of each table


class Kept(Protocol):
    """How long things are kept."""

    @property
    def messages(self) -> timedelta: ...
    @property
    def events(self) -> timedelta: ...
    @property
    def attribution(self) -> timedelta: ...
    @property
    def webhook_log(self) -> timedelta: ...


def _oldest(table: str, key: str, condition: str) -> str:
    """A step of a sweep; the words are this module's own, never a caller's."""
    return f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT :step)"  # noqa: S608


_FINISHED = (
    "SELECT id FROM sends WHERE received_at < :before AND NOT EXISTS (SELECT 1 FROM deliveries"
    " WHERE deliveries.send_id = sends.id AND state IN"
    " ('queued', 'held', 'scheduled', 'deferred', 'active', 'uncertain')) ORDER BY received_at LIMIT :step"
)
_SWEEPS = (
    _oldest("duplicates", "fingerprint", "expires_at < :now"),
    _oldest("refusals", "fingerprint", "last_at < :hour_ago"),
    _oldest("idempotency", "fingerprint", "expires_at < :now"),
    _oldest("suppressions", "id", "expires_at > 0 AND expires_at < :now"),
    _oldest("events", "seq", "at < :events_before"),
    _oldest("feedback", "fingerprint", "received_at < :events_before"),
    _oldest("webhook_deliveries", "id", "created_at < :log_before AND state <> 'pending'"),
    _oldest("touches", "send_id", "at < :touches_before"),
    "DELETE FROM tallies WHERE hour < :oldest_hour",
    "DELETE FROM volumes WHERE hour < :oldest_hour",
)
_REMEMBER = text(  # the words are this package's own
    "INSERT INTO touches (send_id, n, tenant_id, key, at, mailbox_id, campaign, provider)"  # noqa: S608
    f" SELECT d.send_id, d.n, d.tenant_id, d.recipient_key, {DELIVERED_AT}, d.mailbox_id, s.campaign, d.provider"
    " FROM deliveries d JOIN sends s ON s.id = d.send_id WHERE d.send_id = :id AND d.state = 'delivered'"
)
_OF_A_SEND = (
    ("bodies", "send_id"),
    ("attempts", "send_id"),
    ("approvals", "send_id"),
    ("deliveries", "send_id"),
    ("sends", "id"),
)


def prune(connection: Connection, kept: Kept, now: int) -> int:
    """Delete a step of what has had its time; returns how many submissions went."""
    words = {
        "now": now,
        "step": STEP,
        "hour_ago": now - 3_600_000,
        "before": now - _ms(kept.messages),
        "events_before": now - _ms(kept.events),
        "log_before": now - _ms(kept.webhook_log),
        "touches_before": now - _ms(kept.attribution),
        "oldest_hour": (now - _ms(kept.attribution)) // 3_600_000,
    }
    for statement in _SWEEPS:
        connection.execute(text(statement), {k: v for k, v in words.items() if f":{k}" in statement})
    ids = connection.execute(text(_FINISHED), {"before": words["before"], "step": STEP}).scalars().all()
    rows = [{"id": send_id} for send_id in ids]
    if rows:
        connection.execute(_REMEMBER, rows)
        for table, key in _OF_A_SEND:
            connection.execute(text(f"DELETE FROM {table} WHERE {key} = :id"), rows)  # noqa: S608 - our own words
    return len(rows)


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
