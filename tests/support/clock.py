"""Time and randomness under a test's control: nothing changes unless the test says so."""

import asyncio
import random
from datetime import timedelta

import pytest

NOON = 1_774_353_600_000  # 2026-03-24 12:00 UTC, in milliseconds


class WallClock:
    """Milliseconds since the epoch that pass when the test says so."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float = 0, **by: float) -> None:
        """Let so much time pass: `advance(60)`, `advance(minutes=5)`."""
        self.now += int(timedelta(seconds=seconds, **by).total_seconds() * 1000)


class StillClock:
    """A monotonic clock that stands until it is moved; sleeping passes at once and is written down."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


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
def clock() -> StillClock:
    """A clock that stands still."""
    return StillClock()


@pytest.fixture
def chance() -> random.Random:
    """Randomness that is the same in every run."""
    return random.Random(20260324)
