"""A migrated store of the test's own, on both engines, and the lines in front of it."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from relay.store.engine import Database
from relay.store.vault import Vault
from relay.store.writer import Writer


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A store at the newest revision."""
    database = Database(migrated_url)
    yield database
    database.close_now()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    """A writer that is running."""
    writer = Writer(database, on_broken=lambda: None)
    writer.start()
    yield writer
    await writer.stop()
    await database.close()


@pytest.fixture
def vault() -> Vault:
    """Keys of an installation."""
    return Vault(os.urandom(32))
