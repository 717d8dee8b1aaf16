"""Houses for the tests of delivery; each has its own store, copied from one that was migrated once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.house import House
from tests.support.clock import LoopTime
from tests.support.provider import Provider
from tests.support.settings import Tree

MakeHouse = Callable[..., Any]


@pytest.fixture
async def make_house(tmp_path: Path, migrated_file: Path) -> AsyncIterator[MakeHouse]:
    """Makes houses: `await make_house(provider.settings(), …, retry=["1s"])`; words go into deliveryConfig."""
    async with AsyncExitStack() as houses:

        async def make(*providers: Tree, changes: Tree | None = None, **delivery: Any) -> House:
            tree = {"deliveryConfig": delivery} | (changes or {})
            return await houses.enter_async_context(House(tmp_path, providers, tree, empty=migrated_file))

        yield make


@pytest.fixture
async def make_provider(make_provider: Callable[..., Provider]) -> Callable[..., Provider]:
    """Makes providers that keep nobody waiting: while one is silent the time of the test's loop passes."""
    return partial(make_provider, elapse=LoopTime(asyncio.get_running_loop()).elapse)


@pytest.fixture
async def pair(make_house: MakeHouse, make_provider: Callable[..., Provider]) -> Callable[..., Any]:
    """Makes a house with two providers: the first misbehaves by a script, the second is well and comes after."""

    async def make(script: Any = None, **more: Any) -> tuple[House, Provider, Provider]:
        first, second = make_provider(script), make_provider()
        own = {"username": "user", "password": "a-providers-password"} | more
        well = second.settings("second", weight=0, failover=True)
        return await make_house(first.settings("first", **own), well), first, second

    return make
