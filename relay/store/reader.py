"""Read-only questions to the store. If the store cannot be read, Unavailable is raised; an answer is never just empty.

While handling mail, one thread answers them (`Reader`): questions that arrive during a round are
answered together in the next, with one hand-over and one query for all. Each round sees what is
committed when it begins. Lists and pages are read separately, each in a short transaction of its
own (`look`).
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy.ext.asyncio  # noqa: F401 - loaded while the server starts, not while the first list is read
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from relay.store.engine import Database, StoreUnusable, cause, uselessness
from relay.store.writer import LOOK, Unavailable

T = TypeVar("T")
Question = Callable[[Connection, Sequence[Any]], Sequence[Any]]
_Asked = tuple[Question, Any, "asyncio.Future[Any]"]


class Reader:
    """The queue of questions to the store. Create and use it on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Asked] = []
        self._line: queue.SimpleQueue[tuple[list[_Asked], asyncio.AbstractEventLoop] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._late: asyncio.TimerHandle | None = None
        self._connection: Connection | None = None

    def ask(self, question: Question, value: Any) -> "asyncio.Future[Any]":
        """A future with the answer to the question; it raises Unavailable if the store cannot be read."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((question, value, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._hand_over)  # together with what else is asked in this turn of the loop
        return future

    async def call(self, read: Callable[[Connection], T]) -> T:
        """Run one reading function and return its result."""
        answer: T = await self.ask(_single, read)
        return answer

    async def close(self) -> None:
        """Answer what waits, then end the thread."""
        if self._thread is not None:
            if self._busy:
                with suppress(Unavailable):  # the store does not answer, and the callers got an error
                    await self.call(lambda _connection: None)
            self._line.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None

    def _hand_over(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
            self._thread.start()
        batch, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        self._line.put((batch, loop))
        self._late = loop.call_later(self._database.patience, self._send_away, batch)

    def _send_away(self, batch: "list[_Asked]") -> None:
        """The store does not answer: fail all waiting questions, and regularly those that arrive meanwhile."""
        self._late = asyncio.get_running_loop().call_later(LOOK, self._send_away, [])
        told, self._waiting = [*batch, *self._waiting], []
        for _question, _value, future in told:
            if not future.done():
                future.set_exception(Unavailable("the store cannot be read: it does not answer"))

    def _deliver(self, batch: "list[_Asked]", answers: list[Any]) -> None:
        if self._late is not None:
            self._late.cancel()
        for (_question, _value, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if self._waiting:
            self._hand_over()
        else:
            self._busy = False

    # -- in the thread --------------------------------------------------------------

    def _work(self) -> None:
        while (handed := self._line.get()) is not None:
            batch, loop = handed
            answers = self._round(batch)
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(self._deliver, batch, answers)
        self._drop()

    def _round(self, batch: "list[_Asked]") -> list[Any]:
        answers: list[Any] = [None] * len(batch)
        by_question: dict[int, tuple[Question, list[int]]] = {}
        for index, (question, _value, _future) in enumerate(batch):
            by_question.setdefault(id(question), (question, []))[1].append(index)
        for question, indexes in by_question.values():
            for index, answer in zip(indexes, self._answer(question, [batch[i][1] for i in indexes]), strict=True):
                answers[index] = answer
        return answers

    def _answer(self, question: Question, values: list[Any]) -> Sequence[Any]:
        is_kept = self._connection is not None
        try:
            with self._open().begin():
                return question(self._open(), values)
        except DBAPIError as error:
            self._drop()
            if is_kept and error.connection_invalidated:
                return self._answer(question, values)  # the connection was stale, and the server may be back
            return [Unavailable(f"the store cannot be read: {cause(error)}")] * len(values)
        except Exception as error:  # noqa: BLE001 - passed on to all callers: nothing is swallowed
            return [error] * len(values)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.asking.connect()
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None


def _single(connection: Connection, reads: Sequence[Callable[[Connection], Any]]) -> Sequence[Any]:
    return [read(connection) for read in reads]


async def look(database: Database, question: Callable[[Connection], T]) -> T:
    """The answer of one reading function; raises Unavailable, also if there is no answer within the store's timeout."""
    asked = asyncio.create_task(_asked(database, question))
    try:
        # Not `asyncio.timeout`: it waits for the cancelled task, and psycopg's for the server that does not answer.
        await asyncio.wait({asked}, timeout=None if database.is_sqlite else database.patience)
        if not asked.done():
            raise Unavailable("the store cannot be read: it does not answer")
        return asked.result()
    finally:
        asked.add_done_callback(_unheard)
        asked.cancel()


def _unheard(asked: "asyncio.Task[Any]") -> None:
    """Fetch the exception of an abandoned task, since asyncio would complain if nobody did."""
    if not asked.cancelled():
        asked.exception()


async def _asked(database: Database, question: Callable[[Connection], T]) -> T:
    try:
        async with database.reading.connect() as connection:
            return await connection.run_sync(question)
    except (DBAPIError, NoConnection) as error:
        if isinstance(error, DBAPIError) and not _is_trouble(error):
            raise
        raise Unavailable("the store cannot be read") from error
    except (OSError, StoreUnusable) as error:
        raise Unavailable("the store cannot be read") from error


def _is_trouble(error: DBAPIError) -> bool:
    """Whether the store is to blame, not the question: a wrong statement is a bug and must show as one."""
    return isinstance(error, OperationalError | InterfaceError) or bool(
        uselessness(error) or (error.connection_invalidated and isinstance(error, DatabaseError))
    )
