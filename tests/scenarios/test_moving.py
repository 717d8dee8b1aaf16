"""An installation that outgrew SQLite moves to PostgreSQL with all it knows, and sends nothing twice."""

from typing import Any

import pytest
from sqlalchemy import select

from relay.store import schema as t
from relay.store.engine import Database
from tests.support.provider import Provider
from tests.support.server import MakeServer, Server

pytestmark = pytest.mark.needs("postgresql")


def message(to: str) -> bytes:
    return f"From: <agent@sender.test>\r\nTo: <{to}>\r\nSubject: Report for {to}\r\n\r\nhello\r\n".encode()


def answer(server: Server, to: str) -> str:
    return str(server.submit([to], message(to)))


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of a store, by table."""
    database = Database(url)
    with database.asking.connect() as connection:
        tables = t.metadata.sorted_tables
        found = {one.name: connection.execute(select(one).order_by(*one.primary_key)).all() for one in tables}
    database.close_now()
    return found


def test_what_was_sent_queued_and_suppressed_is_known_after_the_move(
    make_server: MakeServer, provider: Provider, migrated_postgres_url: str
):
    server, name = make_server(providers=[provider.settings()]), provider.settings()["name"]
    assert answer(server, "sent@example.net").startswith("250")
    provider.ledger.wait_for_taken(1)
    never = {"email": "never@example.net", "scope": "global", "reason": "manual"}
    server.call("POST", "/v1/suppressions", never, 201)
    server.call("POST", f"/v1/providers/{name}/pause", {"cause": "the move"})
    assert answer(server, "queued@example.net").startswith("250")
    assert server.terminate() == 0

    old = server.folder / "gatepost.db"
    server.rewrite({"storage": {"url": migrated_postgres_url}})
    moved = server.cli("db", "import", str(old))
    assert (moved.returncode, moved.stderr) == (0, "")
    assert contents(migrated_postgres_url) == contents(f"sqlite+aiosqlite:///{old}")

    server.start()
    assert "duplicate of an earlier send" in answer(server, "sent@example.net")
    assert answer(server, "never@example.net").startswith("550 5.7.1 suppressed")
    server.call("POST", f"/v1/providers/{name}/resume")
    provider.ledger.wait_for_taken(2)
    assert answer(server, "new@example.net").startswith("250")
    provider.ledger.wait_for_taken(3)
    assert [provider.ledger.copies_for(f"{to}@example.net") for to in ("sent", "queued", "new")] == [1, 1, 1]
    assert server.terminate() == 0

    server.rewrite({"storage": {"url": f"sqlite+aiosqlite:///{old}"}})
    server.start()  # from the old file, by mistake
    assert "queued mail waits for a person" in server.logs()
