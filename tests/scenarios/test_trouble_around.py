"""Trouble that is not mail's own: the disk, the store's file, the clock, the log, a second start (faults R5 to R19)."""

import errno
import fcntl
import io
import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from config.loader import load
from policy.usage import DAY, HOUR
from relay.app import lossy
from relay.app.instance import Instance
from relay.app.lossy import Lossy
from relay.app.parts import wall_clock
from relay.app.setup import prepare
from relay.store import guards, room
from relay.store.engine import StoreUnusable
from relay.store.room import Room
from relay.store.writer import Broken, Unavailable
from tests.scenarios import letters
from tests.support.inside import MakeInside
from tests.support.provider import Provider
from tests.support.server import MakeServer
from tests.support.settings import ADDRESS, settings, write
from tests.support.smtp import Client

pytestmark = pytest.mark.timeout(240)
BOB = "bob@example.net"


def _letter(to: str = BOB) -> bytes:
    return letters.receipt(ADDRESS, to)


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[], Path]:
    """What every start does before anything listens; the store's file."""
    told = load(write(tmp_path, settings(tmp_path))).settings

    def once() -> Path:
        prepare(told, Instance(told.server.data_dir))
        return tmp_path / "gatepost.db"

    return once


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk of which only so many octets are free: the last of this list."""
    free = [10**12]
    usage = type("usage", (), {"total": 10**12, "free": property(lambda _: free[-1])})
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage())
    monkeypatch.setattr(room, "BELIEVED", 0.0)
    return free


def test_R5_a_nearly_full_disk_is_452_at_mail_and_passes_without_a_restart(
    make_inside: MakeInside, provider: Provider, small_disk: list[int]
):
    inside = make_inside(providers=[provider.settings()])
    with inside.connect() as client:
        small_disk.append(30 * 1024 * 1024)
        reply = client.command(f"MAIL FROM:<{ADDRESS}>")
        assert (reply.code, reply.text.split()[0]) == (452, "4.3.1")
        small_disk.append(10**12)
        assert client.submit(ADDRESS, [BOB], _letter()).code == 250
    provider.ledger.wait_for_taken(1)


def test_R5_room_is_kept_for_one_and_a_half_of_the_largest_message(tmp_path: Path, small_disk: list[int]):
    keeper = Room(tmp_path / "a.db", lambda: 2 * 1024**3, lambda: 0.0)
    small_disk.append(3 * 1024**3)
    keeper.check()
    small_disk.append(3 * 1024**3 - 1)
    with pytest.raises(Unavailable) as told:
        keeper.check()
    assert told.value.full


def test_R7_a_store_that_is_gone_is_not_replaced_by_an_empty_one(begin: Callable[[], Path]):
    file = begin()
    file.unlink()
    with pytest.raises(StoreUnusable, match="is gone: restore it from a backup"):
        begin()
    assert not file.exists()


def test_R7_a_store_that_is_no_database_is_refused_and_left_as_it_is(begin: Callable[[], Path]):
    file = begin()
    for beside in file.parent.glob("gatepost.db-*"):
        beside.unlink()
    file.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StoreUnusable, match="not a database"):
        begin()
    assert file.read_bytes() == b"this is not a database" * 1000


def test_R7_R16_a_store_of_a_newer_program_is_refused(begin: Callable[[], Path]):
    with closing(sqlite3.connect(begin())) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreUnusable, match="newer version"):
        begin()


def test_R16_a_schema_that_was_interrupted_is_begun_again(
    begin: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(guards, "SQLITE", (*guards.SQLITE, "THIS IS NO STATEMENT"))
        with pytest.raises(OperationalError):
            begin()
    with closing(sqlite3.connect(tmp_path / "gatepost.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sends'").fetchone() == (0,)
    begin()


def test_R9_a_disk_that_fails_on_commit_ends_the_process_with_74_and_nothing_more_is_taken(make_inside: MakeInside):
    inside = make_inside()
    app = inside.app

    def failing(_connection: Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise OperationalError("COMMIT", {}, error)

    with pytest.raises(Broken):
        inside.run(app.writer.run(failing))
    inside.run(app.stopping.wait())
    assert app.exit_code == 74
    assert inside.submit([BOB], _letter()).code == 451


def test_R11_mail_leaves_whether_the_clock_jumps_forward_or_back(make_inside: MakeInside, provider: Provider):
    now = [wall_clock() + DAY]  # after the keys were made
    inside = make_inside(providers=[provider.settings()], clock=lambda: now[0])
    for number, jump in enumerate((0, HOUR, -2 * HOUR, HOUR)):
        now[0] += jump
        assert inside.submit([f"r{number}@example.net"], _letter(f"r{number}@example.net")).code == 250
        provider.ledger.wait(lambda ledger, n=number: ledger.copies_for(f"r{n}@example.net") == 1)


def test_R17_one_connection_too_many_is_told_so_and_the_others_go_on(make_inside: MakeInside, provider: Provider):
    inside = make_inside({"smtp": {"connections": {"total": 20}}}, providers=[provider.settings()])
    with inside.connect() as first, ExitStack() as stack:
        for _ in range(19):
            assert stack.enter_context(Client(inside.smtp)).greet().code == 250
        reply = stack.enter_context(Client(inside.smtp)).reply()
        assert (reply.code, reply.text.split()[0]) == (421, "4.3.2")
        assert first.submit(ADDRESS, [BOB], _letter()).code == 250


class _Full(io.StringIO):
    """A file on a disk that is full until it is not."""

    is_full = True

    def write(self, words: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(words)


def test_R18_a_log_on_a_full_disk_loses_lines_and_says_how_many():
    disk = _Full()
    log = Lossy(disk)
    for _ in range(3):
        log.write("lost\n")
    log.finish()
    disk.is_full = False
    log.write("found\n")
    log.finish()
    assert disk.getvalue() == "log: 3 lines were lost\nfound\n"


def test_R18_a_log_that_nobody_reads_is_not_waited_for():
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    log = Lossy(os.fdopen(writes, "w"))  # its thread hangs in it until the reader is gone
    for number in range(lossy.LINES + 200):
        log.write(f"line {number}\n")
    os.close(reads)
    log.finish()


def test_R18_R19_a_server_whose_log_pipe_is_full_serves_and_a_second_one_is_refused(
    make_server: MakeServer, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    server = make_server({"server": {"log_level": "debug"}}, providers=[provider.settings()], start=False)
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    with monkeypatch.context() as patch:
        patch.setattr(server, "_log", Path(f"/proc/self/fd/{writes}"))
        server.start(wait=False)
    server.wait_ready(120)
    for number in range(20):
        assert server.submit([f"r{number}@example.net"], _letter(f"r{number}@example.net")).code == 250
    again = server.cli("serve")
    assert again.returncode != 0
    assert "another gatepost serves from" in again.stderr
    provider.ledger.wait_for_taken(20)
    assert server.terminate() == 0
    os.close(reads)
    os.close(writes)
