"""Time and randomness under a test's control: nothing changes unless the test says so."""

import asyncio
import heapq
import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

NOON = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)  # a Tuesday


class Clock:
    """Stands still until `advance`. Wall clock and monotonic clock can be moved apart, as by a time server."""

    def __init__(self, start: datetime = NOON) -> None:
        self._wall = start
        self._monotonic = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> datetime:
        return self._wall

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return self._wall

    def time(self) -> float:
        """The wall clock, as seconds since 1970."""
        return self._wall.timestamp()

    def monotonic(self) -> float:
        """The clock for measuring durations."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Sleep until somebody has moved the clock that far."""
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + max(0.0, seconds), next(self._order), waking))
        await waking

    def advance(self, by: timedelta | float) -> None:
        """Let time pass, and wake in order whoever sleeps until then."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._wall += step
        self._monotonic += step.total_seconds()
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)

    def jump(self, to: datetime) -> None:
        """Set the wall clock alone, backwards if wanted; durations are not affected (faults R11)."""
        self._wall = to


class LoopTime:
    """The time of an event loop; it runs normally, and any thread can let it skip ahead.

    So a dialogue may take as long as a standard allows, and a test of what happens after a timeout takes no
    time and does not depend on the machine's speed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._running, self._ahead = loop, loop.time, 0.0
        loop.time = self  # type: ignore[method-assign]

    def __call__(self) -> float:
        return self._running() + self._ahead

    async def elapse(self, seconds: float) -> None:
        """Skip so many seconds for the loop, without waiting; returns when the loop has done what follows from it."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._advance(seconds), self._loop))
        await _turns()  # for the loop to notice

    async def _advance(self, seconds: float) -> None:
        self._ahead += seconds
        await _turns()


async def _turns() -> None:
    """Some turns of the loop, so that whoever waited only for a moment is done."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon of a Tuesday in March."""
    return Clock()


@pytest.fixture
def chance() -> random.Random:
    """Randomness that is the same in every run."""
    return random.Random(20260324)
