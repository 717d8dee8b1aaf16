"""`gatepost db`: a backup is a snapshot; what must not be moved is refused in one line."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.backup import back_up
from relay.store.engine import Database, StoreUnusable
from relay.store.migrate import is_empty


def rows(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def test_a_backup_is_the_store_as_it_was_for_its_owner_alone(cli, tmp_path: Path):
    store, file = cli.config.parent / "gatepost.db", tmp_path / "backup.db"
    cli.does("db", "backup", str(file))
    assert rows(file) == rows(store)
    assert (file.stat().st_mode & 0o777, [*tmp_path.glob("backup.db?*")]) == (0o600, [])
    assert "exists already" in cli("db", "backup", str(file)).err


def test_what_is_written_meanwhile_neither_gets_into_a_backup_nor_begins_it_anew(cli, tmp_path: Path):
    store, before, seen = cli.config.parent / "gatepost.db", rows(cli.config.parent / "gatepost.db"), []
    with closing(sqlite3.connect(store, isolation_level=None)) as server:

        def told(done: int, total: int) -> None:
            seen.append(done)
            server.execute("UPDATE tenants SET cause = cause || 'x'")

        back_up(store, tmp_path / "backup.db", told, pages=8)
    assert (rows(tmp_path / "backup.db"), seen) == (before, sorted(set(seen)))
    assert len(seen) > 3


def test_a_second_backup_meanwhile_neither_happens_nor_spoils_the_first(cli, tmp_path: Path):
    store, file, refused = cli.config.parent / "gatepost.db", tmp_path / "backup.db", []

    def told(_done: int, _total: int) -> None:
        refused.append(cli("db", "backup", str(file)).err)

    back_up(store, file, told, pages=32)
    assert len(refused) > 1
    assert all("another backup" in one for one in refused)
    assert rows(file) == rows(store)


def test_a_backup_that_fails_leaves_nothing(cli, tmp_path: Path):
    (cli.config.parent / "gatepost.db").write_bytes(b"no store" * 1000)
    assert "is not a database" in cli("db", "backup", str(tmp_path / "backup.db")).err
    assert [*tmp_path.glob("backup*")] == []


def test_a_backup_for_which_there_is_no_room_leaves_nothing(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "large.db")) as store:
        store.execute("CREATE TABLE large AS SELECT zeroblob(12000000)")  # more than SQLite keeps in memory
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(StoreUnusable):
            back_up(tmp_path / "large.db", tmp_path / "backup.db", lambda _done, _total: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [*tmp_path.glob("backup*")] == []


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE meta SET value = 'another' WHERE key = 'secret_key'", "another secret key"),
        ("UPDATE alembic_version SET version_num = '0000'", "run gatepost db upgrade on it first"),
        ("INSERT INTO nodes (id, instance, heartbeat_at) VALUES ('n', 'another', 4102444800000)", "stop its server"),
        ("UPDATE tenants SET cause = 'a' || char(0)", "a row of tenants does not fit"),
    ],
)
def test_nothing_comes_of_a_file_that_does_not_fit(make_cli, migrated_postgres_url, statement: str, said: str):
    cli = make_cli({"storage": {"url": migrated_postgres_url}})
    file = cli.config.parent / "gatepost.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()
    tried = cli("db", "import", str(file))
    assert (tried.code, tried.err.count("\n"), said in tried.err) == (1, 1, True), tried.err
    database = Database(migrated_postgres_url)
    assert is_empty(database)
    database.close_now()


@pytest.mark.needs("postgresql")
def test_a_store_in_use_takes_nothing_more(make_cli, migrated_postgres_url):
    cli = make_cli({"storage": {"url": migrated_postgres_url}})
    file = str(cli.config.parent / "gatepost.db")
    assert "pg_dump" in cli("db", "backup", "backup.db").err
    assert "Start the server" in cli.does("db", "import", file).out
    assert "is in use already" in cli("db", "import", file).err


def test_only_an_existing_file_goes_into_postgresql(cli, tmp_path: Path):
    assert "there is no such file" in cli("db", "import", str(tmp_path / "none.db")).err
    assert "set it to the PostgreSQL store" in cli("db", "import", str(cli.config.parent / "gatepost.db")).err
    assert not (tmp_path / "none.db").exists()
