"""Questions to the store: whoever asks is answered, if only by hearing that it does not answer."""

import asyncio
import os
import signal
import threading

import pytest
from sqlalchemy import text

from relay.store import reader as module
from relay.store.engine import Database
from relay.store.reader import Reader, look
from relay.store.writer import Unavailable


async def test_who_asks_a_store_that_does_not_answer_is_told_and_the_next_is_answered(migrated_sqlite_url: str) -> None:
    database, answers = Database(migrated_sqlite_url, timeout=0.2), threading.Event()
    reader = Reader(database)
    with pytest.raises(Unavailable, match="does not answer"):
        await reader.call(lambda _connection: answers.wait(10))
    with pytest.raises(Unavailable, match="does not answer"):
        await reader.call(lambda _connection: "asked meanwhile")
    answers.set()
    assert await reader.call(lambda _connection: "asked later") == "asked later"
    await reader.close()
    await database.close()


async def test_the_end_waits_for_an_answer_that_comes_late_and_fails_for_none(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    database, answers = Database(migrated_sqlite_url, timeout=0.05), threading.Event()
    reader = Reader(database)
    with pytest.raises(Unavailable):
        await reader.call(lambda _connection: answers.wait(10))
    asyncio.get_running_loop().call_later(0.3, answers.set)
    await reader.close()
    await database.close()


async def test_a_server_that_stands_still_is_told_of_in_time_and_asked_again_once_it_moves(postgres_url: str) -> None:
    database = Database(postgres_url, timeout=1)
    async with database.reading.connect() as connection:  # not by `look`: a busy machine may take long to connect
        backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    os.kill(backend, signal.SIGSTOP)
    try:
        asked = asyncio.create_task(look(database, lambda c: c.execute(text("SELECT 1")).scalar_one()))
        await asyncio.wait({asked}, timeout=5)
        assert asked.done()
        assert isinstance(asked.exception(), Unavailable)
    finally:
        os.kill(backend, signal.SIGCONT)
    assert await look(database, lambda c: c.execute(text("SELECT 1")).scalar_one()) == 1
    await database.close()
