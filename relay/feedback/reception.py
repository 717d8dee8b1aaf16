"""What the inbound connections of one listener share: their number, their memory, and the way of a mail into the store.

All messages under way together use at most `MEMORY` octets, or twice the largest message if that is more. A commit
goes on even if the client hangs up: it will then repeat the mail, which has no effect the second time.
"""

import asyncio
from collections import Counter
from typing import Any, Protocol

import structlog
from msgspec import Struct

from relay.feedback.returns import Place, Returns
from relay.store.writer import Unavailable

log = structlog.get_logger()

MEMORY = 64 << 20  # octets of all messages under way on all connections
PER_ADDRESS = 20  # connections; loopback is exempt


class InboundTerms(Struct, frozen=True):
    """What the listener requires of its clients."""

    hostname: str
    max_message_size: int
    max_recipients: int
    max_connections: int
    tls: str


class Guest(Protocol):
    """A connection."""

    def hang_up(self) -> None:
        """End the connection."""


class Reception:
    """Receives the connections of one listener."""

    def __init__(self, terms: InboundTerms, returns: Returns) -> None:
        self.terms = terms
        self.returns = returns
        self._memory = 0
        self._guests: set[Guest] = set()
        self._addresses: Counter[str] = Counter()
        self._commits: set[asyncio.Task[Any]] = set()

    def enter(self, guest: Guest, place: str) -> bool:
        """Whether a new connection may stay."""
        full = len(self._guests) >= self.terms.max_connections
        if full or (place and self._addresses[place] >= PER_ADDRESS):
            return False
        self._guests.add(guest)
        self._addresses[place] += 1
        return True

    def leave(self, guest: Guest, place: str) -> None:
        """Note that a connection has ended."""
        if guest in self._guests:
            self._guests.discard(guest)
            self._addresses[place] -= 1
            if not self._addresses[place]:
                del self._addresses[place]

    def take_memory(self, octets: int) -> bool:
        """Reserve memory for a message; False if there is not enough."""
        if self._memory + octets > max(MEMORY, 2 * self.terms.max_message_size):  # the largest message always fits
            return False
        self._memory += octets
        return True

    def give_memory_back(self, octets: int) -> None:
        """Release what was reserved."""
        self._memory -= octets

    async def commit(self, places: list[Place], data: bytes) -> str:
        """Hand a mail over, in a task that the end of the connection does not cancel; returns the final reply."""
        task = asyncio.get_running_loop().create_task(self.returns.take(places, data))
        self._commits.add(task)
        task.add_done_callback(self._done)
        try:
            applied = await asyncio.shield(task)
        except Unavailable:
            return "451 4.3.0 Temporary error, please try again"
        log.info("returned mail", octets=len(data), new=applied.new, matched=applied.matched)
        return "250 2.0.0 Taken"

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._commits.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Unavailable):
            log.error("internal error in returned mail", exc_info=error)

    async def close(self, timeout: float) -> None:
        """Let commits finish within `timeout` seconds, then end the connections."""
        if self._commits:
            await asyncio.wait(set(self._commits), timeout=timeout)
        await asyncio.sleep(0)  # lets their replies be sent
        for guest in tuple(self._guests):
            guest.hang_up()
