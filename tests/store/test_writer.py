"""What the line in front of the store promises: together, in order, and nobody pays for another's mistake."""

import asyncio
import errno
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.exc import IntegrityError, OperationalError

from relay.store import schema as t
from relay.store import writer as module
from relay.store.engine import Database
from relay.store.meta import recalled, remember
from relay.store.writer import Broken, Unavailable, Writer
from tests.support.postgres import Postgres


class Notes:
    """A handler that stores what it is given and counts its calls."""

    order = 3
    is_patient = False

    def __init__(self) -> None:
        self.calls: list[int] = []

    def guards(self, _items: Sequence[str]) -> Sequence[str]:
        return ()

    def __call__(self, connection: Connection, items: Sequence[str]) -> Sequence[str]:
        self.calls.append(len(items))
        connection.execute(insert(t.meta), [{"key": item, "value": item} for item in items])
        return [item.upper() for item in items]


def _keys(database: Database) -> set[str]:
    with database.writing.connect() as connection:
        return set(connection.execute(select(t.meta.c.key)).scalars())


async def test_everybody_gets_the_result_of_his_own_item_after_the_commit(writer: Writer, database: Database) -> None:
    notes = Notes()
    answers = await asyncio.gather(*(writer.put(notes, f"n{n}") for n in range(40)))
    assert answers == [f"N{n}" for n in range(40)]
    assert _keys(database) == {f"n{n}" for n in range(40)}


async def test_what_waits_shares_one_commit(writer: Writer) -> None:
    notes = Notes()
    first = writer.run(lambda c: c.execute(text("SELECT 1")).scalar())
    await asyncio.gather(first, *(writer.put(notes, f"n{n}") for n in range(100)))
    assert sum(notes.calls) == 100
    assert len(notes.calls) < 20


async def test_what_comes_while_another_process_writes_goes_along(migrated_sqlite_url: str) -> None:
    database = Database(migrated_sqlite_url)
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    with database.turn():
        first = writer.put(notes, "a")
        await asyncio.sleep(0)
        while not writer._line._since:  # until the writer stands in the line of the processes
            await asyncio.sleep(0)
        second = writer.put(notes, "b")
        await asyncio.sleep(0)
    assert (await first, await second, notes.calls) == ("A", "B", [2])
    await writer.stop()
    await database.close()


