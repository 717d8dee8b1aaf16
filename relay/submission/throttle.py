"""What guessing passwords costs.

Only a wrong password is ever delayed, by twice as much each time, for the pair of address
and account: a right one is let in at once, or one misconfigured agent would lock out all
others on its host. An account that does not exist is counted exactly like one that does.
Trusted places (empty `place`) are delayed but never locked out.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

Key = TypeVar("Key")

FIRST_DELAY = 0.25  # seconds
LONGEST_DELAY = 10.0  # below the handler's time limit
KNOWN = 10_000  # pairs and places remembered; the one not seen for longest goes


class _Record(Struct):
    failures: int
    since: float


class Penalty(Struct, frozen=True):
    """What a failed login costs: seconds before the answer, and whether the connection goes."""

    delay: float
    locked_out: bool


class Throttle:
    """Counts failed logins; a record ends `window` seconds after it began."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        *,
        failures_per_address: int = 20,
        window: float = 900.0,
    ) -> None:
        self._clock = clock
        self.sleep = sleep
        self._most = failures_per_address
        self._window = window
        self._pairs: OrderedDict[tuple[str, str], _Record] = OrderedDict()
        self._places: OrderedDict[str, _Record] = OrderedDict()

    def failed(self, host: str, place: str, account: str) -> Penalty:
        """A login of `account` from `host` was wrong; its `place` is what the lock-out counts under."""
        times = self._count(self._pairs, (host, account.casefold()[:256]))
        from_place = self._count(self._places, place) if place else 0
        delay = min(FIRST_DELAY * 2 ** min(times - 1, 16), LONGEST_DELAY)
        return Penalty(delay, from_place > self._most)

    def succeeded(self, host: str, account: str) -> None:
        """A right password ends the delays of its pair; the place's count stays."""
        self._pairs.pop((host, account.casefold()[:256]), None)

    def _count(self, book: "OrderedDict[Key, _Record]", key: Key) -> int:
        now = self._clock()
        record = book.pop(key, None)
        if record is None or now - record.since > self._window:
            record = _Record(0, now)
        record.failures += 1
        book[key] = record
        if len(book) > KNOWN:
            book.popitem(last=False)
        return record.failures
