"""What the workers of one machine count together, so that a limit is the machine's and not each worker's own.

A count-min sketch in shared memory: a name counts at one place in each of four rows, and as often as the
least of them says, added up over all workers. One that meets others in every row counts too often, never too
seldom: of two thousand names one in six thousand does.
Nothing is locked: each worker writes its own table alone. Who claims counts first and looks then, so a limit is
never passed; of two that claim the last place at the same instant neither may get it. What a worker that died
had counted goes when another takes its slot.
"""

import mmap
import os
from collections.abc import Iterator
from hashlib import blake2b

ROWS, COLUMNS = 4, 16_384
_TABLE = ROWS * COLUMNS  # counts
_KEY = 16  # octets at the beginning: without them nobody can choose names that meet
_MOST = 0xFFFF


class Tally:
    """The counts of one worker among those of all, in the memory behind a descriptor that `make` made."""

    def __init__(self, descriptor: int, slot: int) -> None:
        memory = mmap.mmap(descriptor, 0)
        self._key = memory[:_KEY]
        counts = memoryview(memory)[_KEY:].cast("H")
        self._tables = [counts[start : start + _TABLE] for start in range(0, len(counts), _TABLE)]
        self._own = self._tables[slot]
        self._own[:] = memoryview(bytes(2 * _TABLE)).cast("H")

    @classmethod
    def alone(cls) -> "Tally":
        """The counts of a worker that has none beside it."""
        descriptor = cls.make(1)
        try:
            return cls(descriptor, 0)
        finally:
            os.close(descriptor)

    @staticmethod
    def make(workers: int) -> int:
        """The descriptor of memory for so many, to be handed down to every one."""
        descriptor = os.memfd_create("gatepost-tally")
        os.ftruncate(descriptor, _KEY + 2 * _TABLE * workers)
        os.pwrite(descriptor, os.urandom(_KEY), 0)
        return descriptor

    def count(self, name: str) -> int:
        """How often it counts, in all workers together."""
        return min(sum(table[place] for table in self._tables) for place in self._places(name))

    def claim(self, name: str, most: int) -> bool:
        """Count it once more, unless it would count more than so often; whether it does."""
        self.more(name)
        if self.count(name) <= most:
            return True
        self.less(name)
        return False

    def more(self, name: str) -> None:
        """It counts once more, until `less`."""
        for place in self._places(name):
            self._own[place] = min(self._own[place] + 1, _MOST)

    def less(self, name: str) -> None:
        """It counts once less."""
        for place in self._places(name):
            self._own[place] = max(self._own[place] - 1, 0)

    def _places(self, name: str) -> Iterator[int]:
        digest = blake2b(name.encode(errors="surrogatepass"), digest_size=2 * ROWS, key=self._key).digest()
        for row in range(ROWS):
            yield row * COLUMNS + int.from_bytes(digest[2 * row : 2 * row + 2]) % COLUMNS
