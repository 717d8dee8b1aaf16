"""The line in front of the store: who waits to be written, in the order in which they came.

The event loop puts in line, the one thread that writes lets in, a round at a time. Whoever has
stood there for too long, since the processes that share a file do not let each other write, or the
store does not answer the round before, is sent away untouched: nothing of it was begun, so it may come again.
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
COMPANY = 0.05  # seconds that the patient wait for others at most


class Handler(Protocol):
    """Does everything of one kind that waits, inside the round's transaction; results in the order of the items."""

    order: int  # kinds with a smaller number go first in a round
    is_patient: bool  # whether it may wait a moment for a round of others

    def guards(self, items: Sequence[Any]) -> Iterable[str]:
        """What a round that holds these items locks before any kind begins (`guard`)."""

    def __call__(self, connection: Connection, items: Sequence[Any]) -> Sequence[Any]:
        """One result an item; an exception runs the items one by one."""


class Item(Struct):
    """One thing to be written, and who hears what came of it."""

    handler: Handler
    value: Any
    size: int
    future: "asyncio.Future[Any]"
    since: float  # when it came, in seconds of the system's monotonic clock


class Line:
    """Items by the order they came. What `apart` handles shares no round with anything else."""

    def __init__(self, apart: Handler | None) -> None:
        self._apart = apart
        self._coming: queue.SimpleQueue[list[Item] | None] = queue.SimpleQueue()
        self._waiting: deque[Item] = deque()
        self._ended = False
        self._gate = threading.Lock()
        self._since = 0.0  # when the thread began to wait for its turn or last got one, 0 while nobody stands here

    # -- the loop ---------------------------------------------------------------------------

    def put(self, items: list[Item]) -> None:
        """These wait behind all others."""
        self._coming.put(items)

    def end(self) -> None:
        """Nothing comes any more."""
        self._coming.put(None)

    def send_away(self, patience: float) -> list[Item]:
        """Who has stood here for longer than so many seconds, where nothing has moved for as long."""
        late = time.monotonic() - patience
        with self._gate:
            if not self._since or self._since >= late:
                return []
            self._take_over()
            gone: list[Item] = []
            while self._waiting and self._waiting[0].since < late:
                gone.append(self._waiting.popleft())
            return gone

    # -- the thread -------------------------------------------------------------------------

    def wait(self) -> bool:
        """Until somebody waits, and those who are patient have done so; False at the end of the line."""
        alone_until = 0.0  # how long the patient still wait
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
        """Who goes into the next round, now that it is our turn; what came meanwhile goes along."""
        with self._gate:
            self._since = time.monotonic()
            self._take_over()
            return self._next_round()

    def let_go(self) -> list[Item]:
        """Everybody, since there is no turn to be had."""
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
        """What stands first, up to the bounds of a round.

        A job locks what it likes, in the one order there is; behind others in one transaction it could not keep to it.
        """
        items: list[Item] = []
        size = 0
        while self._waiting and len(items) < ROUND_ITEMS and size < ROUND_BYTES:
            if self._apart and items and self._apart in (items[0].handler, self._waiting[0].handler):
                break
            items.append(self._waiting.popleft())
            size += items[-1].size
        return items
