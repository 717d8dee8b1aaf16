"""Two machines on one PostgreSQL lock in one order: neither waits for the other while that one waits for it."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, event

from relay.store.attempts import SettleHandler
from relay.store.engine import Database
from relay.submission.intake import Intake
from tests.support.inside import Inside, MakeInside
from tests.support.provider import Provider
from tests.support.smtp import Reply
from tests.support.waiting import until_one_waits

SHARED = {"server": {"secret_key": "a-key-many-machines-share-0123456789"}}


def message(n: int) -> bytes:
    return f"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: Report {n}\r\n\r\nno {n}\r\n".encode()


def send(inside: Inside, n: int) -> Reply:
    return inside.submit(["bob@example.net"], message(n))


class Stop:
    """A kind between outcomes and submissions: its round stands still until somebody waits for what it holds."""

    order = 2
    is_patient = False

    def __init__(self, database: Database) -> None:
        self.reached = threading.Event()
        self._database = database

    def guards(self, _items: Sequence[None]) -> Sequence[str]:
        return ()

    def __call__(self, _connection: Connection, items: Sequence[None]) -> Sequence[None]:
        self.reached.set()
        until_one_waits(self._database)
        return items


def in_one_round(inside: Inside, stop: Stop, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Keeps the next outcome back, and has it go with the submission after it, the stop between them; set when kept."""
    put, kept, seen = inside.app.writer.put, [], threading.Event()

    def putting(handler: Any, value: Any, size: int = 0) -> Any:
        if isinstance(handler, SettleHandler) and not seen.is_set():
            kept.append((handler, value, asyncio.get_running_loop().create_future()))
            seen.set()
            return kept[-1][2]
        if isinstance(handler, Intake) and kept:
            settle, outcome, answer = kept.pop()
            put(settle, outcome).add_done_callback(lambda done: answer.set_result(done.result()))
            put(stop, None)
        return put(handler, value, size)

    monkeypatch.setattr(inside.app.writer, "put", putting)
    return seen


@pytest.mark.needs("postgresql")
def test_an_outcome_and_a_submission_in_one_round_do_not_lock_crosswise_with_another_machine(
    migrated_postgres_url: str, make_inside: MakeInside, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (
        make_inside(SHARED | {"storage": {"url": migrated_postgres_url}}, providers=[provider.settings()])
        for _ in range(2)
    )
    undone: list[Connection] = []
    for inside in (one, two):
        event.listen(inside.app.database.writing, "rollback", undone.append)
    stop = Stop(one.app.database)
    kept = in_one_round(one, stop, monkeypatch)
    with ThreadPoolExecutor(2) as clients:
        assert send(one, 1).code == 250
        assert kept.wait(20)
        first = clients.submit(send, one, 2)  # settles the contact of bob, and then counts in the mailbox
        assert stop.reached.wait(20)
        second = clients.submit(send, two, 3)  # counts in the mailbox, and then meets bob
        assert (first.result(30).code, second.result(30).code) == (250, 250)
    assert undone == []
    provider.ledger.wait_for_taken(3)
