"""Counters shared by all workers of one machine, so that a limit holds for the machine and not for each worker.

A count-min sketch in shared memory: each name has one place in each of four rows, and its count is the least
of the four, summed over all workers. A name that collides with others in every row is counted too high, never
too low: of two thousand names, one in six thousand is affected.

There are no locks: each worker writes only its own table. `claim` counts first and checks afterwards, so a
limit is never exceeded; if two workers claim the last place at the same instant, perhaps neither gets it. The
counts of a worker that died are cleared when another takes its slot.
"""

import mmap
import os
from collections.abc import Iterator
from hashlib import blake2b

ROWS, COLUMNS = 4, 16_384
_TABLE = ROWS * COLUMNS  # counts
_KEY = 16  # octets of random key at the start: without it, clients could choose names that collide
_MOST = 0xFFFF


class Tally:
    """The counters of one worker among those of all, in the memory behind a descriptor from `make`."""

    def __init__(self, descriptor: int, slot: int) -> None:
        memory = mmap.mmap(descriptor, 0)
        self._key = memory[:_KEY]
        counts = memoryview(memory)[_KEY:].cast("H")
        self._tables = [counts[start : start + _TABLE] for start in range(0, len(counts), _TABLE)]
        self._own = self._tables[slot]
        self._own[:] = memoryview(bytes(2 * _TABLE)).cast("H")

    @classmethod
    def alone(cls) -> "Tally":
        """The tally of a worker that has no others beside it."""
        descriptor = cls.make(1)
        try:
            return cls(descriptor, 0)
        finally:
            os.close(descriptor)

    @staticmethod
    def make(workers: int) -> int:
        """A descriptor of memory for so many workers, to be handed down to each of them."""
        descriptor = os.memfd_create("gatepost-tally")
        os.ftruncate(descriptor, _KEY + 2 * _TABLE * workers)
        os.pwrite(descriptor, os.urandom(_KEY), 0)
        return descriptor

    def count(self, name: str) -> int:
        """The count of a name, over all workers."""
        return min(sum(table[place] for table in self._tables) for place in self._places(name))

    def claim(self, name: str, most: int) -> bool:
        """Count the name once more unless its count would exceed `most`; returns whether it was counted."""
        self.more(name)
        if self.count(name) <= most:
            return True
        self.less(name)
        return False

    def more(self, name: str) -> None:
        """Count the name once more, until `less` is called."""
        for place in self._places(name):
            self._own[place] = min(self._own[place] + 1, _MOST)

    def less(self, name: str) -> None:
        """Count the name once less."""
        for place in self._places(name):
            self._own[place] = max(self._own[place] - 1, 0)

    def _places(self, name: str) -> Iterator[int]:
        digest = blake2b(name.encode(errors="surrogatepass"), digest_size=2 * ROWS, key=self._key).digest()
        for row in range(ROWS):
            yield row * COLUMNS + int.from_bytes(digest[2 * row : 2 * row + 2]) % COLUMNS
