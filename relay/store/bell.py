"""Wakes other processes for work put back into the queue: approved, retried by hand, or left by a process that ended.

On PostgreSQL the transaction that hands work over sends a NOTIFY, and every listening process
looks into the queue as soon as it commits. This is not used for new messages: they are handed
over in memory, and NOTIFY takes a lock that all commits share. A missed notification costs at
most a second, since the queue is polled every second anyway; so a lost connection is simply
reopened. SQLite has no bell.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from relay.store.engine import Database

CHANNEL = "gatepost_queue"
AGAIN = 1.0  # seconds until a lost connection is reopened
_RING = text(f"NOTIFY {CHANNEL}")


def ring(connection: Connection) -> None:
    """Wake all listening processes once this transaction has committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(_RING)


class Bell:
    """Listens on behalf of one process, on a connection of its own."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start listening."""
        if not self._database.is_sqlite:
            self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        import psycopg  # not needed with SQLite
        import structlog  # nor is this by a command, which only rings

        log = structlog.get_logger()

        while True:
            try:
                await self._hear(psycopg.AsyncConnection)
            except psycopg.Error as error:
                log.warning("notifications from PostgreSQL interrupted; listening again shortly", error=str(error))
            await asyncio.sleep(AGAIN)

    async def _hear(self, driver: Any) -> None:
        async with await driver.connect(**self._database.postgresql, autocommit=True) as connection:
            await connection.execute("SET idle_session_timeout = 0")  # silence is what this session is for
            await connection.execute(f"LISTEN {CHANNEL}")
            self._wake()  # for notifications missed while not listening
            async for _ in connection.notifies():
                self._wake()
