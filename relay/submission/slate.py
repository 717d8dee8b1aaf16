"""What the workers of one machine write down together: a number a name, in shared memory.

A number is the larger the later it was written, as those are that begin with a time. Where there is no room for
another name, the smallest of a few is forgotten; so the memory is bounded, whoever thinks up names.
Nothing is locked: of two that write the same name at the same instant one is not heard. What a worker wrote that
died stays.
"""

import mmap
import os
from collections.abc import Sequence
from hashlib import blake2b

PLACES, WAYS = 32_768, 8  # for names, and how many of them one name may stand at
SECOND = 1_000 << 16  # the scale of a number that is a time: milliseconds, with sixteen bits below
_KEY = 16  # octets at the beginning: without them nobody can choose names that meet


class Slate:
    """The numbers in the memory behind a descriptor that `make` made."""

    def __init__(self, descriptor: int) -> None:
        memory = mmap.mmap(descriptor, 0)
        self._key = memory[:_KEY]
        words = memoryview(memory)[_KEY:].cast("Q")
        self._names, self._numbers = words[:PLACES], words[PLACES:]

    @classmethod
    def alone(cls) -> "Slate":
        """That of a worker that has none beside it."""
        descriptor = cls.make()
        try:
            return cls(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def make() -> int:
        """The descriptor of memory to be handed down to every worker."""
        descriptor = os.memfd_create("gatepost-slate")
        os.ftruncate(descriptor, _KEY + 2 * 8 * PLACES)
        os.pwrite(descriptor, os.urandom(_KEY), 0)
        return descriptor

    def read(self, name: str) -> int:
        """The number of a name; 0 where none is known."""
        mark, places = self._places(name)
        return next((self._numbers[place] for place in places if self._names[place] == mark), 0)

    def write(self, name: str, number: int) -> None:
        """From now on it is this one."""
        mark, places = self._places(name)
        place = next((place for place in places if self._names[place] == mark), None)
        if place is None:
            place = min(places, key=self._numbers.__getitem__)
            self._numbers[place] = 0  # nobody is to read it under the new name
            self._names[place] = mark
        self._numbers[place] = number

    def _places(self, name: str) -> tuple[int, Sequence[int]]:
        digest = blake2b(name.encode(errors="surrogatepass"), digest_size=12, key=self._key).digest()
        first = int.from_bytes(digest[8:]) % (PLACES // WAYS) * WAYS
        return int.from_bytes(digest[:8]), range(first, first + WAYS)
