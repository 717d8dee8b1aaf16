"""Questions to the store: whoever asks is answered, if only by hearing that it does not answer."""

import asyncio
import threading

import pytest

from relay.store import reader as module
from relay.store.engine import Database
from relay.store.reader import Reader
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
