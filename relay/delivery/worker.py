"""Takes due deliveries from memory and from the queue, and gives each a round.

Fresh mail comes in memory, already leased to this process; what survived a crash, was
retried or scheduled is claimed from the queue. A bug while one message is handled costs
that message its round, not the worker its life: its lease runs out and it is claimed again.
A store that cannot be written stops nothing but the message in hand, whose attempt is then
uncertain or not begun, exactly as after a crash.
"""

import asyncio
from collections import deque
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from relay.delivery.recheck import Recheck
from relay.delivery.round import Means, Round
from relay.store.parcel import Parcel
from relay.store.queue import claim, next_due
from relay.store.reader import Reader
from relay.store.sends import body
from relay.store.writer import Broken, Unavailable

log = structlog.get_logger()

CLAIM = 200  # deliveries leased from the queue at a time
POLL = 1.0  # seconds between looks at the queue


class Worker:
    """The delivery of one process."""

    def __init__(self, means: Means, *, reader: Reader, recheck: Recheck, memory: int) -> None:
        self._means = means
        self._reader = reader
        self._recheck = recheck
        self._memory = memory  # octets of messages that may wait in memory
        self._fresh: deque[Parcel] = deque()
        self._bytes = 0
        self._busy: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._draining = False
        self._next_poll = 0.0

    def has_room(self, size: int) -> bool:
        """Whether a fresh message may wait in memory; otherwise it waits in the queue."""
        return not self._draining and self._bytes + size <= self._memory

    def accept(self, parcel: Parcel) -> None:
        """A fresh message, leased to this process."""
        self._bytes += parcel.size
        self._fresh.append(parcel)
        self._wake.set()

    def wake(self) -> None:
        """Something in the queue may be due."""
        self._next_poll = 0.0
        self._wake.set()

    @property
    def in_hand(self) -> int:
        """Messages waiting or under way in this process."""
        return len(self._fresh) + len(self._busy)

    def start(self) -> None:
        """Begin to deliver."""
        self._main = asyncio.create_task(self._run())

    async def drain(self) -> None:
        """Take nothing new and let what has begun come to its end; the rest waits in the queue."""
        self._draining = True
        self._wake.set()
        if self._main is not None:
            await self._main
        if self._busy:
            await asyncio.wait(set(self._busy))
        await self._means.pool.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._draining:
            self._wake.clear()
            while self._fresh and len(self._busy) < self._means.delivery.concurrency:
                self._spawn(self._fresh.popleft())
            if not self._fresh and loop.time() >= self._next_poll:
                self._next_poll = loop.time() + POLL
                await self._poll()
            try:
                await asyncio.wait_for(self._wake.wait(), POLL)
            except TimeoutError:
                self._means.pool.sweep()

    async def _poll(self) -> None:
        """Claim what is due, as far as there are hands for it."""
        hands = self._means.delivery.concurrency - len(self._busy)
        if hands <= 0 or not any(self._means.healths.may_try(p.name) for p in self._means.providers if p.is_ready):
            return
        now, node = self._means.clock(), self._means.node
        try:
            due_at = await self._reader.call(next_due)
            if not due_at or due_at > now:
                return
            parcels = await self._means.writer.run(lambda c: _claim(c, node, now, min(CLAIM, hands * 4)))
        except (Unavailable, Broken) as error:
            log.warning("the queue cannot be read", error=str(error))
            return
        for parcel in parcels:
            self.accept(parcel)
        if parcels:
            self._next_poll = 0.0

    def _spawn(self, parcel: Parcel) -> None:
        task = asyncio.create_task(self._deliver(parcel))
        self._busy.add(task)
        task.add_done_callback(lambda done: self._finished(done, parcel))

    def _finished(self, task: "asyncio.Task[None]", parcel: Parcel) -> None:
        self._busy.discard(task)
        self._bytes -= parcel.size
        if self._fresh or self._draining:
            self._wake.set()
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, Unavailable | Broken):
            log.warning("a round could not be written", send=parcel.send_id, error=str(error))
        else:
            log.error("a round failed in us", send=parcel.send_id, exc_info=error)

    async def _deliver(self, parcel: Parcel) -> None:
        """One round for every recipient that is due."""
        owner = await self._means.owner(parcel)
        stops = await self._recheck.stops(parcel, owner)
        data = parcel.data
        if data is None:
            data = await self._reader.call(lambda c: body(c, parcel.send_id))
        turn = Round(self._means, replace(parcel, data=None), owner, data or b"")
        for due in parcel.due:
            if due.n in stops:
                turn.stop(due, stops[due.n])
        if data is None:
            turn.give_up("message_gone")
        await turn.run()


def _claim(connection: Connection, node: str, now: int, limit: int) -> list[Parcel]:
    return claim(connection, node=node, now=now, limit=limit)
