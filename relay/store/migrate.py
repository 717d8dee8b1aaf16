"""Creates and upgrades the schema.

One process upgrades at a time: an advisory lock on PostgreSQL, the turn file on SQLite.
A database that is newer than this program is refused, never downgraded. If the store is
already at the newest revision, the migration tool is not loaded, which takes most of a
second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from relay.store.engine import Database, StoreUnusable
from relay.store.meta import recalled

HEAD = "0001"
LOCK = 0x6761_7465  # "gate": the advisory lock of everything that changes the schema


def current(database: Database) -> str:
    """The revision the store is at, "" for an empty one."""
    with database.writing.connect() as connection:
        return revision(connection)


def is_empty(database: Database) -> bool:
    """Whether it never held anything: it has no schema, or no server has ever used it."""
    with database.asking.connect() as connection:
        return not revision(connection) or not recalled(connection, "secret_key")


def check_not_newer(found: str) -> None:
    """Raise StoreUnusable if a newer program made the store."""
    if found > HEAD:
        raise StoreUnusable(
            f"the store is at revision {found}, this program at {HEAD}: a newer version of gatepost made it; "
            "install that one, or restore a backup made before the upgrade"
        )


def upgrade(database: Database) -> str:
    """Bring the store to the newest revision and return it.

    Raises StoreUnusable for a store made by a newer program.
    """
    found = current(database)
    check_not_newer(found)
    if found == HEAD:
        return HEAD
    with _alone(database) as connection:
        _run_alembic(connection)
        return revision(connection)


def revision(connection: Connection) -> str:
    """The revision of the schema, "" if there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    with database.turn(), database.writing.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
        try:
            yield connection
        finally:
            if not database.is_sqlite:
                connection.rollback()  # so that the original error is reported, not the aborted transaction
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
                connection.commit()


def _run_alembic(connection: Connection) -> None:
    from alembic import command  # slow to import: only if there is something to do
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnusable(f"the store was made by a newer version of gatepost: {error}") from error
