"""Stores with the newest schema, migrated once a process and copied for each test, since migrating takes long."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from relay.store import migrate
from relay.store.engine import Database
from tests.support.postgres import Postgres
from tests.support.settings import Tree

SQLITE = "sqlite+aiosqlite:///"


def _migrated(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    database.close_now()


@cache
def _empty() -> bytes:
    """A SQLite file with empty tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        _migrated(SQLITE + str(path))
        return path.read_bytes()


def begin(tree: Tree) -> None:
    """Give a configuration a store with empty tables, if its store is a file that does not exist yet."""
    path = Path(tree["storage"]["url"].removeprefix(SQLITE))
    if path.is_absolute() and not path.exists():
        path.write_bytes(_empty())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty tables, to be copied."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    path.write_bytes(_empty())
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> str:
    """The name of a PostgreSQL database with empty tables, to be copied."""
    name = postgres.create()
    _migrated(postgres.url(name))
    return name


@pytest.fixture
def migrated_sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A SQLite store of this test's own."""
    path = tmp_path / "migrated.db"
    shutil.copy(migrated_file, path)
    return SQLITE + str(path)


@pytest.fixture
def migrated_postgres_url(migrated_database: str, postgres: Postgres) -> Iterator[str]:
    """A PostgreSQL store of this test's own."""
    name = postgres.create(migrated_database)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """Both kinds of store: a test that uses this runs on each."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    url: str = request.getfixturevalue(f"migrated_{kind}_url")
    return url
