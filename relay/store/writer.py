"""One thread writes. What arrives while it commits goes into the next commit.

Work is queued by kind: each kind has a handler that gets all waiting items of its kind and writes
them with a few statements. All kinds of one round share one transaction and one fsync, and nobody
gets an answer before the commit. A kind that nobody waits for (outcomes) does not start a round of
its own while it may soon join another.

If a round fails, it is rolled back and its items are run one by one, so that only the culprit gets
the error. A lost server, a lock or a full disk is nobody's fault: everybody in the round gets
`Unavailable` and may retry. After a deadlock, or a connection lost before COMMIT, the round is
repeated without an error. An I/O error on commit leaves the state of the disk unknown (PostgreSQL's
fsync lesson): the writer stops permanently and the process must exit. If the connection is lost
during COMMIT, the server is asked by transaction id what happened before anybody gets an answer.
"""

import asyncio
import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from msgspec import Struct
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from relay.store import guard
from relay.store.engine import Database, cause, sqlite_code, uselessness
from relay.store.line import Handler, Item, Line
from relay.store.prepared import Prepared

log = structlog.get_logger()
T = TypeVar("T")

LINE_ITEMS = 20_000  # waiting items; with more, mail is refused temporarily before it is accepted
PACE_OF = 8  # the pace is a mean over roughly this many rounds
TRIES = 5  # tries of a round that was undone by a deadlock, a faster machine or a lost connection
LOOK = 1.0  # seconds between checks whether the line is stuck
FATE_PATIENCE, FATE_WAIT = 5.0, 0.25  # seconds for which to ask about the fate of a COMMIT, and between two questions


class Unavailable(Exception):
    """The store cannot be used at the moment. `full` says that space has run out."""

    def __init__(self, detail: str, *, full: bool = False) -> None:
        super().__init__(detail)
        self.full = full


class Broken(Unavailable):
    """The disk failed, or the file is damaged: nothing more may be written, and the process must exit."""


class _Refused(Struct, frozen=True):
    """An exception of a job that only its own caller is to get."""

    answer: Exception


class _Job:
    """The handler for single functions: each item is called with the connection."""

    order = 5
    is_patient = False

    def guards(self, _items: Sequence[Callable[[Connection], Any]]) -> Iterable[str]:
        """None: a job takes its own locks."""
        return ()

    def __call__(self, connection: Connection, items: Sequence[Callable[[Connection], Any]]) -> Sequence[Any]:
        return [job(connection) for job in items]


_JOB = _Job()


