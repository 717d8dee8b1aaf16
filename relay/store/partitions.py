"""Append-only tables, partitioned by time on PostgreSQL: expired periods are dropped, not deleted row by row.

Bodies, decisions and events are most of what is stored, and their rows never change. So dropping
a period takes a moment and leaves nothing to vacuum, and an insert touches one small index. Ids
contain their time, so bodies are partitioned by id, and an id is looked up in a single period.
Tables that delivery updates (`deliveries`, `attempts`) are not partitioned, and neither is `sends`:
an UPDATE by id of a partitioned table is planned anew each time or locks every partition, and
their rows are small.

Periods are made days ahead, at start and by a chore. Rows that belong to no period, because a
clock was wrong, go into the default partition and are deleted from there one by one. On SQLite
all expired rows are deleted (`retention`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, text

from policy.usage import DAY
from relay.mail.ids import first_id
from relay.store.nodes import wait_alone

AHEAD = 3 * DAY  # a period exists at least this long before it begins
LOCK = 0x6761_7470  # advisory lock for making periods
PATIENCE = "2s"  # then give up until next time: mail queues up behind whoever waits for a table lock


class Cut(Struct, frozen=True):
    """How one table is partitioned: `bound` gives the key's value for a time in milliseconds."""

    table: str
    span: int
    bound: Callable[[int], int | str]


class Period(Struct, frozen=True):
    """One partition, from `start` to `end` (milliseconds since the epoch)."""

    cut: Cut
    start: int

    @property
    def end(self) -> int:
        """When the next period begins."""
        return self.start + self.cut.span

    @property
    def name(self) -> str:
        """The table and the first day, such as `events_20261123`."""
        return f"{self.cut.table}_{datetime.fromtimestamp(self.start / 1000, UTC):%Y%m%d}"


BODIES = Cut("bodies", DAY, lambda at: first_id("send", at))
DECISIONS = Cut("decisions", 28 * DAY, int)
EVENTS = Cut("events", 7 * DAY, int)
CUTS = (BODIES, DECISIONS, EVENTS)


def is_cut(connection: Connection) -> bool:
    """Whether this store uses partitions."""
    return connection.dialect.name == "postgresql"


def floor(cut: Cut, at: int) -> int:
    """The start of the period that contains a time."""
    return at - at % cut.span


def prepare(connection: Connection, now: int, cuts: Sequence[Cut] = CUTS, *, since: int = 0) -> list[str]:
    """Make the periods for now and the coming days, or from an earlier time on; returns the names of new ones.

    The default partitions of what is made stay locked until the commit.
    """
    if not is_cut(connection) or not _missing(connection, now, cuts, since):
        return []
    with _patiently(connection):
        wait_alone(connection, LOCK)  # before touching any table
        missing = _missing(connection, now, cuts, since)  # another machine may have been faster
        made = [period for period in missing if not _strays(connection, period)]
        for period in made:
            _make(connection, period)
    return [period.name for period in made]


@contextmanager
def _patiently(connection: Connection) -> Iterator[None]:
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    yield
    connection.execute(text("SET LOCAL lock_timeout = 0"))


def _missing(connection: Connection, now: int, cuts: Sequence[Cut], since: int) -> list[Period]:
    return [
        period
        for cut in cuts
        for known in [periods(connection, cut)]
        for start in range(floor(cut, since or now), now + AHEAD + cut.span, cut.span)
        if (period := Period(cut, start)) not in known
    ]


def _strays(connection: Connection, period: Period) -> bool:
    """Whether the default partition already holds rows of this period; if so, the period's rows stay there."""
    key = "send_id" if period.cut is BODIES else "at"
    query = f"SELECT 1 FROM {period.cut.table}_default WHERE {key} >= :start AND {key} < :end LIMIT 1"  # noqa: S608
    bounds = {"start": period.cut.bound(period.start), "end": period.cut.bound(period.end)}
    return connection.execute(text(query), bounds).first() is not None


def _make(connection: Connection, period: Period) -> None:
    """Create the partition separately and attach it: of the table only the default partition is locked."""
    table, name = period.cut.table, period.name
    start, end = (repr(period.cut.bound(at)) for at in (period.start, period.end))
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)"))
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"))
    if period.cut is DECISIONS:
        connection.execute(text(f"CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON {name} {_GUARD}"))


_GUARD = "FOR EACH STATEMENT EXECUTE FUNCTION decisions_no_truncate()"
_CHILDREN = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = to_regclass(:name) AND c.relname NOT LIKE '%default' ORDER BY c.relname"
)


def periods(connection: Connection, cut: Cut) -> list[Period]:
    """The existing periods, oldest first."""
    names = connection.execute(_CHILDREN, {"name": cut.table}).scalars()
    days = (datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC) for name in names)
    return [Period(cut, int(day.timestamp()) * 1000) for day in days]


def over(connection: Connection, cut: Cut, before: int) -> list[Period]:
    """The periods that ended before a given time."""
    return [period for period in periods(connection, cut) if period.end <= before]


def drop(connection: Connection, period: Period) -> None:
    """Drop a period with everything in it."""
    with _patiently(connection):
        connection.execute(text(f"DROP TABLE {period.name}"))
