"""A backup that was put back does not send again what was delivered since (R15)."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.store.restored import NEVER, REASON
from tests.support.postgres import Postgres
from tests.support.provider import Provider
from tests.support.script import Hold, Script
from tests.support.server import MakeServer, Server
from tests.support.waiting import until

THREE = ("under-way@example.net", "again@example.net", "unwanted@example.net")


def message(to: str) -> bytes:
    return f"From: <agent@sender.test>\r\nTo: <{to}>\r\nSubject: Report for {to}\r\n\r\nhello\r\n".encode()


def submitted(server: Server, *recipients: str) -> None:
    for to in recipients:
        assert server.submit([to], message(to)).code == 250


def copied(source: Path, target: Path) -> None:
    """As `.backup` of sqlite3 does it, beside a running server too."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


def apart(server: Server) -> set[object]:
    """Whose mail waits for a person."""
    rows = server.rows("SELECT recipient, reason, due_at FROM deliveries WHERE state <> 'delivered'")
    return {to for to, reason, due in rows if (reason, due) == (REASON, NEVER)}


def alerts(server: Server) -> int:
    return len(server.rows("SELECT 1 FROM events WHERE data LIKE '%store_restored%'"))


def test_R15_what_a_restored_store_would_send_again_waits_for_a_person(make_server: MakeServer, provider: Provider):
    gate = threading.Event()
    provider.script = Script().on(mail=Hold(gate))
    server = make_server(providers=[provider.settings(limits={"connections": 1})])
    store, backup = server.folder / "gatepost.db", server.folder / "backup.db"
    submitted(server, *THREE)
    provider.ledger.wait(lambda seen: any(line.startswith("MAIL") for _, line in seen.commands))
    copied(store, backup)  # one of them is under way, two are queued
    provider.script = Script()
    gate.set()
    provider.ledger.wait_for_taken(3)
    assert server.terminate() == 0

    copied(backup, store)
    server.start()
    assert (apart(server), alerts(server)) == (set(THREE), 1)
    submitted(server, "new@example.net")
    provider.ledger.wait_for_taken(4)  # what comes now goes as ever
    sends: dict[object, object] = dict(server.rows("SELECT recipient, send_id FROM deliveries"))
    (waits,) = server.call("GET", f"/v1/sends/{sends['unwanted@example.net']}")["recipients"]
    assert (waits["reason"], waits["nextAttemptAt"]) == (REASON, None)
    assert "restored, waits for a person" in server.cli("queue", "show", str(sends["unwanted@example.net"])).stdout
    assert server.cli("queue", "cancel", str(sends["unwanted@example.net"])).returncode == 0
    assert server.cli("queue", "retry", str(sends["again@example.net"])).returncode == 0
    provider.ledger.wait_for_taken(5)
    assert [provider.ledger.copies_for(to) for to in THREE] == [1, 2, 1]

    assert server.terminate() == 0
    server.start()  # knows its store, and sets nothing apart anew
    assert (apart(server), alerts(server)) == ({"under-way@example.net"}, 1)
    assert server.terminate() == 0

    (server.folder / "data" / "tide").unlink()  # another machine than the one that noted it
    copied(backup, store)
    assert server.cli("db", "restored").returncode == 0
    assert apart(server) == set(THREE)


def test_R15_nor_what_was_to_be_tried_later_and_may_have_been_tried_before(make_server: MakeServer, provider: Provider):
    provider.script = Script().on(rcpt="450 4.2.1 try again later")
    server = make_server(providers=[provider.settings()])
    store, backup = server.folder / "gatepost.db", server.folder / "backup.db"
    submitted(server, "later@example.net")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    to_come = f"X-Gatepost-Send-At: {tomorrow}\r\n".encode() + message("to-come@example.net")
    assert server.submit(["to-come@example.net"], to_come).code == 250
    until(lambda: server.rows("SELECT 1 FROM deliveries WHERE state = 'deferred' AND attempts = 1"), 30)
    copied(store, backup)
    provider.script = Script()
    assert server.cli("queue", "flush").returncode == 0
    provider.ledger.wait_for_taken(1)
    assert server.terminate() == 0

    copied(backup, store)
    server.start()
    assert apart(server) == {"later@example.net"}


def test_R15_a_store_put_back_under_a_running_server_sends_nothing_again_either(
    make_server: MakeServer, provider: Provider
):
    gate = threading.Event()
    provider.script = Script().on(mail=Hold(gate))
    server = make_server(providers=[provider.settings(limits={"connections": 1})])
    store, backup = server.folder / "gatepost.db", server.folder / "backup.db"
    submitted(server, *THREE)
    provider.ledger.wait(lambda seen: any(line.startswith("MAIL") for _, line in seen.commands))
    copied(store, backup)  # one of them is under way, two are leased and wait
    (before,) = server.rows("SELECT value FROM meta WHERE key = 'tide'")
    provider.script = Script()
    gate.set()
    provider.ledger.wait_for_taken(3)
    until(lambda: server.rows("SELECT value FROM meta WHERE key = 'tide'") != [before], 30)
    copied(backup, store)
    until(lambda: alerts(server) == 1, 30)
    assert apart(server) == set(THREE)
    submitted(server, "new@example.net")
    provider.ledger.wait_for_taken(4)
    assert [provider.ledger.copies_for(to) for to in THREE] == [1, 1, 1]


@pytest.mark.needs("postgresql")
def test_R15_events_go_on_in_a_dump_restored_into_a_server_that_counts_transactions_from_the_beginning(
    migrated_postgres_url: str, postgres: Postgres, make_server: MakeServer, provider: Provider
):
    server = make_server({"storage": {"url": migrated_postgres_url}}, providers=[provider.settings()])

    def heard(since: str) -> list[tuple[str, str]]:
        found = server.call("GET", "/v1/events", params={"types": "send.queued", "since": since})["data"]
        return [(event["id"], event["recipient"]) for event in found]

    submitted(server, "before@example.net")
    ((last, _),) = until(lambda: heard("0"))
    assert server.terminate() == 0
    # What the old server counted further than the new one does.
    postgres.run("UPDATE events SET txid = txid + 5000000", migrated_postgres_url.rpartition("/")[2])
    txid, _, seq = last.removeprefix("evt_").partition("-")

    for name in ("after@example.net", "later@example.net"):
        server.start()
        submitted(server, name)
        until(lambda name=name: [to for _, to in heard(f"evt_{int(txid) + 5000000}-{seq}")][-1:] == [name])
        assert server.terminate() == 0