class Writer:
    """The queue of writes to the store. Create and use it on one event loop."""

    def __init__(self, database: Database, *, on_broken: Callable[[], None]) -> None:
        self._database = database
        self._on_broken = on_broken
        self._line = Line(None if database.is_sqlite else _JOB)
        self._waiting = 0
        self._gathered: list[Item] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._connection: Connection | None = None
        self._broken = False
        self.rounds = 0
        self.items = 0
        self.pace = 0.0  # seconds that recent rounds took on average
        self.lost = ""  # what happened to the store, if what is written now would be lost
        self.trouble = ""  # why nothing can be written at the moment, as the latest round found

    def start(self) -> None:
        """Start to write."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()
        self._look()

    async def stop(self) -> None:
        """Write what is waiting, then end the thread."""
        if self._thread is None or self._next_look is None:
            return
        self._next_look.cancel()
        self._hand_over()
        self._line.end()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._thread = None

    def put(self, handler: Handler, value: Any, size: int = 0) -> "asyncio.Future[Any]":
        """A future with `handler`'s result for `value`, done after the commit.

        Raises Unavailable if the line is full or the disk has failed.
        """
        if self._broken or self._loop is None:
            raise Unavailable("the store no longer accepts writes")
        if self._waiting >= LINE_ITEMS:
            raise Unavailable("too many writes are waiting")
        self._waiting += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(Item(handler, value, size, future, time.monotonic()))
        return future

    def _hand_over(self) -> None:
        """Hand over together what one turn of the loop queued: each hand-over wakes a thread, which is costly."""
        if self._gathered:
            self._line.put(self._gathered)
            self._gathered = []

    def _look(self) -> None:
        """Fail items that have waited longer than the store's patience; their callers may retry."""
        assert self._loop is not None
        self._next_look = self._loop.call_later(LOOK, self._look)
        if items := self._line.send_away(self._database.patience):
            log.warning("cannot write to the store", error="no answer, or another program keeps writing")
            self._deliver(items, [Unavailable("the store does not answer")] * len(items))

    async def run(self, job: Callable[[Connection], T], answers: tuple[type[Exception], ...] = ()) -> T:
        """Run one function in a write transaction and return its result after the commit.

        If `job` raises one of `answers`, only its own work is undone: the round it shares with others goes on.
        """

        def apart(connection: Connection) -> T | _Refused:
            try:
                with connection.begin_nested():
                    return job(connection)
            except answers as answer:
                return _Refused(answer)

        result: T | _Refused = await self.put(_JOB, apart if answers else job)
        if isinstance(result, _Refused):
            raise result.answer
        return result

    async def take(self, job: Callable[[Connection], T], answers: tuple[type[Exception], ...] = ()) -> T:
        """As `run`, for data from outside; raises Unavailable if the store was lost, so that the sender keeps it."""
        if self.lost:
            raise Unavailable(self.lost)
        return await self.run(job, answers)

    # -- in the thread --------------------------------------------------------------

    def _work(self) -> None:
        while self._line.wait():
            began = time.monotonic()
            try:
                with self._database.turn():
                    items = self._line.let_in()
                    results = self._round(items, began) if items else []
            except OSError as error:  # no turn to write: the folder is gone, or no descriptor is left
                items = self._line.let_go()
                results = [self._without_turn(error)] * len(items)
            self._answer(items, results)
        self._drop_connection()

    def _round(self, items: list[Item], began: float) -> list[Any]:
        """For each item its result, or the exception it failed with."""
        self.rounds += 1
        self.items += len(items)
        try:
            results = self._commit(items)
        except Unavailable as error:
            return [error] * len(items)
        except Exception as error:  # find the culprit by running the items one by one
            if len(items) == 1:
                log.exception("internal error in a write", kind=type(items[0].handler).__name__)
                return [error]
            return [result for item in items for result in self._round([item], time.monotonic())]
        self.pace += (time.monotonic() - began - self.pace) / PACE_OF
        return results

    def _commit(self, items: list[Item]) -> list[Any]:
        """Run one transaction for all; raises Unavailable, Broken, or what a handler raised."""
        if self._broken:
            raise Broken("the store's file failed")
        for attempt in range(TRIES):
            try:
                return self._transaction(items)
            except DBAPIError as error:
                self._drop_connection()
                if _is_undone(error) and attempt < TRIES - 1:
                    continue
                raise self._meaning(error) from error
        raise AssertionError("unreachable")

    def _transaction(self, items: list[Item]) -> list[Any]:
        connection = self._open()
        transaction = connection.begin()
        try:
            results = _handle(connection, items)
            ticket = self._ticket(connection)
        except BaseException:
            with suppress(DBAPIError):  # the first error is the one to report
                transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            if not self._did_commit(error, ticket):
                raise
        return results

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.writing.connect()
        return self._connection

    def _ticket(self, connection: Connection) -> int:
        """The transaction id, to ask about its fate if COMMIT gets no answer."""
        if self._database.is_sqlite:
            return 0
        return int(_XID.all(connection)[0].xid)

    def _did_commit(self, error: DBAPIError, ticket: int) -> bool:
        """Whether COMMIT succeeded although it got no answer; raises Unavailable if that cannot be found out now."""
        if self._database.is_sqlite or not error.connection_invalidated:
            return False
        until = time.monotonic() + FATE_PATIENCE
        while (fate := self._fate(ticket)) in ("", "in progress"):
            if time.monotonic() > until:
                raise Unavailable("not yet known whether the write was committed")
            time.sleep(FATE_WAIT)
        return fate == "committed"

    def _fate(self, ticket: int) -> str:
        """The status of a transaction, in PostgreSQL's words; empty if the server cannot be asked."""
        self._drop_connection()
        try:
            return str(self._open().execute(_FATE, {"xid": str(ticket)}).scalar_one_or_none())
        except DBAPIError:
            return ""
        finally:
            self._drop_connection()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):  # closing a dead connection may fail
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
            self._database.writing.dispose()  # other pooled connections were lost with the same server

    def _meaning(self, error: DBAPIError) -> Exception:
        code = sqlite_code(error, self._database.file)
        if code in _BEYOND_REPAIR:
            return self._break(f"{self._database.file} {uselessness(error)}")
        if code == sqlite3.SQLITE_FULL or _sqlstate(error) in ("53100", "53200"):
            log.warning("cannot write to the store", error=cause(error))
            return Unavailable("the disk is full", full=True)
        if isinstance(error, OperationalError) or error.connection_invalidated or _is_away(error):
            log.warning("cannot write to the store", error=cause(error))
            return Unavailable("the store cannot be written to")
        return error

    def _without_turn(self, error: OSError) -> Unavailable:
        if error.errno == errno.EIO:  # if the whole file system failed, not even the file can be opened
            return self._break(f"{error.filename} cannot be opened: the disk is failing")
        log.warning("cannot write to the store", error=str(error))
        return Unavailable("the store cannot be written to")

    def _break(self, why: str) -> Broken:
        """Stop writing permanently."""
        self._broken = True
        log.critical("the store's file failed; stopping", error=why)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._on_broken)
        return Broken("the store's file failed")

    def _answer(self, items: list[Item], results: list[Any]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self._deliver, items, results)

    def _deliver(self, items: list[Item], results: list[Any]) -> None:
        self._waiting -= len(items)
        if results:
            self.trouble = str(results[-1]) if isinstance(results[-1], Unavailable) else ""
        for item, result in zip(items, results, strict=True):
            if item.future.done():
                continue
            if isinstance(result, BaseException):
                item.future.set_exception(result)
            else:
                item.future.set_result(result)


