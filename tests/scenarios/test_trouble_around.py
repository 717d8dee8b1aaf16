"""Trouble that is not mail's own: the disk, the store's file, the clock, connections (faults R7, R9, R11, R17)."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from config.loader import load
from policy.usage import DAY, HOUR
from relay.app.instance import Instance
from relay.app.setup import prepare
from relay.store.clock import wall_clock
from relay.store.engine import StoreUnusable
from relay.store.nodes import bury, register_node
from relay.store.writer import Broken
from tests.scenarios import letters
from tests.support.inside import MakeInside
from tests.support.provider import Provider
from tests.support.settings import ADDRESS, settings, write
from tests.support.smtp import Client
from tests.support.waiting import until

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


def test_R7_a_store_that_is_no_database_is_refused_and_left_as_it_is(begin: Callable[[], Path]):
    file = begin()
    for beside in file.parent.glob("gatepost.db-*"):
        beside.unlink()
    file.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StoreUnusable, match="not a database"):
        begin()
    assert file.read_bytes() == b"this is not a database" * 1000


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


def test_R2_one_taken_for_dead_says_that_it_lives_and_who_was_away_buries_nobody(make_inside: MakeInside):
    now = [wall_clock() + DAY]
    inside = make_inside(clock=lambda: now[0])
    app = inside.app

    def everybody() -> set[str]:
        return {row.id for row in inside.rows("SELECT id FROM nodes")}

    def beat(after: int) -> set[str]:
        now[0] += after
        inside.run(app.chores.heartbeat())
        inside.run(app.chores.bury_the_dead())
        return everybody()

    inside.run(app.writer.run(lambda c: bury(c, [app.node], now=now[0], uncertain_until=now[0])))
    assert beat(0) == {app.node}
    silent = {"node": "silent", "instance": "other", "slot": 0, "pid": 1, "host": "h", "now": now[0]}
    inside.run(app.writer.run(lambda c: register_node(c, **silent)))
    now[0] += HOUR
    inside.run(app.chores.bury_the_dead())  # woken up, this chore may come before the heartbeat
    assert everybody() == {app.node, "silent"}  # it may be we who slept
    assert beat(0) == {app.node, "silent"}
    for _ in range(3):
        beat(10_000)
    assert everybody() == {app.node}


def test_what_a_dead_process_held_is_told_that_no_provider_is_left(make_inside: MakeInside, provider: Provider):
    now = [wall_clock() + DAY]
    inside = make_inside(providers=[provider.settings()], clock=lambda: now[0])
    app = inside.app
    inside.call("POST", "/v1/providers/lab/pause", {"cause": "maintenance"})
    for address in (BOB, "ann@example.net"):
        inside.submit([address], _letter())

    def told() -> set[str]:
        return {row.recipient for row in inside.rows("SELECT recipient FROM deliveries WHERE reason = 'no_provider'")}

    until(lambda: told() == {BOB, "ann@example.net"})
    silent = {"node": "silent", "instance": "other", "slot": 0, "pid": 1, "host": "h", "now": now[0]}
    fresh = "UPDATE deliveries SET reason = '', due_at = :at, lease_node = :node WHERE recipient = :who"

    def held(connection: Connection) -> None:
        register_node(connection, **silent)
        for who, node, late in ((BOB, "silent", HOUR), ("ann@example.net", "", 10_000)):
            connection.execute(text(fresh), {"who": who, "node": node, "at": now[0] - late})

    inside.run(app.writer.run(held))
    until(lambda: told() == {"ann@example.net"})  # all that became due before was looked at
    for _ in range(5):
        now[0] += 10_000
        inside.run(app.chores.heartbeat())
        inside.run(app.chores.bury_the_dead())
    until(lambda: told() == {BOB, "ann@example.net"})


def test_a_data_directory_that_cannot_be_written_hides_no_dead_process(make_inside: MakeInside):
    now = [wall_clock() + DAY]
    inside = make_inside(clock=lambda: now[0])
    app = inside.app
    (app.settings.server.data_dir / "tide.new").mkdir()
    silent = {"node": "silent", "instance": "other", "slot": 0, "pid": 1, "host": "h", "now": now[0]}
    inside.run(app.writer.run(lambda c: register_node(c, **silent)))
    for _ in range(5):
        now[0] += 10_000
        inside.run(app.chores.heartbeat())
        inside.run(app.chores.bury_the_dead())
    assert [row.id for row in inside.rows("SELECT id FROM nodes")] == [app.node]