async def test_R6_who_has_waited_for_others_for_too_long_is_told_and_nothing_of_it_is_written(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    database = Database(migrated_sqlite_url, timeout=0.2)
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    with database.turn():
        both = await asyncio.gather(writer.put(notes, "a"), writer.put(notes, "b"), return_exceptions=True)
        third = writer.put(notes, "c")  # who has just come is not sent away
    assert [type(one) for one in both] == [Unavailable, Unavailable]
    assert await third == "C"
    assert _keys(database) == {"c"}
    await writer.stop()
    await database.close()


async def test_who_stands_behind_a_round_that_gets_no_answer_is_told_and_nothing_of_it_is_written(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    database, answers, begun = Database(migrated_sqlite_url, timeout=0.2), threading.Event(), asyncio.Event()
    writer, notes, loop = Writer(database, on_broken=lambda: None), Notes(), asyncio.get_running_loop()

    def hangs(_connection: Connection) -> str:
        loop.call_soon_threadsafe(begun.set)
        answers.wait(10)
        return "kept"

    writer.start()
    under_way = asyncio.create_task(writer.run(hangs))
    await begun.wait()
    with pytest.raises(Unavailable):
        await writer.put(notes, "behind")
    answers.set()
    assert (await under_way, await writer.put(notes, "later")) == ("kept", "LATER")
    assert _keys(database) == {"later"}
    await writer.stop()
    await database.close()


async def test_where_no_turn_is_to_be_had_everybody_is_told_and_may_come_again(
    migrated_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = Database(f"sqlite+aiosqlite:///{shutil.copy(migrated_file, folder)}")
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        await writer.put(notes, "a")
    (tmp_path / "elsewhere").rename(folder)
    assert await writer.put(notes, "b") == "B"
    await writer.stop()
    await database.close()


async def test_a_file_system_that_failed_as_a_whole_ends_the_process_like_a_failed_file(
    writer: Writer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise OSError(errno.EIO, "Input/output error", "gatepost.db.turn")

    monkeypatch.setattr(database, "turn", fails)
    with pytest.raises(Broken):
        await writer.put(Notes(), "a")
    with pytest.raises(Unavailable, match="no longer accepts writes"):
        writer.put(Notes(), "b")


async def test_once_the_store_is_lost_others_keep_what_they_bring_and_what_is_under_way_is_written(
    writer: Writer,
) -> None:
    writer.lost = "the store's file was removed or replaced"
    with pytest.raises(Unavailable, match="removed or replaced"):
        await writer.take(lambda c: c.execute(text("SELECT 1")).scalar())
    assert await writer.run(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
    assert await writer.put(Notes(), "settled") == "SETTLED"


async def test_only_the_culprit_of_a_round_gets_its_error(writer: Writer, database: Database) -> None:
    notes = Notes()
    await writer.put(notes, "twin")
    answers = await asyncio.gather(*(writer.put(notes, k) for k in ("a", "twin", "b")), return_exceptions=True)
    assert answers[0] == "A"
    assert isinstance(answers[1], IntegrityError)
    assert answers[2] == "B"
    assert {"a", "b", "twin"} <= _keys(database)


async def test_a_job_that_fails_leaves_nothing_behind(writer: Writer, database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.execute(insert(t.meta), {"key": "half", "value": ""})
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await writer.run(half)
    assert "half" not in _keys(database)


async def test_a_caller_who_goes_away_does_not_undo_the_commit(writer: Writer, database: Database) -> None:
    notes = Notes()
    writer.put(notes, "left").cancel()
    await writer.put(notes, "stayed")
    assert _keys(database) == {"left", "stayed"}


@pytest.mark.needs("postgresql")
async def test_R8_a_dead_pooled_connection_costs_nobody_a_refusal(
    postgres: Postgres, migrated_postgres_url: str
) -> None:
    database = Database(migrated_postgres_url)
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    await writer.put(notes, "before")
    postgres.cut_connections(str(database.url.database))
    assert await writer.put(notes, "after") == "AFTER"
    assert _keys(database) == {"before", "after"}
    await writer.stop()
    await database.close()


@pytest.mark.needs("postgresql")
async def test_R8_a_statement_that_takes_too_long_is_temporary(postgres_url: str) -> None:
    database = Database(postgres_url, timeout=1)
    writer = Writer(database, on_broken=lambda: None)
    writer.start()
    with pytest.raises(Unavailable):
        await writer.run(lambda c: c.execute(text("SELECT pg_sleep(60)")).scalar())
    assert await writer.run(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
    await writer.stop()
    await database.close()


@pytest.mark.needs("postgresql")
async def test_R8_a_machine_that_is_frozen_in_a_transaction_does_not_stop_the_others_and_writes_when_it_thaws(
    migrated_postgres_url: str,
) -> None:
    database, other = (Database(migrated_postgres_url, timeout=seconds) for seconds in (1.0, 10.0))
    locked: list[str] = []
    writer = Writer(database, on_broken=lambda: None)
    writer.start()

    def frozen_once(connection: Connection) -> list[str]:
        remember(connection, "counted", "by the frozen")
        if not locked:  # the other waits for our lock; only PostgreSQL can end that, as we do nothing meanwhile
            with other.transaction() as there:
                remember(there, "counted", "by the other")
            locked.append("by the other")
        return [*locked, recalled(connection, "counted")]

    assert await writer.run(frozen_once) == ["by the other", "by the frozen"]
    await writer.stop()
    for one in (database, other):
        await one.close()


@pytest.mark.needs("postgresql")
async def test_of_two_machines_that_put_in_the_same_the_slower_finds_the_others(migrated_postgres_url: str) -> None:
    both, tries = threading.Barrier(2), dict.fromkeys("ab", 0)

    def job(name: str) -> Callable[[Connection], str]:
        def put(connection: Connection) -> str:
            tries[name] += 1
            if known := recalled(connection, "first"):
                return known
            both.wait(10)
            connection.execute(insert(t.meta), {"key": "first", "value": name})
            return name

        return put

    machines = [Database(migrated_postgres_url) for _ in range(2)]
    writers = [Writer(database, on_broken=lambda: None) for database in machines]
    for writer in writers:
        writer.start()
    found = await asyncio.gather(*(writer.run(job(name)) for name, writer in zip("ab", writers, strict=True)))
    assert found[0] == found[1]
    assert sorted(tries.values()) == [1, 2]
    for writer, database in zip(writers, machines, strict=True):
        await writer.stop()
        await database.close()


@pytest.mark.needs("postgresql")
async def test_R8_a_connection_lost_in_commit_before_it_committed_stored_nothing(migrated_postgres_url: str) -> None:
    database = Database(migrated_postgres_url)
    with database.transaction() as connection:
        for statement in _DIES_IN_COMMIT:
            connection.execute(text(statement))
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    with pytest.raises(Unavailable):
        await writer.put(notes, "dies")
    assert await writer.put(notes, "lives") == "LIVES"
    assert _keys(database) == {"lives"}
    await writer.stop()
    await database.close()


_DIES_IN_COMMIT = (
    """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$""",
    """CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.key = 'dies') EXECUTE FUNCTION die()""",
)


@pytest.mark.needs("postgresql")
async def test_R8_an_answer_lost_after_the_commit_is_asked_for_and_counts(
    migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(migrated_postgres_url)
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    commit = RootTransaction.commit

    def unheard(self: RootTransaction) -> None:
        commit(self)
        monkeypatch.undo()
        raise OperationalError("COMMIT", {}, Exception("the server is gone"), connection_invalidated=True)

    writer.start()
    monkeypatch.setattr(RootTransaction, "commit", unheard)
    assert await writer.put(notes, "stored") == "STORED"
    assert _keys(database) == {"stored"}
    await writer.stop()
    await database.close()


async def test_R8_a_server_that_only_reads_is_temporary(migrated_postgres_url: str, postgres: Postgres) -> None:
    name = migrated_postgres_url.rsplit("/", 1)[1]
    database = Database(migrated_postgres_url)
    writer, notes = Writer(database, on_broken=lambda: None), Notes()
    writer.start()
    assert await writer.put(notes, "before") == "BEFORE"
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.cut_connections(name)
    with pytest.raises(Unavailable):
        await writer.put(notes, "during")
    postgres.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    postgres.cut_connections(name)
    assert await writer.put(notes, "after") == "AFTER"
    await writer.stop()
    await database.close()


async def test_R6_a_locked_store_is_temporary(migrated_sqlite_url: str) -> None:
    database, other = Database(migrated_sqlite_url, timeout=0.05), Database(migrated_sqlite_url)
    writer = Writer(database, on_broken=lambda: None)
    writer.start()
    with other.writing.begin(), pytest.raises(Unavailable):
        await writer.put(Notes(), "locked out")
    assert await writer.put(Notes(), "in") == "IN"
    await writer.stop()
    await database.close()
    await other.close()


async def test_R5_a_full_disk_is_told_as_full_and_passes(migrated_sqlite_url: str) -> None:
    database = Database(migrated_sqlite_url)
    writer = Writer(database, on_broken=lambda: None)
    writer.start()
    pages = await writer.run(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    await writer.run(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}").scalar())
    with pytest.raises(Unavailable) as told:
        await writer.run(lambda c: c.execute(insert(t.meta), {"key": "big", "value": "x" * 1_000_000}))
    assert told.value.full
    await writer.stop()
    await database.close()


@contextmanager
def files_up_to(octets: int) -> Iterator[None]:
    """Bounds what a file of this process may grow to, as a quota does; SQLite takes both for a failing disk."""
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)


async def test_R5_a_quota_that_is_used_up_is_a_full_disk_and_passes(migrated_sqlite_url: str) -> None:
    database = Database(migrated_sqlite_url)
    writer = Writer(database, on_broken=lambda: None)
    writer.start()
    with files_up_to(600_000), pytest.raises(Unavailable) as told:
        await writer.run(lambda c: c.execute(insert(t.meta), {"key": "big", "value": "x" * 1_000_000}))
    assert told.value.full
    assert await writer.put(Notes(), "after") == "AFTER"
    await writer.stop()
    await database.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_CORRUPT_INDEX])
async def test_R9_a_disk_that_fails_or_a_damaged_file_stops_the_writer_for_good(
    migrated_sqlite_url: str, code: int
) -> None:
    database = Database(migrated_sqlite_url)
    told: list[str] = []
    writer = Writer(database, on_broken=lambda: told.append("broken"))
    writer.start()

    def failing(_connection: Connection) -> Any:
        error = sqlite3.OperationalError("as SQLite says it")
        error.sqlite_errorcode = code
        raise OperationalError("COMMIT", {}, error)

    with pytest.raises(Broken):
        await writer.run(failing)
    assert told == ["broken"]
    with pytest.raises(Unavailable):
        await writer.run(lambda c: None)
    await writer.stop()
    await database.close()
