"""Whether there is room for more mail: free disk, deliveries that wait, the octets of their messages; and a store.

Measured every quarter of a minute, asked before anything is accepted: at a bound new mail is
refused for now, and what is stored already goes on leaving, which makes room again. Some
seconds of mail may pass a bound; a disk that fills within them is told by the commit itself.

A SQLite file that is removed or replaced under us goes on being written although no path leads to
it any more: what it takes is gone at the next start. Whether it is still there is looked at every
second; where it is not, what it holds still leaves, nothing more is taken, and only a new start
ends that.
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

# `due_at >= 0` is always so, and makes SQLite take the index of what waits instead of one of all there ever was.
_WAITING = f"FROM deliveries WHERE {OPEN_CONDITION} AND due_at >= 0"
_COUNT = text(f"SELECT count(*) {_WAITING}")
_OCTETS = text(f"SELECT coalesce(sum(size), 0) {_WAITING}")


class Bounds(Struct, frozen=True):
    """How much is too much. `largest` is the size of the largest message that is taken."""

    least_free: int
    deliveries: int
    octets: int
    largest: int


class Room:
    """What one process knows of it.

    `lack` names what has run out, `loss` what became of the store's file; both are empty while all is well.
    """

    def __init__(self, database: Database, bounds: Callable[[], Bounds]) -> None:
        self._database = database
        self._bounds = bounds
        self._mark = mark_of(database.file)
        self.lack = ""
        self.loss = ""

    def claim(self) -> None:
        """Raise Unavailable when nothing more may be taken."""
        if self.loss:
            raise Unavailable(self.loss)
        if self.lack:
            raise Unavailable(self.lack, full=True)

    async def look(self) -> None:
        """Measure again. Raises Unavailable when the store cannot be read."""
        if self.loss:
            return  # what stands there now, if anything does, is not ours
        bounds = self._bounds()
        lack = self._lack_of_disk(bounds)
        if not lack:
            lack = await look(self._database, lambda connection: _lack_of_queue(connection, bounds))
        if lack != self.lack:
            log.warning("no room for new mail", lack=lack) if lack else log.info("room for new mail again")
        self.lack = lack

    def look_at_file(self) -> bool:
        """Whether the store's file has been lost just now."""
        if self.loss or mark_of(self._database.file) == self._mark:
            return False
        self.loss = "the store's file was removed or replaced"
        log.critical("the store was lost; nothing more is taken", file=str(self._database.file), why=self.loss)
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
        return f"{waiting} deliveries wait, {bounds.deliveries} may"
    if waiting * bounds.largest < bounds.octets:
        return ""  # however large they are: the sum, which reads every row, need not be asked
    octets = int(connection.execute(_OCTETS).scalar_one())
    return f"{octets} octets wait, {bounds.octets} may" if octets >= bounds.octets else ""
