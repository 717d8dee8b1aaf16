"""What time it is. Machines that share a store go by its clock, however far apart their own are.

By clocks that differ, the one ahead would take the others for dead and send again what they have
under way, and no limit, wait or window would be the same on two machines.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, text

WORTH_TELLING = 5_000  # milliseconds between a machine's clock and the store's


def wall_clock() -> int:
    """Milliseconds since the epoch, by this machine."""
    return time.time_ns() // 1_000_000


def time_of(connection: Connection, own: int | None = None) -> int:
    """Milliseconds since the epoch by the store; SQLite has no clock but the machine's, which says `own`."""
    if connection.dialect.name == "sqlite":
        return wall_clock() if own is None else own
    return int(connection.execute(_CLOCK).scalar_one())


class StoreClock:
    """Milliseconds since the epoch: this machine's clock, put right by the store's whenever that is asked."""

    def __init__(self, own: Callable[[], int] = wall_clock) -> None:
        self.own = own
        self.behind = 0  # milliseconds by which this machine's clock is behind the store's, as far as is known

    def __call__(self) -> int:
        return self.own() + self.behind

    def put_right(self, connection: Connection) -> int:
        """Ask the store, and go by its clock from now on; the time.

        The answer was right at some moment between question and answer: no more is changed than it takes for that.
        """
        before = self.own()
        then = time_of(connection, before)
        after = self.own()
        self.behind = min(max(self.behind, then - after), then - before)
        return self()


_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
