"""The events in order, from any place on, with none skipped and none repeated.

On SQLite there is one writer at a time, so the sequence is the order. On PostgreSQL a transaction
may commit after a later one: readers order by (transaction id, sequence) and stop below the
oldest running transaction. A dump restored into another server brings the ids of the old one, and
the new one counts from the beginning: its ids are raised above them (`continued`).
"""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, or_, select, text, tuple_

from relay.store import schema as t
from relay.store.meta import remember
from relay.store.nodes import wait_alone
from relay.store.paging import matching
from relay.store.prepared import Prepared

STRETCH = 100_000  # events; going over them takes a twentieth of a second

_e = t.events.c
AHEAD = "events_ahead"  # the key under which is kept by how much ids in the journal exceed this server's own
LOCK = 0x6761_746A  # advisory lock for raising it
BEYOND = 1_000_000_000  # transactions: more than the old server can have had after the dump
_AHEAD = f"coalesce((SELECT value::bigint FROM meta WHERE key = '{AHEAD}'), 0)"  # noqa: S608
_OWN_NEXT = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_NEXT = text(f"SELECT {_OWN_NEXT} + {_AHEAD}")
_OLDEST_RUNNING = text(f"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {_AHEAD}")


class Mark(Struct, frozen=True, order=True):
    """A place in the journal: just after the event with these numbers."""

    txid: int = 0
    seq: int = 0


class Wanted(Struct, frozen=True):
    """Selects events; empty fields are ignored. Types are exact, or end in `.*`."""

    tenant_id: str = ""
    mailbox_id: str = ""
    send_id: str = ""
    types: tuple[str, ...] = ()


class Withheld(Struct, frozen=True):
    """Events that nobody can read yet: since when (milliseconds), and behind whose transaction, in words."""

    since: int
    behind: str


class Stretch(Struct, frozen=True):
    """Events of a stretch of the journal, oldest first."""

    events: Sequence[Any]
    end: Mark  # where to go on
    is_last: bool  # whether nothing lay beyond it


def onwards(connection: Connection, mark: Mark, wanted: Wanted, limit: int) -> Stretch:
    """The next events after a place, looked for among the next `STRETCH` only: a caller who wants few of them must
    not make the store go over everybody's, nor over the same ones again.
    """
    last = newest(connection)
    end = last if wanted.send_id else min(further(connection, mark, STRETCH), last)
    events = after(connection, mark, wanted, limit, end)
    end = of(events[-1]) if len(events) == limit else max(mark, end)
    return Stretch(events, end, end >= last)


def after(connection: Connection, mark: Mark, wanted: Wanted, limit: int, until: Mark | None = None) -> Sequence[Any]:
    """The next events after a place, oldest first."""
    query = _wanted(select(t.events), wanted)
    if connection.dialect.name == "sqlite":
        query = query.where(_e.seq > mark.seq).order_by(_e.seq)
        query = query if until is None else query.where(_e.seq <= until.seq)
    else:
        below = _horizon(connection)
        query = query.where(tuple_(_e.txid, _e.seq) > tuple_(mark.txid, mark.seq), _e.txid < below)
        query = query if until is None else query.where(tuple_(_e.txid, _e.seq) <= tuple_(until.txid, until.seq))
        query = query.order_by(_e.txid, _e.seq)
    return connection.execute(query.limit(limit)).all()


def further(connection: Connection, mark: Mark, events: int) -> Mark:
    """The place `events` events after another, or after everything readable now."""
    if connection.dialect.name == "sqlite":
        first = connection.execute(_FIRST_AFTER, {"seq": mark.seq}).scalar_one()  # the oldest have been removed
        return max(mark, min(newest(connection), Mark(0, (first or 0) + events - 1)))
    below = _horizon(connection)
    query = select(_e.txid, _e.seq).where(tuple_(_e.txid, _e.seq) > tuple_(mark.txid, mark.seq), _e.txid < below)
    row = connection.execute(query.order_by(_e.txid, _e.seq).offset(events - 1).limit(1)).first()
    return Mark(row.txid, row.seq) if row is not None else max(mark, newest(connection))


def newest(connection: Connection) -> Mark:
    """The place after everything readable now."""
    if connection.dialect.name == "sqlite":
        return next((Mark(0, row.seq) for row in _NEWEST.all(connection)), Mark())
    below = _horizon(connection)
    return next(map(of, _NEWEST_BELOW.all(connection, below=below)), Mark())


def _horizon(connection: Connection) -> int:
    """The oldest running transaction on PostgreSQL: what it and later ones recorded is not read yet."""
    return int(connection.execute(_OLDEST_RUNNING).scalar_one())


def was_told(connection: Connection, mark: Mark) -> bool:
    """Whether an event at this place can have existed: False for a place from before a backup was restored."""
    if connection.dialect.name == "sqlite":
        return mark <= Mark(0, connection.execute(_HIGHEST).scalar_one_or_none() or 0)
    return mark.txid < int(connection.execute(_NEXT).scalar_one())


