"""The line in front of the store: items that wait to be written, in order of arrival.

The event loop adds items; the one writer thread takes them, a round at a time. Items that have
waited too long, because other processes are writing to the same file or because the store does not
answer the previous round, are sent away untouched: nothing of them was begun, so they may be retried.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection

ROUND_ITEMS = 256
ROUND_BYTES = 8 * 1024 * 1024
COMPANY = 0.05  # seconds for which patient items wait for others at most


class Handler(Protocol):
    """Writes all waiting items of one kind in the round's transaction; results are in the order of the items."""

    order: int  # kinds with a smaller number go first in a round
    is_patient: bool  # whether its items may wait a moment for others to join the round

    def guards(self, items: Sequence[Any]) -> Iterable[str]:
        """The scopes that a round with these items locks before any handler runs (`guard`)."""

    def __call__(self, connection: Connection, items: Sequence[Any]) -> Sequence[Any]:
        """One result per item; on an exception the items are run one by one."""


class Item(Struct):
    """One thing to be written, and the future that gets the result."""

    handler: Handler
    value: Any
    size: int
    future: "asyncio.Future[Any]"
    since: float  # time of arrival in seconds of the monotonic clock


class Line:
    """Items in order of arrival. Items of the handler `apart` get rounds of their own."""

    def __init__(self, apart: Handler | None) -> None:
        self._apart = apart
        self._coming: queue.SimpleQueue[list[Item] | None] = queue.SimpleQueue()
        self._waiting: deque[Item] = deque()
        self._ended = False
        self._gate = threading.Lock()
        self._since = 0.0  # when the thread began to wait for its turn or last got one; 0 while the line is empty

    # -- for the event loop -----------------------------------------------------------------

    def put(self, items: list[Item]) -> None:
        """Add items at the end of the line."""
        self._coming.put(items)

    def end(self) -> None:
        """Announce that no more items will come."""
        self._coming.put(None)

    def send_away(self, patience: float) -> list[Item]:
        """Remove and return the items that have waited for over `patience` seconds, if nothing moved for as long."""
        late = time.monotonic() - patience
        with self._gate:
            if not self._since or self._since >= late:
                return []
            self._take_over()
            gone: list[Item] = []
            while self._waiting and self._waiting[0].since < late:
                gone.append(self._waiting.popleft())
            return gone

    # -- for the writer thread --------------------------------------------------------------

    def wait(self) -> bool:
        """Wait for items, and until patient ones have waited for others; False once the line has ended."""
        alone_until = 0.0  # until when patient items wait
        with self._gate:
            self._since = 0.0
        while not self._ended:
            timeout = max(0.0, alone_until - time.monotonic()) if self._waiting else None
            try:
                items = self._coming.get(block=timeout != 0.0, timeout=timeout)
            except queue.Empty:
                break
            if items is None:
                self._ended = True
                break
            if not self._waiting:
                alone_until = time.monotonic() + COMPANY
            self._waiting.extend(items)
            if not all(item.handler.is_patient for item in items):
                alone_until = 0.0
        if not self._waiting:
            return False
        with self._gate:
            self._since = time.monotonic()
        return True

    def let_in(self) -> list[Item]:
        """Take the items of the next round, including those that came while waiting for our turn."""
        with self._gate:
            self._since = time.monotonic()
            self._take_over()
            return self._next_round()

    def let_go(self) -> list[Item]:
        """Take all items, because no turn can be had."""
        with self._gate:
            self._take_over()
            items = [*self._waiting]
            self._waiting.clear()
            return items

    def _take_over(self) -> None:
        while not self._ended:
            try:
                items = self._coming.get_nowait()
            except queue.Empty:
                return
            if items is None:
                self._ended = True
            else:
                self._waiting.extend(items)

    def _next_round(self) -> list[Item]:
        """The first items, up to the limits of a round.

        A job takes its own locks in the common order; it could not keep that order in one transaction after others.
        """
        items: list[Item] = []
        size = 0
        while self._waiting and len(items) < ROUND_ITEMS and size < ROUND_BYTES:
            if self._apart and items and self._apart in (items[0].handler, self._waiting[0].handler):
                break
            items.append(self._waiting.popleft())
            size += items[-1].size
        return items
