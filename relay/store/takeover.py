"""Copies all rows of a SQLite store into an empty PostgreSQL store, for an installation that outgrew one machine.

Everything is part of the target's transaction: it is there as a whole or not at all. A row that PostgreSQL will not
hold ends it with StoreUnusable, which names the table. The source is only read.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from policy.usage import DAY
from relay.mail.ids import made_at
from relay.store import partitions
from relay.store import schema as t
from relay.store.clock import time_of
from relay.store.engine import StoreUnusable

TOLD = 1_000  # rows
OLDEST = 400 * DAY  # older rows go where those of no period go


def size(source: Connection) -> int:
    """How many rows there are to copy."""
    return sum(source.execute(select(func.count()).select_from(one)).scalar_one() for one in t.metadata.sorted_tables)


def take_over(source: Connection, target: Connection, told: Callable[[int], None]) -> None:
    """Copy every row; `told` is called with the number of those that came since the last time."""
    _make_periods(source, target)
    driver = target.dialect.loaded_dbapi
    for table in t.metadata.sorted_tables:
        try:
            _copy(table, source, target, told)
        except driver.Error as error:
            what = "does not fit" if isinstance(error, (driver.DataError, driver.IntegrityError)) else "was not taken"
            raise StoreUnusable(f"a row of {table.name} {what}: {str(error).splitlines()[0]}") from error
        target.execute(text(f"ANALYZE {table.name}"))
    _number_on(source, target)


def _make_periods(source: Connection, target: Connection) -> None:
    now = time_of(target)
    first = source.execute(select(func.min(t.bodies.c.send_id))).scalar_one()
    since = {
        partitions.BODIES: made_at(first) if first else now,
        partitions.DECISIONS: source.execute(select(func.min(t.decisions.c.at))).scalar_one(),
        partitions.EVENTS: source.execute(select(func.min(t.events.c.at))).scalar_one(),
    }
    for cut, at in since.items():
        partitions.prepare(target, now, [cut], since=max(at or now, now - OLDEST))


def _copy(table: Table, source: Connection, target: Connection, told: Callable[[int], None]) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = target.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        copied = 0
        for copied, row in enumerate(source.execute(select(table)), 1):  # one in memory at a time: bodies may be large
            copy.write_row(row)
            if copied % TOLD == 0:
                told(TOLD)
        told(copied % TOLD)


def _number_on(source: Connection, target: Connection) -> None:
    """Go on after the highest number that was ever given, even if its row is gone."""
    for table, last in source.execute(text("SELECT name, seq FROM sqlite_sequence")).all():
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'seq'), :last)"), {"table": table, "last": last}
        )
