"""How fast a key may call, and how often an address may guess.

A bucket a name, filled evenly: a minute's calls may come at once, and then as they refill.
The workers of a machine draw from the same buckets.
"""

from collections.abc import Callable
from math import ceil

from relay.submission.slate import SECOND, Slate

MINUTE = 60.0


class Pace:
    """The buckets of one `kind`. `per_minute` 0 sets no limit."""

    def __init__(self, slate: Slate, kind: str, per_minute: Callable[[], int], clock: Callable[[], float]) -> None:
        self._slate = slate
        self._kind = kind
        self._per_minute = per_minute
        self._clock = clock

    def take(self, name: str) -> int:
        """Count a call; the seconds to wait where it comes too early, else 0."""
        limit = self._per_minute()
        if not limit:
            return 0
        now = self._clock()
        name = f"{self._kind} {name}"
        # What is written down is when the bucket will be full again.
        full = max(self._slate.read(name) / SECOND, now) + MINUTE / limit
        if (early := full - now - MINUTE) > 1e-6:
            return max(1, ceil(early))
        self._slate.write(name, int(full * SECOND))
        return 0
