"""Time and chance that a test holds in its hand: nothing moves unless it says so."""

import asyncio
import heapq
import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

NOON = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)  # a Tuesday


class Clock:
    """Stands still until `advance`. Wall clock and monotonic clock may be moved apart, as a time server does."""

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
        """The clock that durations are taken from."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Sleeps until somebody has moved the clock that far."""
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + max(0.0, seconds), next(self._order), waking))
        await waking

    def advance(self, by: timedelta | float) -> None:
        """Lets time pass, and wakes in order whoever sleeps until then."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._wall += step
        self._monotonic += step.total_seconds()
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)

    def jump(self, to: datetime) -> None:
        """Sets the wall clock alone, backwards too; durations do not notice (faults R11)."""
        self._wall = to


class LoopTime:
    """The time of an event loop, which runs on by itself and may be let pass from any thread.

    So a dialogue is given the minutes a standard gives it, and a test of what happens when they
    are over takes no time and does not depend on how fast the machine is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._running, self._ahead = loop, loop.time, 0.0
        loop.time = self  # type: ignore[method-assign]

    def __call__(self) -> float:
        return self._running() + self._ahead

    async def elapse(self, seconds: float) -> None:
        """So much passes for the loop, and nothing for who calls; what follows from it in the loop has happened."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._advance(seconds), self._loop))
        await _turns()  # and is noticed

    async def _advance(self, seconds: float) -> None:
        self._ahead += seconds
        await _turns()


async def _turns() -> None:
    """Some turns of a loop: whoever waited for a moment has done what he does then."""
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