_XID = Prepared("SELECT xid FROM (SELECT pg_current_xact_id()::text::bigint AS xid) AS own")
_FATE = text("SELECT pg_xact_status(CAST(:xid AS xid8))")


def _handle(connection: Connection, items: list[Item]) -> list[Any]:
    """Run each kind's handler once, in the order of kinds; results are in the order of the items."""
    kinds: dict[int, tuple[Handler, list[int]]] = {}
    for index, item in enumerate(items):
        kinds.setdefault(id(item.handler), (item.handler, []))[1].append(index)
    results: list[Any] = [None] * len(items)
    if connection.dialect.name != "sqlite":
        guard.lock(connection, _guards(items, kinds.values()))
    for handler, indexes in sorted(kinds.values(), key=lambda kind: kind[0].order):
        for index, result in zip(indexes, handler(connection, [items[i].value for i in indexes]), strict=True):
            results[index] = result
    return results


def _guards(items: list[Item], kinds: Iterable[tuple[Handler, list[int]]]) -> Iterable[str]:
    for handler, indexes in kinds:
        yield from handler.guards([items[i].value for i in indexes])


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _is_undone(error: DBAPIError) -> bool:
    """Whether the round was undone completely, and may succeed if repeated."""
    # 40001 serialization_failure, 40P01 deadlock_detected, 23505 unique_violation (PostgreSQL, appendix A). The last
    # means that another machine inserted the same row first: the repeated round will find it.
    return bool(error.connection_invalidated) or _sqlstate(error) in ("40001", "40P01", "23505")


def _is_away(error: DBAPIError) -> bool:
    """Whether the server itself has a problem: it is read-only (a standby), or has an internal error."""
    return _sqlstate(error) == "25006" or _sqlstate(error)[:2] == "XX"  # PostgreSQL, appendix A


# After these errors further writes may be lost, or damage more of the file.
_BEYOND_REPAIR = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
