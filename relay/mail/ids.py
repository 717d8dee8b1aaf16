"""Ids that sort by time: a prefix and a ULID, `send_01JD…`.

48 bits of milliseconds and 80 random bits, in Crockford's base 32. Ids of one process sort in the order they
were made, ids of several processes never clash, and no id can be guessed from another. Clock and randomness
are arguments. If the clock goes back, ids still increase.
"""

import re
import threading
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)  # ten bits at a time
_AS_PYTHON_WRITES_IT = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CHANCE_BITS = 80
_STEP_OCTETS = 5
_LARGEST = (1 << 128) - 1


def new_id(prefix: str, now_ms: int, random_bytes: Callable[[int], bytes]) -> str:
    """One id; two of the same millisecond are in random order (`Ids` keeps their order)."""
    return f"{prefix}_{_encode((now_ms << _CHANCE_BITS) | int.from_bytes(random_bytes(10), 'big'))}"


class Ids:
    """Makes strictly increasing ids, whatever the clock does; safe to use from several threads.

    After a fork, parent and child take different random steps, so their ids do not collide.
    """

    __slots__ = ("_clock_ms", "_last", "_lock", "_random_bytes")

    def __init__(self, clock_ms: Callable[[], int], random_bytes: Callable[[int], bytes]) -> None:
        self._clock_ms = clock_ms
        self._random_bytes = random_bytes
        self._last = 0
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """The next id with this prefix."""
        fresh = (self._clock_ms() << _CHANCE_BITS) | int.from_bytes(self._random_bytes(10), "big")
        with self._lock:
            if fresh <= self._last or fresh >> _CHANCE_BITS == self._last >> _CHANCE_BITS:
                # A random step instead of one: the next id must not be guessable.
                fresh = self._last + 1 + int.from_bytes(self._random_bytes(_STEP_OCTETS), "big")
            self._last = fresh
        return f"{prefix}_{_encode(fresh)}"


def is_send_id(text: str) -> bool:
    """Whether `text` is the id of a send, in its only valid spelling."""
    return text.startswith("send_") and _ULID.fullmatch(text, len("send_")) is not None


def message_id_of(send_id: str, hostname: str) -> str:
    """The Message-ID for a submission without one; it contains the send id."""
    return f"<{send_id.lower()}@{hostname}>"


def first_id(prefix: str, at_ms: int) -> str:
    """A bound: every id made at that time or later sorts after it, every earlier one before it."""
    return f"{prefix}_{_encode(at_ms << _CHANCE_BITS)}"


def made_at(identifier: str) -> int:
    """When an id was made, in milliseconds. Raises ValueError if it is not an id."""
    return int.from_bytes(id_octets(identifier)[:6], "big")


def id_octets(identifier: str) -> bytes:
    """The sixteen octets of an id without its prefix, for tokens. Raises ValueError if it is not an id."""
    body = identifier.rpartition("_")[2]
    if not _ULID.fullmatch(body):
        raise ValueError("not an id")
    return int(body.translate(_AS_PYTHON_WRITES_IT), 32).to_bytes(16, "big")


def id_from_octets(prefix: str, octets: bytes) -> str:
    """The id made of these sixteen octets."""
    if len(octets) != 16:
        raise ValueError("an id has sixteen octets")
    return f"{prefix}_{_encode(int.from_bytes(octets, 'big'))}"


def _encode(value: int) -> str:
    if not 0 <= value <= _LARGEST:
        raise ValueError("the time does not fit into an id")
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in range(120, -1, -10)])
