"""Tables that are only added to, cut into periods on PostgreSQL: what has had its time is dropped, not deleted.

Bodies, decisions and events are most of what is stored, and nobody changes a row of them, so a
period goes in a moment, leaves nothing to vacuum, and an insert touches one small index. Ids
carry their time, so bodies are cut by id and an id is looked for in one period alone. What
delivery updates (`deliveries`, `attempts`) stays whole, and so does `sends`: an UPDATE by id of
a cut table is planned anew each time or locks every partition, and their rows are small.

Periods are made days ahead, at start and by a chore. What falls into none, because a clock
was wrong, goes into the default partition and is swept from there row by row. On SQLite
everything is swept (`retention`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, text

from policy.usage import DAY
from relay.mail.ids import first_id

AHEAD = 3 * DAY  # how long before it begins a period is there at the latest
LOCK = 0x6761_7470  # advisory lock of whoever makes periods
PATIENCE = "2s"  # a lock that is not had by then is left for the next time: mail waits behind whoever waits for it


class Cut(Struct, frozen=True):
    """How one table is cut: `bound` is the value of the key at a time in milliseconds."""

    table: str
    span: int
    bound: Callable[[int], int | str]


class Period(Struct, frozen=True):
    """One partition: from `start` to `end`, milliseconds."""

    cut: Cut
    start: int

    @property
    def end(self) -> int:
        """When the next one begins."""
        return self.start + self.cut.span

    @property
    def name(self) -> str:
        """`events_20261123`: the table and the first day."""
        return f"{self.cut.table}_{datetime.fromtimestamp(self.start / 1000, UTC):%Y%m%d}"


BODIES = Cut("bodies", DAY, lambda at: first_id("send", at))
DECISIONS = Cut("decisions", 28 * DAY, int)
EVENTS = Cut("events", 7 * DAY, int)
CUTS = (BODIES, DECISIONS, EVENTS)


def is_cut(connection: Connection) -> bool:
    """Whether this store is."""
    return connection.dialect.name == "postgresql"


def floor(cut: Cut, at: int) -> int:
    """When the period of a time began."""
    return at - at % cut.span


def prepare(connection: Connection, now: int) -> list[str]:
    """Make the periods of now and of the days to come; the names of those that are new."""
    if not is_cut(connection) or not _missing(connection, now):
        return []
    with _patiently(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})  # before any table is touched
        missing = _missing(connection, now)  # another machine may have been first
        made = [period for period in missing if not _strays(connection, period)]
        for period in made:
            _make(connection, period)
    return [period.name for period in made]


@contextmanager
def _patiently(connection: Connection) -> Iterator[None]:
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    yield
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


def _missing(connection: Connection, now: int) -> list[Period]:
    return [
        period
        for cut in CUTS
        for start in range(floor(cut, now), now + AHEAD + cut.span, cut.span)
        if (period := Period(cut, start)) not in periods(connection, cut)
    ]


def _strays(connection: Connection, period: Period) -> bool:
    """Whether the default partition holds rows of this period already: then they, and what joins them, stay there."""
    key = "send_id" if period.cut is BODIES else "at"
    query = f"SELECT 1 FROM {period.cut.table}_default WHERE {key} >= :start AND {key} < :end LIMIT 1"  # noqa: S608
    bounds = {"start": period.cut.bound(period.start), "end": period.cut.bound(period.end)}
    return connection.execute(text(query), bounds).first() is not None


def _make(connection: Connection, period: Period) -> None:
    """Made apart and attached: that locks out nobody who reads or writes the table."""
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
    """The periods there are, the oldest first."""
    names = connection.execute(_CHILDREN, {"name": cut.table}).scalars()
    days = (datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC) for name in names)
    return [Period(cut, int(day.timestamp()) * 1000) for day in days]


def over(connection: Connection, cut: Cut, before: int) -> list[Period]:
    """The periods that ended before a time."""
    return [period for period in periods(connection, cut) if period.end <= before]


def drop(connection: Connection, period: Period) -> None:
    """Take a period away with everything in it."""
    with _patiently(connection):
        connection.execute(text(f"DROP TABLE {period.name}"))
