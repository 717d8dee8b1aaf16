"""The listener for feedback by mail: anybody may connect, and only addresses that we made are accepted.

Every other address gets 550 5.1.1 at RCPT, so nothing is accepted that would have to be returned
(faults L3), and null senders are welcome. The 250 is sent after the commit; if the store cannot
be written, the reply is 451 and the mail comes again.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog

from relay.feedback.inbound_session import InboundSession
from relay.feedback.reception import Reception

log = structlog.get_logger()


class InboundListener:
    """One listening address for feedback by mail. `context` gives the certificate's TLS context if there is one."""

    def __init__(
        self, listening: socket.socket, reception: Reception, context: Callable[[], ssl.SSLContext | None]
    ) -> None:
        if reception.terms.tls != "none" and context() is None:
            raise ValueError(f"a listener with tls: {reception.terms.tls} needs a certificate")
        self.reception = reception
        self._context = context
        self._socket = listening
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
        tls, loop = self.reception.terms.tls, asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, sock=self._socket, ssl=self._offered("implicit"))
        log.info("listening for returns", address=":".join(map(str, self.address)), tls=tls)

    def _session(self) -> InboundSession:
        return InboundSession(self.reception, self._offered("starttls"), asyncio.get_running_loop())

    def _offered(self, tls: str) -> ssl.SSLContext | None:
        return self._context() if tls == self.reception.terms.tls else None

    async def stop(self, timeout: float = 5.0) -> None:
        """Stop accepting, let commits finish within `timeout` seconds, and close the other connections."""
        if self._server is not None:
            self._server.close()
        else:
            self._socket.close()
        await self.reception.close(timeout)
