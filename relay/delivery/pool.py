"""Connections kept open to each provider, within the provider's limits.

A connection is used again while it is young in messages and was not idle for long; one
that said anything unasked is not. How many may be open at once is the provider's limit,
lowered when the provider says «too many».
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from config.providers import ProviderSettings
from relay.delivery.connection import Connection, connect

Connect = Callable[[ProviderSettings, str, ssl.SSLContext | None], "asyncio.Future[Connection]"]


class Pool:
    """All connections of this process."""

    def __init__(
        self, providers: Sequence[ProviderSettings], hostname: str, contexts: Mapping[str, ssl.SSLContext]
    ) -> None:
        self._hostname = hostname
        self._contexts = contexts
        self._idle: dict[str, list[Connection]] = {}
        self._slots = {p.name: asyncio.Semaphore(p.limits.connections or 10) for p in providers}

    @asynccontextmanager
    async def connection(self, provider: ProviderSettings) -> AsyncIterator[Connection]:
        """A connection ready for mail, given back afterwards; raises Unreachable."""
        async with self._slots[provider.name]:
            connection = self._kept(provider) or await connect(
                provider, self._hostname, self._contexts.get(provider.name)
            )
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _kept(self, provider: ProviderSettings) -> Connection | None:
        idle = self._idle.get(provider.name, [])
        now = asyncio.get_running_loop().time()
        longest = provider.declared.idle_time.total_seconds()
        while idle:
            connection = idle.pop()
            if connection.is_usable and now - connection.idle_since <= longest:
                return connection
            connection.abort()
        return None

    def _give_back(self, connection: Connection) -> None:
        provider = connection.provider
        most = provider.limits.messages_per_connection or 0
        if not connection.is_usable or (most and connection.sent >= most):
            connection.abort()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.setdefault(provider.name, []).append(connection)

    def sweep(self) -> None:
        """Close what was idle for too long."""
        now = asyncio.get_running_loop().time()
        for name, idle in self._idle.items():
            stale = [c for c in idle if now - c.idle_since > c.provider.declared.idle_time.total_seconds()]
            self._idle[name] = [c for c in idle if c not in stale]
            for connection in stale:
                connection.abort()

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        connections = [c for idle in self._idle.values() for c in idle]
        self._idle.clear()
        await asyncio.gather(*(c.quit() for c in connections))
