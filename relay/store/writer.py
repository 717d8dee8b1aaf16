"""One thread writes. Whatever gathered while it committed goes into the next commit.

Work is put in line by kind: each kind has a handler that is given everything of its kind
that waits and does it in a few set-wise statements. All kinds of one round share one
transaction and one fsync, and nobody is answered before the commit. A kind that nobody waits
for (outcomes) makes no round of its own while it may soon go with another.

When a round fails it is rolled back and its items are run one by one, so that only the
culprit gets the error. A lost server, a lock or a full disk is not a culprit: everybody
in the round gets `Unavailable` and may come again. A deadlock, or a connection that was lost
before COMMIT, is run again, never told. An I/O error on commit leaves the disk's state unknown
(PostgreSQL's fsync lesson): the writer stops for good and the process has to exit. A
connection lost during COMMIT is asked for by its transaction id before anyone is answered.
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

LINE_ITEMS = 20_000  # beyond it nothing more is taken: a temporary refusal before accepting
PACE_OF = 8  # rounds the pace is a mean of, roughly
TRIES = 5  # of a round that a deadlock, a quicker machine or a lost connection undid
LOOK = 1.0  # seconds between looks at how long the line has not moved
FATE_PATIENCE, FATE_WAIT = 5.0, 0.25  # seconds for which the fate of a COMMIT is asked for, and between two questions


class Unavailable(Exception):
    """The store cannot be written for now. `full`: space has run out."""

    def __init__(self, detail: str, *, full: bool = False) -> None:
        super().__init__(detail)
        self.full = full


class Broken(Unavailable):
    """The disk failed, or the file is damaged: nothing may be written any more, the process must exit."""


class _Refused(Struct, frozen=True):
    """What a job raised that its caller alone is to hear of."""

    answer: Exception


class _Job:
    """Single functions: each item is a callable given the connection."""

    order = 5
    is_patient = False

    def guards(self, _items: Sequence[Callable[[Connection], Any]]) -> Iterable[str]:
        """A job locks for itself."""
        return ()

    def __call__(self, connection: Connection, items: Sequence[Callable[[Connection], Any]]) -> Sequence[Any]:
        return [job(connection) for job in items]


_JOB = _Job()


class Writer:
    """The line in front of the store. Made and used on one event loop."""

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
        self.pace = 0.0  # seconds a round takes, lately
        self.lost = ""  # what became of the store, where what is written now would be found by nobody

    def start(self) -> None:
        """Begin to write."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()
        self._look()

    async def stop(self) -> None:
        """Write what waits, then end the thread."""
        if self._thread is None or self._next_look is None:
            return
        self._next_look.cancel()
        self._hand_over()
        self._line.end()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._thread = None

    def put(self, handler: Handler, value: Any, size: int = 0) -> "asyncio.Future[Any]":
        """The future of `handler`'s result for `value`, done after the commit.

        Raises Unavailable when the line is full or the disk is broken.
        """
        if self._broken or self._loop is None:
            raise Unavailable("the store stopped writing")
        if self._waiting >= LINE_ITEMS:
            raise Unavailable("too much waits to be written")
        self._waiting += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(Item(handler, value, size, future, time.monotonic()))
        return future

    def _hand_over(self) -> None:
        """What one turn of the loop put in line goes over together: a hand-over wakes a thread, and costs."""
        if self._gathered:
            self._line.put(self._gathered)
            self._gathered = []

    def _look(self) -> None:
        """Whoever has waited for longer than the store is waited for is told, and may come again."""
        assert self._loop is not None
        self._next_look = self._loop.call_later(LOOK, self._look)
        if items := self._line.send_away(self._database.patience):
            log.warning("the store cannot be written", error="it does not answer, or others write all the time")
            self._deliver(items, [Unavailable("the store does not answer")] * len(items))

    async def run(self, job: Callable[[Connection], T], answers: tuple[type[Exception], ...] = ()) -> T:
        """Run one function in a write transaction and return its result after the commit.

        What `job` raises of `answers` undoes its own work alone: the round it shares with others goes on.
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
        """As `run`, for what others bring: with the store lost they are to keep it. Raises Unavailable."""
        if self.lost:
            raise Unavailable(self.lost)
        return await self.run(job, answers)

    # -- the thread -----------------------------------------------------------------

    def _work(self) -> None:
        while self._line.wait():
            began = time.monotonic()
            try:
                with self._database.turn():
                    items = self._line.let_in()
                    results = self._round(items, began) if items else []
            except OSError as error:  # there is no turn to be had: the folder is gone, or no descriptor is left
                items = self._line.let_go()
                results = [self._without_turn(error)] * len(items)
            self._answer(items, results)
        self._drop_connection()

    def _round(self, items: list[Item], began: float) -> list[Any]:
        """What comes of each item: its result, or the exception it ends with."""
        self.rounds += 1
        self.items += len(items)
        try:
            results = self._commit(items)
        except Unavailable as error:
            return [error] * len(items)
        except Exception as error:  # the culprit is found by running the items one by one
            if len(items) == 1:
                log.exception("write failed", kind=type(items[0].handler).__name__)
                return [error]
            return [result for item in items for result in self._round([item], time.monotonic())]
        self.pace += (time.monotonic() - began - self.pace) / PACE_OF
        return results

    def _commit(self, items: list[Item]) -> list[Any]:
        """One transaction for all; raises Unavailable, Broken, or what a handler raised."""
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
            with suppress(DBAPIError):  # what went wrong first is what is told
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
        """The transaction's id, by which its fate can be asked when COMMIT gets no answer."""
        if self._database.is_sqlite:
            return 0
        return int(_XID.all(connection)[0].xid)

    def _did_commit(self, error: DBAPIError, ticket: int) -> bool:
        """Whether COMMIT was done though it got no answer; raises Unavailable where nobody can know for a while."""
        if self._database.is_sqlite or not error.connection_invalidated:
            return False
        until = time.monotonic() + FATE_PATIENCE
        while (fate := self._fate(ticket)) in ("", "in progress"):
            if time.monotonic() > until:
                raise Unavailable("whether it was written cannot be known yet")
            time.sleep(FATE_WAIT)
        return fate == "committed"

    def _fate(self, ticket: int) -> str:
        """What became of a transaction, in PostgreSQL's words; empty where nobody can be asked."""
        self._drop_connection()
        try:
            return str(self._open().execute(_FATE, {"xid": str(ticket)}).scalar_one_or_none())
        except DBAPIError:
            return ""
        finally:
            self._drop_connection()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):  # a dead connection cannot be closed any better
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
            self._database.writing.dispose()  # what else was pooled was lost with the same server

    def _meaning(self, error: DBAPIError) -> Exception:
        code = sqlite_code(error, self._database.file)
        if code in _BEYOND_REPAIR:
            return self._break(f"{self._database.file} {uselessness(error)}")
        if code == sqlite3.SQLITE_FULL or _sqlstate(error) in ("53100", "53200"):
            log.warning("the store cannot be written", error=cause(error))
            return Unavailable("the disk is full", full=True)
        if isinstance(error, OperationalError) or error.connection_invalidated or _is_away(error):
            log.warning("the store cannot be written", error=cause(error))
            return Unavailable("the store cannot be written")
        return error

    def _without_turn(self, error: OSError) -> Unavailable:
        if error.errno == errno.EIO:  # a file system that failed as a whole lets nobody as far as the file itself
            return self._break(f"{error.filename} cannot be opened: the disk fails")
        log.warning("the store cannot be written", error=str(error))
        return Unavailable("the store cannot be written")

    def _break(self, why: str) -> Broken:
        """Nothing is written any more."""
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
    """Each kind's handler once, in the order of kinds; results in the order of the items."""
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
    """Whether the round left nothing behind and the same round may pass now."""
    # 40001 serialization_failure, 40P01 deadlock_detected, 23505 unique_violation (PostgreSQL, appendix A). Of what was
    # not there another machine was quicker to put in: now it is found.
    return bool(error.connection_invalidated) or _sqlstate(error) in ("40001", "40P01", "23505")


def _is_away(error: DBAPIError) -> bool:
    """Whether the server itself is not as it should be: it only reads (a standby), or has trouble within."""
    return _sqlstate(error) == "25006" or _sqlstate(error)[:2] == "XX"  # PostgreSQL, appendix A


# What is written after these may be lost, or spoil more of what is there.
_BEYOND_REPAIR = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
