"""Who waits for work hears of it when it is committed, and not before."""

import asyncio

import pytest

from relay.store.bell import Bell, ring
from relay.store.engine import Database
from tests.support.postgres import Postgres

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(60)]


class Sleeper:
    """A worker that counts how often it was woken."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()

    async def is_woken(self) -> None:
        """Waits for it, and sleeps on."""
        await self.woken.wait()
        self.woken.clear()


async def test_it_rings_with_the_commit_and_after_a_lost_connection_again(
    postgres: Postgres, postgres_url: str
) -> None:
    database, sleeper = Database(postgres_url), Sleeper()
    bell = Bell(database, sleeper.woken.set)
    bell.start()
    await sleeper.is_woken()  # once at the start, for what came before

    with database.transaction() as connection:
        ring(connection)
        assert not sleeper.woken.is_set()
    await sleeper.is_woken()

    postgres.cut_connections(str(database.url.database))
    await sleeper.is_woken()  # it listens again
    await bell.stop()
    await database.close()


async def test_sqlite_has_none(sqlite_url: str) -> None:
    database, sleeper = Database(sqlite_url), Sleeper()
    bell = Bell(database, sleeper.woken.set)
    bell.start()
    with database.transaction() as connection:
        ring(connection)
    await bell.stop()
    await database.close()
    assert not sleeper.woken.is_set()
