"""Two workers and the small process that watches over them: one that dies is replaced, all reload, all end."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import MakeServer, Server

MESSAGE = b"From: agent@sender.test\r\nTo: bob@example.net\r\nSubject: hello\r\n\r\nhello\r\n"
TWO = {"server": {"workers": 2}}


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def workers(server: Server) -> set[int]:
    found = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return set(map(int, found.split()))


def died(server: Server) -> int:
    return server.logs().count("a worker died and is replaced")


@pytest.fixture
def supervised(make_server: MakeServer, provider) -> Server:
    server = make_server(TWO, providers=[provider.settings()])
    until(lambda: server.logs().count('"ready"') == 2)
    return server


def test_a_worker_that_is_killed_is_replaced_and_the_other_serves_on(supervised, provider):
    before = workers(supervised)
    os.kill(min(before), signal.SIGKILL)
    assert supervised.submit(["bob@example.net"], MESSAGE).code == 250
    until(lambda: supervised.logs().count('"ready"') == 3)
    assert len(workers(supervised)) == 2
    assert len(workers(supervised) & before) == 1
    assert died(supervised) == 1
    assert supervised.terminate() == 0


def test_it_keeps_nothing_that_the_workers_alone_need(supervised):
    mapped = Path(f"/proc/{supervised.process.pid}/maps").read_text()
    assert "sqlalchemy" not in mapped
    assert "uvloop" not in mapped


def test_a_reload_reaches_every_worker(supervised):
    supervised.rewrite({"server": {"log_level": "debug"}})
    supervised.reload()
    until(lambda: supervised.logs().count("server.logLevel: changed from info to debug") == 2)


def test_a_worker_that_takes_over_reads_the_file_as_it_is_and_one_that_is_wrong_stops_nobody(supervised):
    good = supervised.config.read_text()
    supervised.config.write_text(good + "\nunknown_setting: 1\n")
    os.kill(min(workers(supervised)), signal.SIGKILL)
    until(lambda: died(supervised) > 1)
    assert "unknown_setting" in supervised.logs()
    assert supervised.is_ready()
    supervised.config.write_text(good)
    until(lambda: supervised.logs().count('"ready"') == 3)
    assert supervised.terminate() == 0


def test_it_gives_up_only_when_nobody_serves(supervised):
    supervised.config.write_text("nonsense: [")
    for worker in workers(supervised):
        os.kill(worker, signal.SIGKILL)
    assert supervised.process.wait(60) == os.EX_CONFIG
    assert "giving up" in supervised.logs()
