"""A page of memory shared by the workers of one machine: each writes how much it has to do and reads the others.

Nothing is locked. An entry read while it is being written misleads only for a moment, and at worst
points to another worker or to none; an entry not updated for a while belongs to a worker that is
stuck or gone, and is ignored.
"""

import mmap
import os
import struct
from typing import NamedTuple

_ENTRY = struct.Struct("<104sdqqq")


class Entry(NamedTuple):
    """What one worker reports about itself."""

    node: str  # its name as lease holder; empty while it takes nothing from others
    at: float  # time of writing, in seconds of the system's monotonic clock
    sessions: int  # open sessions
    senders: int  # senders that sent it something recently
    room: int  # octets of messages it can still take


GONE = Entry("", 0.0, 0, 0, 0)


class Board:
    """The page of one machine, `slots` entries long, behind a descriptor that every worker inherits."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._slots = len(self._memory) // _ENTRY.size

    @staticmethod
    def make(slots: int) -> int:
        """The descriptor of a new, empty page."""
        descriptor = os.memfd_create("gatepost-board")
        os.ftruncate(descriptor, slots * _ENTRY.size)
        return descriptor

    def write(self, slot: int, entry: Entry) -> None:
        """Write this slot's entry."""
        _ENTRY.pack_into(self._memory, slot * _ENTRY.size, entry.node.encode(), *entry[1:])

    def others(self, slot: int, since: float) -> dict[int, Entry]:
        """The other slots' entries written since then, without those that take nothing."""
        entries = {n: self._read(n) for n in range(self._slots) if n != slot}
        return {n: entry for n, entry in entries.items() if entry.node and entry.at >= since}

    def _read(self, slot: int) -> Entry:
        node, *figures = _ENTRY.unpack_from(self._memory, slot * _ENTRY.size)
        return Entry(node.rstrip(b"\0").decode(), *figures)
