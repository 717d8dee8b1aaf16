"""The listener for feedback by mail: anybody may connect, and only addresses that we made are accepted.

Every other address gets 550 5.1.1 at RCPT, so nothing is accepted that would have to be returned
(faults L3), and null senders are welcome. The 250 is sent after the commit; if the store cannot
be written, the reply is 451 and the mail comes again. A commit goes on even if the client hangs
up: it will then repeat the mail, which has no effect the second time. All messages under way
together use at most `MEMORY` octets, or twice the largest message if that is more, and the number
of connections is limited.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from relay.feedback.inbound_session import InboundSession, InboundTerms
from relay.feedback.returns import Place, Returns
from relay.store.writer import Unavailable

log = structlog.get_logger()

MEMORY = 64 << 20  # octets of all messages under way on all connections


class InboundListener:
    """One listening address for feedback by mail. `context` gives the TLS context if TLS is offered."""

    def __init__(
        self,
        listening: socket.socket,
        terms: InboundTerms,
        returns: Returns,
        context: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        if terms.tls != "none" and context is None:
            raise ValueError(f"a listener with tls: {terms.tls} needs a certificate")
        self.terms = terms
        self.returns = returns
        self.context = context
        self.memory = 0
        self.commits: set[asyncio.Task[Any]] = set()
        self.counts: Counter[str] = Counter()
        self._socket = listening
        self._sessions: set[InboundSession] = set()
        self._addresses: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The host and port it listens on."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def accepting(self) -> bool:
        """Whether new connections are accepted."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Start to accept connections."""
        loop = asyncio.get_running_loop()
        implicit = self.context() if self.terms.tls == "implicit" and self.context else None
        self._server = await loop.create_server(lambda: InboundSession(self, loop), sock=self._socket, ssl=implicit)
        log.info("listening for returns", address=":".join(map(str, self.address)), tls=self.terms.tls)

    async def stop(self, timeout: float = 5.0) -> None:
        """Stop accepting, let commits finish within `timeout` seconds, and close the other connections."""
        if self._server is not None:
            self._server.close()
        else:
            self._socket.close()
        if self.commits:
            await asyncio.wait(set(self.commits), timeout=timeout)
        await asyncio.sleep(0)  # lets their replies be sent
        for session in tuple(self._sessions):
            session.hang_up()

    # -- for sessions ---------------------------------------------------------------------

    def enter(self, session: "InboundSession", place: str) -> bool:
        """Whether a new connection may stay."""
        full = len(self._sessions) >= self.terms.max_connections
        if full or (place and self._addresses[place] >= self.terms.per_address):
            self.counts["refused"] += 1
            return False
        self._sessions.add(session)
        self._addresses[place] += 1
        return True

    def leave(self, session: "InboundSession", place: str) -> None:
        """Note that a connection has ended."""
        if session in self._sessions:
            self._sessions.discard(session)
            self._addresses[place] -= 1
            if not self._addresses[place]:
                del self._addresses[place]

    def take_memory(self, octets: int) -> bool:
        """Reserve memory for a message; False if there is not enough."""
        if self.memory + octets > max(MEMORY, 2 * self.terms.max_message_size):  # the largest message always fits
            return False
        self.memory += octets
        return True

    async def commit(self, places: list[Place], data: bytes) -> str:
        """Hand a mail over, in a task that the end of the connection does not cancel; returns the final reply."""
        task = asyncio.get_running_loop().create_task(self.returns.take(places, data))
        self.commits.add(task)
        task.add_done_callback(self._done)
        try:
            applied = await asyncio.shield(task)
        except Unavailable:
            return "451 4.3.0 Temporary error, please try again"
        self.counts["taken"] += 1
        log.info("returned mail", octets=len(data), new=applied.new, matched=applied.matched)
        return "250 2.0.0 Taken"

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self.commits.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Unavailable):
            log.error("internal error in returned mail", exc_info=error)
