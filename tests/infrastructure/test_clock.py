"""The clock that stands still."""

import asyncio
from datetime import timedelta

from tests.support.clock import NOON, Clock

DRAWN = [718, 718, 778]


async def test_sleepers_wake_in_their_order_and_only_when_time_has_passed():
    clock, woken = Clock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    sleepers = [asyncio.ensure_future(sleeper(seconds)) for seconds in (3, 1, 2)]
    await asyncio.sleep(0)
    clock.advance(2)
    await asyncio.sleep(0)
    assert woken == [1, 2]
    clock.advance(timedelta(seconds=1))
    await asyncio.gather(*sleepers)
    assert woken == [1, 2, 3]
    assert clock() == NOON + timedelta(seconds=3)


def test_the_wall_clock_can_jump_without_durations_noticing():
    clock = Clock()
    clock.jump(NOON - timedelta(hours=1))
    assert (clock.now(), clock.monotonic()) == (NOON - timedelta(hours=1), 1_000.0)


def test_chance_is_the_same_every_time(chance):
    assert [chance.randrange(1_000) for _ in range(3)] == DRAWN
