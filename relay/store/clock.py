"""What time it is. Machines that share a store use its clock, however much their own clocks differ.

Otherwise a machine whose clock is ahead would take the others for dead and send again what they are
sending, and no limit, wait or window would be the same on two machines.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, text

WORTH_TELLING = 5_000  # milliseconds of difference between a machine's clock and the store's


def wall_clock() -> int:
    """Milliseconds since the epoch by this machine's clock."""
    return time.time_ns() // 1_000_000


def time_of(connection: Connection, own: int | None = None) -> int:
    """Milliseconds since the epoch by the store's clock; with SQLite, this machine's (`own`, if given)."""
    if connection.dialect.name == "sqlite":
        return wall_clock() if own is None else own
    return int(connection.execute(_CLOCK).scalar_one())


class StoreClock:
    """Milliseconds since the epoch by this machine's clock, corrected with the store's by `put_right`."""

    def __init__(self, own: Callable[[], int] = wall_clock) -> None:
        self.own = own
        self.behind = 0  # milliseconds by which this machine's clock is known to be behind the store's

    def __call__(self) -> int:
        return self.own() + self.behind

    def put_right(self, connection: Connection) -> int:
        """Ask the store for the time, follow its clock from now on, and return the time.

        The answer was right at some moment between question and answer; the correction changes only as much as
        is needed to agree with that.
        """
        before = self.own()
        then = time_of(connection, before)
        after = self.own()
        self.behind = min(max(self.behind, then - after), then - before)
        return self()


_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
