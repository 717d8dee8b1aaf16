"""Work handed over wakes whoever is free: what was approved, retried by hand, or left by a process that ended.

On PostgreSQL the transaction that hands it over rings, and every process that listens looks
into the queue as soon as it commits. Never for a message: fresh mail is handed over in
memory, and NOTIFY takes a lock that all commits share. A bell that is not heard
costs a second, for the queue is looked at every second anyway; so a lost connection is only
made again. SQLite has no bell.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection, text

from relay.store.engine import Database

log = structlog.get_logger()

CHANNEL = "gatepost_queue"
AGAIN = 1.0  # seconds until a lost connection is made again
_RING = text(f"NOTIFY {CHANNEL}")


def ring(connection: Connection) -> None:
    """Wake everybody once this transaction has committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(_RING)


class Bell:
    """Listens for one process, on a connection of its own."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen from now on."""
        if not self._database.is_sqlite:
            self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        import psycopg  # not for those who use SQLite

        while True:
            try:
                await self._hear(psycopg.AsyncConnection)
            except psycopg.Error as error:
                log.warning("the bell is not heard for now", error=str(error))
            await asyncio.sleep(AGAIN)

    async def _hear(self, driver: Any) -> None:
        async with await driver.connect(**self._database.postgresql, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._wake()  # what was rung while nobody listened
            async for _ in connection.notifies():
                self._wake()
