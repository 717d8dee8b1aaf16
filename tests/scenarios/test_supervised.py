"""Two workers and the small process that watches over them: one that dies is replaced, all reload, all end."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.script import Hold, Script
from tests.support.server import MakeServer, Server
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client
from tests.support.waiting import until

MESSAGE = b"From: agent@sender.test\r\nTo: bob@example.net\r\nSubject: hello\r\n\r\nhello\r\n"
TWO = {"server": {"workers": 2}}
UNIT = Path(__file__).parents[2] / "deploy" / "gatepost.service"


def refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 5).close()
    except ConnectionRefusedError:
        return True
    return False


def died(server: Server) -> int:
    return server.logs().count("worker died; replacing it")


@pytest.fixture
def supervised(make_server: MakeServer, provider) -> Server:
    server = make_server(TWO, providers=[provider.settings()])
    until(lambda: server.logs().count('"ready"') == 2, 60)
    return server


def test_a_reload_reaches_every_worker_by_a_process_that_keeps_nothing_they_alone_need(supervised):
    mapped = Path(f"/proc/{supervised.process.pid}/maps").read_text()
    assert "sqlalchemy" not in mapped
    assert "uvloop" not in mapped
    supervised.rewrite({"server": {"log_level": "loud"}})
    supervised.reload()
    until(lambda: supervised.logs().count("configuration not reloaded") == 2, 60)


def ways(server: Server) -> list[tuple[str, str]]:
    """Which worker took a message and which one delivered it, of all that were tried, in their order."""
    words = "SELECT substr(chain, -1), node FROM decisions JOIN attempts USING (send_id) ORDER BY at"
    return [(taker, node.split(".")[1]) for taker, node in server.rows(words)]


def test_connections_are_spread_evenly(supervised, provider):
    """A busy machine may wake a worker too late for what is left to it: then the next ones even that out."""
    with ExitStack() as clients:
        for count in range(1, 65):
            client = clients.enter_context(supervised.connect())
            assert client.submit(ADDRESS, [f"one.of.many{count}@example.net"], MESSAGE).code == 250
            provider.ledger.wait_for_taken(count)
            taken = [taker for taker, _ in ways(supervised)].count("0")
            if count >= 16 and abs(2 * taken - count) <= 2:
                return
    pytest.fail(f"one worker has {taken} of {count} connections")


def test_a_lone_senders_mail_is_delivered_by_the_other_worker(supervised, provider):
    with supervised.connect() as client:
        for number in range(40):
            assert client.submit(ADDRESS, [f"alone{number}@example.net"], MESSAGE).code == 250
    provider.ledger.wait_for_taken(40)
    assert len({taker for taker, _ in ways(supervised)}) == 1
    assert sum(taker != carrier for taker, carrier in ways(supervised)) > 30


def test_the_pace_of_a_key_is_one_of_the_machine(make_server, provider):
    server = make_server(TWO | {"http": {"calls_per_minute": 1}}, providers=[provider.settings()])
    until(lambda: server.logs().count('"ready"') == 2, 60)
    with server.api() as operator:
        key = operator.post("/v1/me/keys", json={"label": "agent", "scope": f"agent:{ADDRESS}"}).json()["key"]
    codes = []
    for _ in range(12):
        with server.api(key) as agent:  # a connection of its own, to whichever worker takes it
            codes.append(agent.get("/v1/me/keys").status_code)
    assert codes == [200] + [429] * 11


def test_a_limit_of_connections_is_one_of_the_machine(make_server, provider):
    limits = {"smtp": {"connections": {"per_credential": 3}}}
    server = make_server(TWO | limits, providers=[provider.settings()])
    until(lambda: server.logs().count('"ready"') == 2, 60)
    with ExitStack() as clients:
        guests = [clients.enter_context(server.connect(login=False)) for _ in range(5)]
        assert [guest.login(USER, PASSWORD).code for guest in guests] == [235] * 3 + [421] * 2


def test_systemd_learns_which_workers_are_ready_and_how_grave_a_line_is(make_server, provider, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        systemd.bind(str(tmp_path / "notify"))
        server = make_server(TWO, providers=[provider.settings()], start=False)
        log = server.folder / "serve.log"
        log.touch()
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("JOURNAL_STREAM", f"{log.stat().st_dev}:{log.stat().st_ino}")
        server.start()
        said, ((_, _, credentials),), *_ = systemd.recvmsg(64, socket.CMSG_SPACE(12))
        assert said == b"READY=1"
        assert struct.unpack("iII", credentials)[0] in server.workers()
    assert "NotifyAccess=all" in UNIT.read_text()  # they are not the main process
    os.kill(min(server.workers()), signal.SIGKILL)
    until(lambda: died(server), 60)
    graveness = {json.loads(line[3:])["event"]: line[:3] for line in server.logs().splitlines()}
    assert (graveness["ready"], graveness["worker died; replacing it"]) == ("<6>", "<3>")


def test_a_worker_that_dies_is_replaced_by_the_file_as_it_is_and_one_that_is_wrong_stops_nobody(supervised):
    before, good = supervised.workers(), supervised.config.read_text()
    supervised.config.write_text(good + "\nunknown_setting: 1\n")
    os.kill(min(before), signal.SIGKILL)
    until(lambda: died(supervised) > 1, 60)
    assert "unknown_setting" in supervised.logs()
    assert supervised.submit(["bob@example.net"], MESSAGE).code == 250
    supervised.config.write_text(good)
    until(lambda: supervised.logs().count('"ready"') == 3, 60)
    assert len(supervised.workers() & before) == 1
    assert len(supervised.workers()) == 2
    assert supervised.terminate() == 0


def test_a_worker_that_takes_over_has_the_store_the_key_and_the_doors_of_the_others(make_server: MakeServer, provider):
    secret, folder = "the-first-secret-key-0123456789abcdef", "elsewhere"
    server = make_server({"server": {"workers": 2, "secret_key": secret}}, providers=[provider.settings()])
    until(lambda: server.logs().count('"ready"') == 2, 60)
    assert secret.encode() not in Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    listeners = [*server.tree["smtp"]["listeners"], {"bind": "127.0.0.1:1", "tls": "none"}]
    elsewhere = {
        "server": {"data_dir": folder, "secret_key": "another-secret-key-0123456789abcdefgh"},
        "storage": {"url": f"sqlite+aiosqlite:///{folder}/there.db"},
        "smtp": {"listeners": listeners, "max_message_size": 1_000_001},
    }
    for after_reload in (False, True):
        server.rewrite(elsewhere)
        if after_reload:
            server.reload()
            until(lambda: "server.secretKey: changed (after a restart)" in server.logs(), 60)
        os.kill(min(server.workers()), signal.SIGKILL)
        until(lambda ready=3 + after_reload: server.logs().count('"ready"') == ready, 60)
        for number in range(8):
            assert server.submit([f"bob{number}.{after_reload}@example.net"], MESSAGE).code == 250
    assert server.rows("SELECT count(*) FROM sends") == [(16,)]
    assert not (server.folder / folder).exists()
    with Client(server.smtp) as client:
        assert "SIZE 1000001" in str(client.greet())  # everything else is as the file says now
    assert server.terminate() == 0


def test_a_worker_whose_store_or_key_is_not_that_of_the_others_does_not_serve(supervised):
    key = supervised.folder / "data" / "secret.key"
    before, good, store = supervised.workers(), key.read_text(), supervised.folder / "gatepost.db"
    key.write_text("ab" * 32 + "\n")
    os.kill(min(before), signal.SIGKILL)
    until(lambda: "the store was made with another secret key" in supervised.logs(), 60)
    key.write_text(good)
    until(lambda: supervised.logs().count('"ready"') == 3, 60)
    store.rename(store.with_suffix(".away"))
    os.kill(min(supervised.workers()), signal.SIGKILL)
    until(lambda: "gatepost.db was removed or replaced; restore it" in supervised.logs(), 60)
    assert not store.exists()


def test_it_gives_up_only_when_nobody_serves(supervised):
    supervised.config.write_text("nonsense: [")
    for worker in supervised.workers():
        os.kill(worker, signal.SIGKILL)
    assert supervised.process.wait(60) == os.EX_CONFIG
    assert "giving up" in supervised.logs()


def test_when_the_supervisor_is_killed_its_workers_end_and_it_can_be_started_again(supervised, provider):
    def orphans() -> list[int]:
        return [worker for worker in workers if Path(f"/proc/{worker}/exe").exists()]

    before = supervised.workers()
    os.kill(min(before), signal.SIGKILL)  # so that one is a child of the supervisor, one of what was before it
    until(lambda: supervised.logs().count('"ready"') == 3, 60)
    workers = supervised.workers()
    supervised.process.send_signal(signal.SIGKILL)
    until(lambda: not orphans(), 30)
    assert "KillMode" not in UNIT.read_text()  # any but the default kills them at once, in the middle of their attempts
    supervised.start()
    assert supervised.submit(["bob@example.net"], MESSAGE).code == 250


def test_where_it_is_started_without_a_log_no_file_of_ours_becomes_one(make_server: MakeServer, provider):
    server = make_server(TWO, providers=[provider.settings()], start=False)
    words = [sys.executable, "-m", "relay.cli.main", "serve", "--config", str(server.config)]
    process = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *words], start_new_session=True)
    try:
        until(server.is_ready, 60)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (process.pid, *workers):
            assert {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)} == {"/dev/null"}
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_while_it_drains_nobody_waits_at_a_door_that_is_not_opened(make_server: MakeServer, make_provider):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    server = make_server(TWO, providers=[provider.settings()])
    assert server.submit(["bob@example.net"], MESSAGE).code == 250
    until(lambda: provider.ledger.connections > 0, 30)
    server.process.terminate()
    until(lambda: refuses(server.smtp), 7)
    assert server.is_running()
    gate.set()
    assert server.process.wait(30) == 0
