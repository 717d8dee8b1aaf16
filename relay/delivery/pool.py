"""Connections kept open to each provider, within the provider's limits.

A connection is reused until it has carried its number of messages or was idle for too long, and
never after the provider sent something unasked. The number open at once is limited by the
provider's setting; it is lowered when the provider says «too many» and raised again step by step.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from config.providers import ProviderSettings
from relay.delivery.connection import Connection
from relay.delivery.dial import Unreachable, connect
from relay.delivery.oauth import TokenSource
from relay.delivery.outcome import CLOSED, Phase

GROW_AFTER = 60.0  # seconds without «too many» before one more connection is tried


class Closing(Exception):
    """The process is ending: no further attempt begins."""


class _Slots:
    """Permissions to have a connection: a semaphore with a variable limit."""

    def __init__(self, most: int) -> None:
        self.most = self.limit = most
        self.taken = 0
        self.shrunk_at = 0.0
        self._line: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a place."""
        if self.taken < self.limit and not self._line:
            self.taken += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled() and place.exception() is None:
                self.give()  # it was given to us just as we were cancelled
            raise  # else `_next` passes over it

    def give(self) -> None:
        """Give the place back; the next in line gets it."""
        self.taken -= 1
        self._next()

    def _next(self) -> None:
        while self._line and self.taken < self.limit:
            place = self._line.popleft()
            if not place.done():
                self.taken += 1
                place.set_result(None)

    def resize(self, limit: int) -> None:
        """Change the limit, to at least 1 and at most `most`."""
        self.limit = max(1, min(limit, self.most))
        self._next()

    def send_home(self) -> None:
        """Give no more places: everybody in line gets Closing."""
        for place in self._line:
            if not place.done():
                place.set_exception(Closing())
        self._line.clear()


class Pool:
    """All connections of this process."""

    def __init__(
        self,
        providers: Sequence[ProviderSettings],
        hostname: str,
        contexts: Mapping[str, ssl.SSLContext],
    ) -> None:
        self._hostname = hostname
        self._idle: dict[str, list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._dialling: set[asyncio.Task[Connection]] = set()
        self._slots: dict[str, _Slots] = {}
        self._tokens: dict[str, TokenSource] = {}
        self._parting: set[asyncio.Task[None]] = set()
        self.draining = False  # no attempt begins any more
        self.closing = False  # those under way are broken off
        self.change(providers, contexts)

    def change(self, providers: Sequence[ProviderSettings], contexts: Mapping[str, ssl.SSLContext]) -> None:
        """Switch to changed providers, limits or credentials; idle connections to the old ones are closed."""
        self._contexts = contexts
        for provider in providers:
            most = provider.limits.connections or 10
            slots = self._slots.setdefault(provider.name, _Slots(most))
            if slots.most != most:
                slots.most = most
                slots.resize(most)
        self._tokens = {p.name: TokenSource(p.oauth) for p in providers if p.oauth is not None}
        current = {p.name: p for p in providers}
        for name, idle in self._idle.items():
            for connection in list(idle):
                if current.get(name) == connection.provider:
                    connection.provider = current[name]
                else:
                    idle.remove(connection)
                    connection.abort()

    @asynccontextmanager
    async def place(self, provider: ProviderSettings) -> AsyncIterator[None]:
        """Permission for one connection, waiting if necessary. Raises Closing."""
        if self.draining:
            raise Closing
        slots = self._slots[provider.name]
        await slots.take()
        try:
            yield
        finally:
            slots.give()

    async def get(self, provider: ProviderSettings, *, fresh: bool = False) -> Connection:
        """A connection ready for mail, until `give_back`; the caller must hold a `place`. Raises Unreachable."""
        connection = None if fresh else self._kept(provider)
        connection = connection or await self._reach(provider)
        self._busy.add(connection)
        return connection

    async def _reach(self, provider: ProviderSettings) -> Connection:
        context, tokens = self._contexts.get(provider.name), self._tokens.get(provider.name)
        dialling = asyncio.ensure_future(connect(provider, self._hostname, context, tokens))
        self._dialling.add(dialling)
        try:
            return await dialling
        except asyncio.CancelledError:
            if not self.closing:
                dialling.cancel()
                raise
            raise Unreachable(Phase.CONNECT, "broken off because the process is stopping", broke=CLOSED) from None
        finally:
            self._dialling.discard(dialling)

    def _kept(self, provider: ProviderSettings) -> Connection | None:
        idle = self._idle.get(provider.name)
        if not idle:
            return None
        now = asyncio.get_running_loop().time()
        longest = provider.declared.idle_time.total_seconds()
        while idle:
            connection = idle.pop()
            if connection.is_usable and now - connection.idle_since <= longest and connection.provider is provider:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next message, or close it."""
        self._busy.discard(connection)
        provider = connection.provider
        most = provider.limits.messages_per_connection or 0
        if self.closing or not connection.is_usable:
            connection.abort()
        elif most and connection.sent >= most:
            self._part(connection)
        else:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(provider.name, []).append(connection)

    def _part(self, connection: Connection) -> None:
        """Send QUIT in the background."""
        task = asyncio.ensure_future(connection.quit())
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    def crowded(self, provider: ProviderSettings) -> bool:
        """The provider said «too many connections»: allow one less. False if only one was left."""
        slots = self._slots[provider.name]
        fewer = min(slots.limit, max(slots.taken, 1)) - 1
        slots.shrunk_at = asyncio.get_running_loop().time()
        if fewer < 1:
            return False
        slots.resize(fewer)
        return True

    def sweep(self) -> None:
        """Close connections idle for too long; allow one more where «too many» was not said for a while."""
        now = asyncio.get_running_loop().time()
        for idle in self._idle.values():
            for connection in [c for c in idle if now - c.idle_since > c.provider.declared.idle_time.total_seconds()]:
                idle.remove(connection)
                self._part(connection)
        for slots in self._slots.values():
            if slots.limit < slots.most and now - slots.shrunk_at > GROW_AFTER:
                slots.shrunk_at = now
                slots.resize(slots.limit + 1)

    # -- shutdown -------------------------------------------------------------------------

    def drain(self) -> None:
        """Let no attempt begin any more."""
        self.draining = True
        for slots in self._slots.values():
            slots.send_home()

    def hurry(self, *, wait_for_answers: bool) -> None:
        """End the attempts under way; optionally not those waiting for the final reply."""
        self.closing = True
        for dialling in self._dialling:
            dialling.cancel()
        for connection in list(self._busy):
            if not (wait_for_answers and connection.may_have_sent):
                connection.break_off()

    async def close(self) -> None:
        """Send QUIT on every idle connection; nothing may begin any more."""
        self.drain()
        self.closing = True
        connections = [c for idle in self._idle.values() for c in idle]
        self._idle.clear()
        await asyncio.gather(*(c.quit() for c in connections), *self._parting)
