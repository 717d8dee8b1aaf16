"""One thread answers questions that need no transaction of their own.

Questions that come while a round runs are answered together in the next: one hop and one
set-wise query for everybody who asked. Each round sees what is committed when it begins.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from relay.store.engine import Database
from relay.store.writer import Unavailable

T = TypeVar("T")
Question = Callable[[Connection, Sequence[Any]], Sequence[Any]]


class Reader:
    """The line in front of the store for readers. Made and used on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._waiting: list[tuple[Question, Any, asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    def ask(self, question: Question, value: Any) -> "asyncio.Future[Any]":
        """The future of the question's answer; it raises Unavailable when the store cannot be read."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, value, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    async def call(self, read: Callable[[Connection], T]) -> T:
        """Run one reading function and return its result."""
        answer: T = await self.ask(_single, read)
        return answer

    async def close(self) -> None:
        """Answer what waits, then end the thread."""
        if self._running is not None:
            await self._running
        await asyncio.get_running_loop().run_in_executor(self._pool, self._drop)
        self._pool.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await loop.run_in_executor(self._pool, self._round, batch, loop)
        finally:
            self._running = None

    def _round(self, batch: list[tuple[Question, Any, "asyncio.Future[Any]"]], loop: asyncio.AbstractEventLoop) -> None:
        answers: list[Any] = [None] * len(batch)
        by_question: dict[int, tuple[Question, list[int]]] = {}
        for index, (question, _value, _future) in enumerate(batch):
            by_question.setdefault(id(question), (question, []))[1].append(index)
        for question, indexes in by_question.values():
            for index, answer in zip(indexes, self._answer(question, [batch[i][1] for i in indexes]), strict=True):
                answers[index] = answer
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_deliver, batch, answers)

    def _answer(self, question: Question, values: list[Any]) -> Sequence[Any]:
        is_kept = self._connection is not None
        try:
            with self._open().begin():
                return question(self._open(), values)
        except DBAPIError as error:
            self._drop()
            if is_kept and error.connection_invalidated:
                return self._answer(question, values)  # the server may be back since the connection was made
            return [Unavailable(f"the store cannot be read: {type(error.orig).__name__}")] * len(values)
        except Exception as error:  # noqa: BLE001 - told to everybody who asked: nothing is swallowed
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


def _deliver(batch: list[tuple[Question, Any, "asyncio.Future[Any]"]], answers: list[Any]) -> None:
    for (_question, _value, future), answer in zip(batch, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
