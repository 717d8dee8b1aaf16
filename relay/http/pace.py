"""Limits how fast a key may call, and how often an address may try wrong keys.

One token bucket for each name, refilled evenly: a minute's worth of calls may come at once, further ones as
it refills. The workers of a machine share the buckets.
"""

from collections.abc import Callable
from math import ceil

from relay.submission.slate import SECOND, Slate

MINUTE = 60.0


class Pace:
    """The buckets of one `kind`. With `per_minute` 0 there is no limit."""

    def __init__(self, slate: Slate, kind: str, per_minute: Callable[[], int], clock: Callable[[], float]) -> None:
        self._slate = slate
        self._kind = kind
        self._per_minute = per_minute
        self._clock = clock

    def take(self, name: str) -> int:
        """Count a call; returns the seconds to wait if it comes too early, else 0."""
        limit = self._per_minute()
        if not limit:
            return 0
        now = self._clock()
        name = f"{self._kind} {name}"
        # The number stored is the time when the bucket will be full again.
        full = max(self._slate.read(name) / SECOND, now) + MINUTE / limit
        if (early := full - now - MINUTE) > 1e-6:
            return max(1, ceil(early))
        self._slate.write(name, int(full * SECOND))
        return 0
