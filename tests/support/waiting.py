"""Waits for what other threads and processes do by themselves."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text

from relay.store.engine import Database

Seen = TypeVar("Seen")
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def until(true: Callable[[], Seen], timeout: float = 15.0) -> Seen:
    """The result of `true` once it is true; fails if that does not happen within so many seconds."""
    rest, deadline = threading.Event(), time.monotonic() + timeout
    while not (answer := true()):
        assert time.monotonic() < deadline, "waited in vain"
        rest.wait(0.02)
    return answer


def until_one_waits(database: Database, is_over: Callable[[], bool] = lambda: False) -> None:
    """Wait until somebody waits for a lock in this PostgreSQL database, or until what was expected to wait is over."""
    with database.asking.connect() as connection:
        while not is_over() and not connection.execute(_WAITING).scalar():
            connection.rollback()
