"""The schema the migrations make is the schema the program means, on both engines."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

import relay.store
from relay.store.engine import Database, StoreUnusable
from relay.store.migrate import HEAD, current, upgrade
from relay.store.schema import metadata
from tests.support.postgres import Postgres


def test_migrations_make_exactly_the_schema_of_the_program(database: Database) -> None:
    with database.writing.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    # The order of late commits is PostgreSQL's concern alone, and so are the index for it (see 0001) and partitions.
    own = re.compile("ix_events_txid_seq|(bodies|decisions|events)_default")
    assert [d for d in differences if not own.match(str(getattr(d[1], "name", "")))] == []


def test_the_newest_revision_is_the_one_the_program_names(database: Database) -> None:
    versions = Path(relay.store.__file__).parent / "migrations" / "versions"
    assert max(path.name[:4] for path in versions.glob("*.py")) == HEAD == current(database)


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    assert upgrade(database) == HEAD


def test_R7_a_store_of_a_newer_program_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnusable, match="newer"):
        upgrade(database)


def test_R16_a_migration_that_was_cut_off_left_nothing_and_is_done_again(storage_url: str) -> None:
    database = Database(storage_url)
    event.listen(database.writing, "after_cursor_execute", _killed_at_the_triggers)
    with pytest.raises(_Killed):
        upgrade(database)
    event.remove(database.writing, "after_cursor_execute", _killed_at_the_triggers)
    assert current(database) == ""
    assert upgrade(database) == HEAD
    database.close_now()


def test_a_new_file_that_somebody_writes_just_now_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as threads:
        database = Database(f"sqlite+aiosqlite:///{file}")
        opened = threads.submit(current, database)
        assert wait([opened], timeout=0.2).not_done
        other.execute("COMMIT")
        assert opened.result() == ""
    database.close_now()
    other.close()


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_lacks_letters_is_refused(postgres: Postgres, encoding: str) -> None:
    name = f"in_{encoding.lower()}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
    with pytest.raises(StoreUnusable, match=f"encoded in {encoding}; make another: CREATE"):
        upgrade(Database(postgres.url(name)))
    postgres.drop(name)


@pytest.mark.needs("postgresql")
def test_what_the_database_asks_of_its_clients_costs_no_letter(postgres: Postgres) -> None:
    name = postgres.create()
    postgres.run(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    database = Database(postgres.url(name))
    with database.transaction() as connection:
        assert connection.execute(text("SELECT :word"), {"word": "Žluťoučký"}).scalar() == "Žluťoučký"
    database.close_now()
    postgres.drop(name)


@pytest.mark.needs("postgresql")
def test_what_keeps_a_store_from_being_made_is_told(postgres: Postgres) -> None:
    name = postgres.create()
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database = Database(postgres.url(name))
    with pytest.raises(DBAPIError, match="read-only transaction"):
        upgrade(database)
    database.close_now()
    postgres.drop(name)


class _Killed(BaseException):
    """The process ended here."""


def _killed_at_the_triggers(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if "CREATE TRIGGER" in statement:
        raise _Killed


@pytest.mark.parametrize("statement", ["UPDATE decisions SET record = '{}'", "DELETE FROM decisions"])
def test_the_database_itself_refuses_to_change_a_decision(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO decisions (chain, position, send_id, at, record, hash) VALUES ('c', 1, 's', 1, 'r', 'h')")
        )
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as connection:
        connection.execute(text(statement))


def test_R2_sqlite_is_told_to_survive_power_loss_and_obeys(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    with database.writing.connect() as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    database.close_now()
    assert told == ["wal", 2]