def withheld(connection: Connection) -> Withheld | None:
    """What waits for the oldest running transaction to end, of whatever database of the server; None on SQLite."""
    if connection.dialect.name == "sqlite":
        return None
    below = _horizon(connection)
    at = connection.execute(select(_e.at).where(_e.txid >= below).order_by(_e.txid, _e.seq).limit(1)).scalar()
    if at is None:
        return None
    return Withheld(at, ", ".join(connection.execute(_HOLDERS).scalars()) or "a transaction that has just ended")


_HOLDERS = text(
    "SELECT 'process ' || pid || ' in database ' || datname FROM pg_stat_activity"
    " WHERE backend_xid = pg_snapshot_xmin(pg_current_snapshot())::xid"
    " UNION ALL SELECT 'prepared transaction ' || gid || ' in database ' || database FROM pg_prepared_xacts"
    " WHERE transaction = pg_snapshot_xmin(pg_current_snapshot())::xid"
)
_HIGHEST = text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")  # includes rows that retention has removed


def continued(connection: Connection) -> bool:
    """Let coming events follow all that are stored, if they would not; returns whether that was needed.

    Call this before anything is recorded in the transaction.
    """
    if connection.dialect.name == "sqlite" or not connection.execute(_IS_BEHIND).scalar_one():
        return False
    wait_alone(connection, LOCK)
    if not connection.execute(_IS_BEHIND).scalar_one():
        return False  # another machine was faster
    ahead = int(connection.execute(_GAP).scalar_one()) + BEYOND
    remember(connection, AHEAD, str(ahead))
    connection.execute(text(f"ALTER TABLE events ALTER txid SET DEFAULT pg_current_xact_id()::text::bigint + {ahead}"))
    return True


_IS_BEHIND = text(f"SELECT coalesce(max(txid), 0) >= {_OWN_NEXT} + {_AHEAD} FROM events")  # noqa: S608
_GAP = text(f"SELECT max(txid) - {_OWN_NEXT} FROM events")  # noqa: S608

_FIRST_AFTER = text("SELECT min(seq) FROM events WHERE seq > :seq")

_NEWEST = Prepared("SELECT seq FROM events ORDER BY seq DESC LIMIT 1")
_NEWEST_BELOW = Prepared("SELECT txid, seq FROM events WHERE txid < :below ORDER BY txid DESC, seq DESC LIMIT 1")

# An event may have an earlier time than its predecessor: its writer took longer, or a clock was set back.
# The plus sign makes SQLite use the index over `at`; for a plain min(seq) it scans the whole table.
_FIRST_SINCE = text("SELECT min(+seq) FROM events WHERE at >= :at")


def at_time(connection: Connection, at: int) -> Mark:
    """The place before all events since a time; earlier events recorded later are then included."""
    if connection.dialect.name == "sqlite":
        seq = connection.execute(_FIRST_SINCE, {"at": at}).scalar_one()
        return Mark(0, seq - 1) if seq is not None else newest(connection)
    query = select(_e.txid, _e.seq).where(_e.at >= at).order_by(_e.txid, _e.seq).limit(1)
    row = connection.execute(query).first()
    return Mark(row.txid, row.seq - 1) if row is not None else newest(connection)


_ALERTS = Prepared(
    "SELECT at, mailbox_id, data FROM events WHERE type = 'alert.raised' AND at >= :since ORDER BY at DESC LIMIT 500"
)


def alerts(connection: Connection, since: int) -> Sequence[Any]:
    """The newest alerts raised since a time, the newest first."""
    return _ALERTS.all(connection, since=since)


def of(row: Any) -> Mark:
    """The place after an event."""
    return Mark(row.txid, row.seq)


def name_of(mark: Mark) -> str:
    """The public id of the event at a place."""
    return f"evt_{mark.txid}-{mark.seq}"


def named(name: str) -> Mark | None:
    """The place of an event's id; None if it is not such an id."""
    if (found := _NAME.fullmatch(name)) is None:
        return None
    mark = Mark(int(found[1]), int(found[2]))
    return mark if max(mark.txid, mark.seq) < 1 << 62 else None


_NAME = re.compile(r"evt_(\d{1,19})-(\d{1,19})", re.ASCII)


def _wanted(query: Select[Any], wanted: Wanted) -> Select[Any]:
    own = (_e.tenant_id, wanted.tenant_id), (_e.mailbox_id, wanted.mailbox_id), (_e.send_id, wanted.send_id)
    query = query.where(*matching(*own))
    if wanted.send_id:
        query = query.where(_e.send_id != "")  # so that the partial index is used
    kinds = [kind for kind in wanted.types if kind != "*"]
    if kinds and len(kinds) == len(wanted.types):
        exact = [kind for kind in kinds if not kind.endswith(".*")]
        families = [kind[:-1] for kind in kinds if kind.endswith(".*")]
        query = query.where(or_(_e.type.in_(exact), *(_e.type.startswith(f, autoescape=True) for f in families)))
    return query
