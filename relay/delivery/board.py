"""A page of memory that the workers of one machine share: each writes how much it has to do, and reads of the others.

Nothing is locked. An entry that is read while it is written misleads for a moment, and no further
than to another worker or to one that is not there; one that has not been written for a while
belongs to a worker that is stuck or gone, and counts for nothing.
"""

import mmap
import os
import struct
from typing import NamedTuple

_ENTRY = struct.Struct("<104sdqqq")


class Entry(NamedTuple):
    """What one worker says of itself."""

    node: str  # its name as a holder of leases; empty while it takes nothing from others
    at: float  # when, in seconds of the system's monotonic clock
    sessions: int  # that are open
    senders: int  # that sent it something lately
    room: int  # octets of messages it would still take


GONE = Entry("", 0.0, 0, 0, 0)


class Board:
    """The page of one machine, `slots` entries long, behind a descriptor that is handed down to every worker."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._slots = len(self._memory) // _ENTRY.size

    @staticmethod
    def make(slots: int) -> int:
        """The descriptor of a new page, on which nobody has written."""
        descriptor = os.memfd_create("gatepost-board")
        os.ftruncate(descriptor, slots * _ENTRY.size)
        return descriptor

    def write(self, slot: int, entry: Entry) -> None:
        """Put up what this slot says of itself."""
        _ENTRY.pack_into(self._memory, slot * _ENTRY.size, entry.node.encode(), *entry[1:])

    def others(self, slot: int, since: float) -> dict[int, Entry]:
        """What the other slots said since then, those left out that take nothing."""
        entries = {n: self._read(n) for n in range(self._slots) if n != slot}
        return {n: entry for n, entry in entries.items() if entry.node and entry.at >= since}

    def _read(self, slot: int) -> Entry:
        node, *figures = _ENTRY.unpack_from(self._memory, slot * _ENTRY.size)
        return Entry(node.rstrip(b"\0").decode(), *figures)
