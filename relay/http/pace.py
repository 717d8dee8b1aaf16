"""How fast a key may call, and how often an address may guess.

A bucket a key, filled evenly: a minute's calls may come at once, and then as they refill.
What has been silent for a minute is forgotten, so the memory is bounded by the traffic.
"""

from collections.abc import Callable
from math import ceil

GUESSES = 30  # wrong keys an address may try in a minute
MINUTE = 60.0
KEPT = 10_000


class Pace:
    """The buckets of one process. `per_minute` 0 sets no limit."""

    def __init__(self, per_minute: Callable[[], int], clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._keys: dict[str, tuple[float, float]] = {}
        self._guessers: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> int:
        """Count a call; the seconds to wait where it comes too early, else 0."""
        limit = self._per_minute()
        return self._take(self._keys, key, limit) if limit else 0

    def failed(self, peer: str) -> int:
        """Count a wrong key; the seconds to wait where there were too many, else 0."""
        return self._take(self._guessers, peer, GUESSES)

    def _take(self, buckets: dict[str, tuple[float, float]], name: str, limit: int) -> int:
        now = self._clock()
        left, at = buckets.get(name, (float(limit), now))
        left = min(float(limit), left + (now - at) * limit / MINUTE)
        if left < 1:
            buckets[name] = (left, now)
            return max(1, ceil((1 - left) * MINUTE / limit))
        if len(buckets) > KEPT:
            self._forget(buckets, now)
        buckets[name] = (left - 1, now)
        return 0

    def _forget(self, buckets: dict[str, tuple[float, float]], now: float) -> None:
        for name in [n for n, (_, at) in buckets.items() if now - at > MINUTE]:
            del buckets[name]
