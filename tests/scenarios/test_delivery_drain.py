"""SIGTERM under load: what has begun ends in time, the process ends with 0, and nothing is lost (S45)."""

import fcntl
import os
import threading

import pytest

from tests.support.script import Hold, Script

COUNT = 40
pytestmark = pytest.mark.timeout(120)


def message(n: int) -> bytes:
    return f"From: <agent@sender.test>\r\nTo: <r{n}@example.net>\r\nSubject: Report {n}\r\n\r\nno {n}\r\n".encode()


def submitted(server) -> None:
    with server.connect() as client:
        for n in range(COUNT):
            assert client.submit("agent@sender.test", [f"r{n}@example.net"], message(n)).code == 250


def everybody(ledger) -> bool:
    return len(ledger.recipients()) == COUNT


def test_S45_a_drain_with_a_slow_provider_leaves_nothing_half_done(make_server, provider):
    gate = threading.Event()
    provider.script = Script().on(mail=Hold(gate))  # every attempt stands still at MAIL
    server = make_server({"server": {"drain_timeout": "4s"}}, providers=[provider.settings()])
    submitted(server)
    provider.ledger.wait(lambda seen: any(line.startswith("MAIL") for _, line in seen.commands))
    assert server.terminate(timeout=10) == 0
    assert [word for word in ("draining", "stopped") if f'"event":"{word}"' in server.logs()] == ["draining", "stopped"]
    assert provider.ledger.taken == []
    provider.script = Script()
    gate.set()
    server.start()
    provider.ledger.wait(everybody, timeout=30)
    assert not provider.ledger.duplicates()


def test_S45_a_drain_waits_for_the_answer_to_a_dot_that_is_out(make_server, provider):
    gate = threading.Event()
    provider.script = Script().on(dot=Hold(gate))
    server = make_server({"server": {"drain_timeout": "8s"}}, providers=[provider.settings()])
    submitted(server)
    provider.ledger.wait(lambda seen: sum(line == "DATA" for _, line in seen.commands) >= 10)
    server.process.terminate()
    provider.script = Script()
    gate.set()
    assert server.process.wait(15) == 0
    server.start()
    provider.ledger.wait(everybody, timeout=30)
    assert not provider.ledger.duplicates()


def test_R6_a_store_that_others_do_not_let_go_is_told_and_keeps_no_process_alive(make_server, provider):
    server = make_server(
        {"server": {"drain_timeout": "2s"}, "storage": {"timeout": "1s"}}, providers=[provider.settings()]
    )
    with (server.folder / "gatepost.db.turn").open("r+b") as turn, server.connect() as client:
        fcntl.flock(turn, fcntl.LOCK_EX)
        assert client.submit("agent@sender.test", ["r0@example.net"], message(0)).code == 451
        assert server.call("GET", "/readyz", status=503)["missing"] == ["the store does not answer"]
        assert server.terminate(timeout=10) == os.EX_TEMPFAIL
    server.start()
    submitted(server)
    provider.ledger.wait(everybody, timeout=30)
    assert not provider.ledger.duplicates()
