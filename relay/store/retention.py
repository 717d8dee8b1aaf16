"""How long things are kept. Bodies are deleted first, then submissions with their deliveries, decisions last.

Rows are deleted in small steps, each a short transaction of its own, so that nobody has to wait
for a sweep; a sweep continues until a step is no longer full, so it keeps up with any intake.
Tables partitioned on PostgreSQL lose whole periods (`partitions`). Nothing still on its way is
deleted, however old. Decisions are deleted only under a signed anchor (`pruning`).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, text

from policy.moment import ms_of
from policy.usage import DAY, HOUR
from relay.mail.ids import first_id
from relay.store import pruning
from relay.store.keys import LEAVE_PUBLISHED
from relay.store.partitions import BODIES, DECISIONS, EVENTS, Period, drop, floor, is_cut, over
from relay.store.pruning import Seal

STEP = 200  # rows per step: about ten milliseconds
HOURS_KEPT = 31 * 24
VOLUMES_KEPT = 400 * 24  # hours; a report may go back a year


class Kept(Protocol):
    """How long things are kept."""

    @property
    def messages(self) -> timedelta: ...
    @property
    def decisions(self) -> timedelta: ...
    @property
    def events(self) -> timedelta: ...
    @property
    def webhook_log(self) -> timedelta: ...


class Sweep(Struct, frozen=True):
    """One kind of row to delete; `step` deletes up to STEP of them and returns how many it deleted."""

    name: str
    step: Callable[[Connection], int]


_ON_ITS_WAY = "state IN ('queued', 'held', 'scheduled', 'deferred', 'active', 'uncertain')"
_HAS_ENDED = f"NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.send_id = bodies.send_id AND {_ON_ITS_WAY})"  # noqa: S608
# For mail that left long after it came, the time of leaving counts: its bounces and outcomes are still to come.
_LEFT_LATELY = "state IN ('delivered', 'bounced', 'expired') AND queued_at >= :since"
_SENDS = text(
    "SELECT id FROM sends WHERE id < :before AND NOT EXISTS"  # noqa: S608 - our own words
    f" (SELECT 1 FROM deliveries AS d WHERE d.send_id = sends.id AND ({_ON_ITS_WAY} OR {_LEFT_LATELY}))"
    " ORDER BY id LIMIT :step"
)
_OF_A_SEND = tuple(
    text(f"DELETE FROM {table} WHERE {key} = :id")  # noqa: S608 - our own words
    for table, key in (
        ("attempts", "send_id"),
        ("approvals", "send_id"),
        ("deliveries", "send_id"),
        ("refused_recipients", "send_id"),
        ("sends", "id"),
    )
)


def sweeps(kept: Kept, now: int, seal: Seal, *, cut: bool) -> list[Sweep]:
    """Everything that is deleted row by row; of partitioned tables only what will not be dropped with a period."""
    events, bodies, decisions = (now - ms_of(span) for span in (kept.events, kept.messages, kept.decisions))
    if cut:
        events, bodies = floor(EVENTS, events), floor(BODIES, bodies)
    finished = now - max(ms_of(kept.messages), ms_of(kept.events))
    log, waiting = first_id("wdl", now - ms_of(kept.webhook_log)), first_id("wdl", now - ms_of(kept.events))
    ended, volume = "expires_at > 0 AND expires_at < :before", "mailbox_id, provider, campaign"
    return [
        _oldest("duplicates", "fingerprint", "expires_at < :before", now),
        _oldest("refusals", "fingerprint", "last_at < :before", now - HOUR),
        _oldest("idempotency", "fingerprint", "expires_at < :before", now),
        _oldest("suppressions", "id", ended, now),
        _oldest("suppressed_domains", "id", ended, now),
        _oldest("events", "seq", "at < :before", events),
        _oldest("dkim_keys", "id", "status = 'retired' AND retired_at < :before", now - LEAVE_PUBLISHED),
        _oldest("feedback", "fingerprint", "received_at < :before", now - ms_of(kept.events)),
        _oldest("webhook_deliveries", "id", "id < :before AND state <> 'pending'", log),
        _oldest("webhook_deliveries", "id", "id < :before", waiting),  # of a disabled destination
        _oldest("tallies", "scope, hour", "hour < :before", now // HOUR - HOURS_KEPT),
        _oldest("volumes", f"tenant_id, hour, {volume}", "hour < :before", now // HOUR - VOLUMES_KEPT),
        _oldest("daily_volumes", f"tenant_id, day, {volume}", "day < :before", now // DAY - VOLUMES_KEPT // 24),
        _oldest("bodies", "send_id", f"send_id < :before AND {_HAS_ENDED} ORDER BY send_id", first_id("send", bodies)),
        Sweep("sends", lambda c: _sends(c, finished)),
        Sweep("decisions", lambda c: pruning.prune(c, before=decisions, step=STEP, now=now, seal=seal)),
    ]


def _oldest(table: str, key: str, condition: str, before: Any) -> Sweep:
    """Rows of a table that satisfy a condition on `:before`; all words of the SQL come from this module."""
    step = text(f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT :step)")  # noqa: S608
    return Sweep(table, lambda c: int(c.execute(step, {"before": before, "step": STEP}).rowcount))


def _sends(connection: Connection, since: int) -> int:
    """Delete submissions whose deliveries all ended long ago, with everything attached except the recorded decision."""
    span = {"before": first_id("send", since), "since": since, "step": STEP}
    ids = connection.execute(_SENDS, span).scalars().all()
    for statement in _OF_A_SEND if ids else ():
        connection.execute(statement, [{"id": send_id} for send_id in ids])
    return len(ids)


def gone(connection: Connection, kept: Kept, now: int) -> list[Period]:
    """The periods that have expired; none on SQLite."""
    if not is_cut(connection):
        return []
    return [
        *over(connection, EVENTS, now - ms_of(kept.events)),
        *over(connection, DECISIONS, now - ms_of(kept.decisions)),
        *(p for p in over(connection, BODIES, now - ms_of(kept.messages)) if not _is_open(connection, p)),
    ]


def take_away(connection: Connection, period: Period, now: int, seal: Seal) -> None:
    """Drop an expired period."""
    if period.cut is DECISIONS:
        pruning.anchor_period(connection, period, now=now, seal=seal)
    drop(connection, period)


_OPEN = text(f"SELECT 1 FROM deliveries WHERE send_id >= :start AND send_id < :end AND {_ON_ITS_WAY} LIMIT 1")  # noqa: S608 - our own words


def _is_open(connection: Connection, period: Period) -> bool:
    """Whether a message of this period is still on its way; its finished ones are then deleted one by one."""
    bounds = {"start": first_id("send", period.start), "end": first_id("send", period.end)}
    return connection.execute(_OPEN, bounds).first() is not None
