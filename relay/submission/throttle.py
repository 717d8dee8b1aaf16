"""Delays and locks out clients that guess passwords.

Only wrong passwords are delayed, twice as long each time, counted for the pair of address and account. A
right password is accepted at once; otherwise one misconfigured agent could lock out all others on its host.
An account that does not exist is counted exactly like one that does. Trusted networks (empty `place`) are
delayed but never locked out. The workers of a machine count together.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from relay.submission.slate import SECOND, Slate

FIRST_DELAY = 0.25  # seconds
LONGEST_DELAY = 10.0  # seconds; below the handler's time limit
_TIMES = 1 << 16  # a stored number is the time the count began, times this, plus the count


class Penalty(Struct, frozen=True):
    """The penalty for a failed login: seconds before the answer, and whether the connection is closed."""

    delay: float
    locked_out: bool


class Throttle:
    """Counts failed logins; a count expires `window` seconds after it began."""

    def __init__(
        self,
        slate: Slate,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        *,
        failures_per_address: int = 20,
        window: float = 900.0,
    ) -> None:
        self._slate = slate
        self._clock = clock
        self.sleep = sleep
        self._most = failures_per_address
        self._window = window

    def failed(self, host: str, place: str, account: str) -> Penalty:
        """Count a failed login of `account` from `host`; `place` is what the lock-out is counted by."""
        times = self._count(_pair(host, account))
        from_place = self._count(f"failed {place}") if place else 0
        delay = min(FIRST_DELAY * 2 ** min(times - 1, 16), LONGEST_DELAY)
        return Penalty(delay, from_place > self._most)

    def succeeded(self, host: str, account: str) -> None:
        """A right password resets the delay of its pair; the count of its place stays."""
        if self._slate.read(_pair(host, account)):
            self._slate.write(_pair(host, account), 0)

    def _count(self, name: str) -> int:
        now = int(self._clock() * SECOND) // _TIMES
        since, times = divmod(self._slate.read(name), _TIMES)
        if not times or (now - since) * _TIMES > self._window * SECOND:
            since, times = now, 0
        times = min(times + 1, _TIMES - 1)
        self._slate.write(name, since * _TIMES + times)
        return times


def _pair(host: str, account: str) -> str:
    return f"failed {host} {account.casefold()[:256]}"
