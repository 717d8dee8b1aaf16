"""Who waits for work hears of it when it is committed, and not before."""

import asyncio

import pytest
from sqlalchemy import make_url

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


async def test_it_is_heard_from_whichever_of_several_hosts_can_be_written(postgres_url: str) -> None:
    own = make_url(postgres_url)
    there = f"{own.host or own.query.get('host')}:{own.port or own.query.get('port', 5432)}"
    several = own.set(host=None, port=None).update_query_pairs(
        [("host", "127.0.0.1:1"), ("host", there), ("target_session_attrs", "read-write")]
    )
    database, sleeper = Database(several.render_as_string(hide_password=False)), Sleeper()
    bell = Bell(database, sleeper.woken.set)
    bell.start()
    await sleeper.is_woken()
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
