"""Houses for the tests of delivery; each has its own store, copied from one that was migrated once."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.house import House
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
async def pair(make_house: MakeHouse, make_provider: Callable[..., Provider]) -> Callable[..., Any]:
    """Makes a house with two providers: the first misbehaves by a script, the second is well and comes after."""

    async def make(script: Any = None, **more: Any) -> tuple[House, Provider, Provider]:
        first, second = make_provider(script), make_provider()
        own = {"username": "user", "password": "a-providers-password"} | more
        # The one that is well has all the time it needs: a machine that stalls must not count as its fault.
        well = second.settings("second", weight=0, failover=True, timeouts={"connect": "29s"})
        tree: Sequence[Tree] = (first.settings("first", **own), well)
        return await make_house(*tree), first, second

    return make
