"""Numbers by name in shared memory, which all workers of one machine read and write.

Numbers are expected to grow with time, for example because they begin with a timestamp. When there is no room
for another name, the one with the smallest number of a few candidates is dropped, so memory stays bounded
whoever invents the names. There are no locks: of two writes of the same name at the same instant one is lost.
What a worker wrote outlives it.
"""

import mmap
import os
from collections.abc import Sequence
from hashlib import blake2b

PLACES, WAYS = 32_768, 8  # for names, and how many of them one name may be stored in
SECOND = 1_000 << 16  # the scale of numbers that are times: milliseconds, with sixteen bits below
_KEY = 16  # octets of random key at the start: without it, clients could choose names that collide


class Slate:
    """The numbers in the memory behind a descriptor from `make`."""

    def __init__(self, descriptor: int) -> None:
        memory = mmap.mmap(descriptor, 0)
        self._key = memory[:_KEY]
        words = memoryview(memory)[_KEY:].cast("Q")
        self._names, self._numbers = words[:PLACES], words[PLACES:]

    @classmethod
    def alone(cls) -> "Slate":
        """The slate of a worker that has no others beside it."""
        descriptor = cls.make()
        try:
            return cls(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def make() -> int:
        """A descriptor of new memory, to be handed down to every worker."""
        descriptor = os.memfd_create("gatepost-slate")
        os.ftruncate(descriptor, _KEY + 2 * 8 * PLACES)
        os.pwrite(descriptor, os.urandom(_KEY), 0)
        return descriptor

    def read(self, name: str) -> int:
        """The number stored for a name; 0 if there is none."""
        mark, places = self._places(name)
        return next((self._numbers[place] for place in places if self._names[place] == mark), 0)

    def write(self, name: str, number: int) -> None:
        """Store a number for a name, replacing the old one."""
        mark, places = self._places(name)
        place = next((place for place in places if self._names[place] == mark), None)
        if place is None:
            place = min(places, key=self._numbers.__getitem__)
            self._numbers[place] = 0  # so that nobody reads the old number under the new name
            self._names[place] = mark
        self._numbers[place] = number

    def _places(self, name: str) -> tuple[int, Sequence[int]]:
        digest = blake2b(name.encode(errors="surrogatepass"), digest_size=12, key=self._key).digest()
        first = int.from_bytes(digest[8:]) % (PLACES // WAYS) * WAYS
        return int.from_bytes(digest[:8]), range(first, first + WAYS)
