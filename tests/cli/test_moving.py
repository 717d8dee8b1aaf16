"""`gatepost db import`: what must not be moved is refused in one line, and the new store stays empty."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.engine import Database
from relay.store.migrate import is_empty


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
    assert "Start the server" in cli.does("db", "import", file).out
    assert "is in use already" in cli("db", "import", file).err


def test_only_an_existing_file_goes_into_postgresql(cli, tmp_path: Path):
    assert "there is no such file" in cli("db", "import", str(tmp_path / "none.db")).err
    assert "set it to the PostgreSQL store" in cli("db", "import", str(cli.config.parent / "gatepost.db")).err
    assert not (tmp_path / "none.db").exists()
