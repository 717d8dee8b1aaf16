"""A store that cannot be used and a secret key that is not the store's: every command says which and what to do."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from config.loader import load
from relay.store.engine import Database
from relay.store.vault import Vault
from tests.cli.conftest import Cli
from tests.support.settings import DOMAIN

OTHER = "ab" * 32


def other_key(cli: Cli) -> None:
    """The secret key of some other installation."""
    (cli.config.parent / "data" / "secret.key").write_text(f"{OTHER}\n")


def dump(cli: Cli) -> list[str]:
    with closing(sqlite3.connect(cli.config.parent / "gatepost.db")) as connection:
        return list(connection.iterdump())


def garbage(file: Path) -> None:
    file.write_bytes(b"not a database" * 1000)


def cut(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def of_revision(revision: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    return write


@pytest.mark.parametrize(
    "command",
    [
        ("credential", "create", "agent"),
        ("domain", "add", "other.test"),
        ("domain", "rotate", DOMAIN),
        ("audit", "verify"),
    ],
)
def test_under_another_secret_key_nothing_is_made_that_would_never_work(cli: Cli, command: tuple[str, ...]):
    other_key(cli)
    before = dump(cli)
    said = cli(*command)
    assert said.code == 1
    assert "the store was made with another secret key" in said.err
    assert dump(cli) == before
    cli.does("mailbox", "list")  # what needs no key goes on


def test_the_doctor_says_that_the_secret_key_is_another(cli: Cli):
    other_key(cli)
    found = [f for f in cli("doctor", "--offline", "--json").json if f["area"] == "keys"]
    assert [f["level"] for f in found] == ["fail"]
    assert "another secret key" in found[0]["what"]


def test_the_doctor_finds_a_key_that_cannot_be_opened_and_its_remedy_helps(cli: Cli):
    database = Database(load(cli.config).settings.storage.dsn)
    sealed = Vault(bytes.fromhex(OTHER)).seal("a key")
    with database.transaction() as connection:
        connection.execute(text("UPDATE dkim_keys SET private = :sealed"), {"sealed": sealed})
    database.close_now()
    said = cli("doctor", "--offline", "--json")
    found = [f for f in said.json if "encrypted with another secret key" in f["what"]]
    assert said.code == 1
    assert [(f["area"], f["level"]) for f in found] == [(DOMAIN, "fail")] * 2
    assert found[0]["remedy"].startswith(f"gatepost domain rotate {DOMAIN}")
    cli.does("domain", "rotate", DOMAIN)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (garbage, "gatepost.db is not a database: restore it from a backup"),
        (cut, "gatepost.db is damaged: restore it from a backup"),
        (of_revision("0099"), "revision 0099, this program at"),
        (of_revision("0000"), "run gatepost db upgrade"),
    ],
)
def test_R7_a_store_that_cannot_be_used_is_named_with_what_to_do_and_the_doctor_goes_on(
    cli: Cli, spoil: Callable[[Path], None], what: str
):
    spoil(cli.config.parent / "gatepost.db")
    said = cli("mailbox", "list")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert what in said.err
    found = cli("doctor", "--offline", "--json").json
    assert [f["level"] for f in found if what in f["what"]] == ["fail"]
    assert {"python", "smtp", "http", "links"} <= {f["area"] for f in found}


def test_R7_a_newer_store_is_told_from_an_older_one_by_the_upgrade_too(cli: Cli):
    of_revision("0099")(cli.config.parent / "gatepost.db")
    assert "a newer version of gatepost made it; install that one" in cli("db", "upgrade").err


def test_R7_a_store_that_another_program_has_locked_is_told_as_such(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("relay.store.engine.BUSY", 0.1)
    with closing(sqlite3.connect(cli.config.parent / "gatepost.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        said = cli("mailbox", "pause", "agent")
    assert said.code == 1
    assert "gatepost.db is locked by another program: stop it" in said.err
