"""Whether there is room for more mail: disk space, waiting deliveries and their octets; and whether the store exists.

Measured every 15 seconds, and checked before anything is accepted: at a limit new mail is refused
temporarily, while stored mail continues to leave, which makes room again. A few seconds of mail may
exceed a limit; if the disk fills up meanwhile, the commit itself fails.

A SQLite file that is removed or replaced while in use can still be written although no path leads to
it: what it receives is gone after the next start. So every second it is checked that the file is
still there; if not, what it contains still leaves, but nothing more is accepted until a restart.
"""

import shutil
from collections.abc import Callable

import structlog
from msgspec import Struct
from sqlalchemy import Connection, text

from relay.store.engine import Database, mark_of
from relay.store.reader import look
from relay.store.schema import OPEN_CONDITION
from relay.store.writer import Unavailable

log = structlog.get_logger()

# `due_at >= 0` is always true; it makes SQLite use the index of waiting deliveries instead of one over all of them.
_WAITING = f"FROM deliveries WHERE {OPEN_CONDITION} AND due_at >= 0"
_COUNT = text(f"SELECT count(*) {_WAITING}")
_OCTETS = text(f"SELECT coalesce(sum(size), 0) {_WAITING}")


class Bounds(Struct, frozen=True):
    """The limits. `largest` is the size of the largest message that is accepted."""

    least_free: int
    deliveries: int
    octets: int
    largest: int


class Room:
    """What one process knows about room for mail.

    `lack` says what has run out, `loss` what happened to the store's file; both are empty while all is well.
    """

    def __init__(self, database: Database, bounds: Callable[[], Bounds]) -> None:
        self._database = database
        self._bounds = bounds
        self._mark = mark_of(database.file)
        self.lack = ""
        self.loss = ""

    def claim(self) -> None:
        """Raise Unavailable if nothing more may be accepted."""
        if self.loss:
            raise Unavailable(self.loss)
        if self.lack:
            raise Unavailable(self.lack, full=True)

    async def look(self) -> None:
        """Measure again. Raises Unavailable if the store cannot be read."""
        if self.loss:
            return  # any file that is there now is not ours
        bounds = self._bounds()
        lack = self._lack_of_disk(bounds)
        if not lack:
            lack = await look(self._database, lambda connection: _lack_of_queue(connection, bounds))
        if lack != self.lack:
            log.warning("no room for new mail", lack=lack) if lack else log.info("room for new mail again")
        self.lack = lack

    def look_at_file(self) -> bool:
        """Whether the store's file is newly found to be lost."""
        if self.loss or mark_of(self._database.file) == self._mark:
            return False
        self.loss = "the store's file was removed or replaced"
        log.critical("the store was lost; no more mail is accepted", file=str(self._database.file), why=self.loss)
        return True

    def _lack_of_disk(self, bounds: Bounds) -> str:
        file = self._database.file
        if file is None:
            return ""
        free, least = shutil.disk_usage(file.parent).free, bounds.least_free
        return f"{free} octets of disk are free, {least} are needed" if free < least else ""


def _lack_of_queue(connection: Connection, bounds: Bounds) -> str:
    waiting = int(connection.execute(_COUNT).scalar_one())
    if waiting >= bounds.deliveries:
        return f"{waiting} deliveries are waiting, the limit is {bounds.deliveries}"
    if waiting * bounds.largest < bounds.octets:
        return ""  # below the limit whatever their size, so the sum, which reads every row, is not needed
    octets = int(connection.execute(_OCTETS).scalar_one())
    return f"{octets} octets are waiting, the limit is {bounds.octets}" if octets >= bounds.octets else ""
