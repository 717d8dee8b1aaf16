"""Binds the sockets on which submissions arrive, and gives each connection its session.

A listener survives any trouble of its connections: file descriptors running out, failed handshakes, clients
that leave. A reload gives new terms to new connections and closes none. The workers share their sockets; a
worker that has more sessions than another leaves a new connection to the others for a moment and takes it if
none of them did. Stopping has two steps, so that all listeners of a process close before anybody waits:
`stop_accepting`, then `Traffic.drain`.
"""

import asyncio
import errno
import select
import socket
import ssl
import time
from collections.abc import Callable

import structlog
from msgspec.structs import replace

from config.types import endpoint
from relay.submission.certificate import Certificate
from relay.submission.greeting import Greeting
from relay.submission.service import Service
from relay.submission.session import Session
from relay.submission.submission import Desk
from relay.submission.terms import Terms
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic

log = structlog.get_logger()

BACKLOG = 512
LEFT_FOR = 0.002  # seconds for which a connection is left to another worker
LEFT_AT_MOST = 3  # connections left in a row
AGAIN = 1.0  # seconds until the next try when the system is out of descriptors or memory
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REMEDIES = {
    errno.EADDRINUSE: "the address is in use: stop what listens there (see ss -ltnp) or change the port in `bind`",
    errno.EADDRNOTAVAIL: "not an address of this machine: put one that is in `bind`, or 0.0.0.0 for all of them",
    errno.EACCES: "a port below 1024 needs root or CAP_NET_BIND_SERVICE: grant it, or change the port in `bind`",
}


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, to be made before the process forks.

    Raises OSError if the address is taken, not one of this machine, or not permitted; the message says which
    and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # IPPROTO_TCP must be named: asyncio turns Nagle's algorithm off only on sockets whose protocol it knows, and with
    # it a reply sent in two pieces waits 40 ms for a delayed ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        why = _REMEDIES.get(error.errno or 0, error.strerror)
        raise OSError(error.errno, f"cannot listen on {endpoint(host, port)}: {why}") from error
    listening.setblocking(False)
    return listening


def inherited(descriptor: int) -> socket.socket:
    """A listening socket that another program made with `bind` and handed down to this one."""
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


class Listener:
    """One address on which submissions arrive."""

    def __init__(
        self,
        listening: socket.socket,
        terms: Terms,
        *,
        desk: Desk,
        traffic: Traffic,
        throttle: Throttle,
        certificate: Certificate | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        leaves: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """`leaves` says whether another worker should take the next connection, given how many have just
        arrived here.
        """
        if terms.tls != "none" and certificate is None:
            raise ValueError(f"a listener with tls: {terms.tls} needs a certificate")
        self._socket = listening
        self._traffic = traffic
        self._certificate = certificate
        self._leaves = leaves
        self._left = 0  # connections left to others in a row
        self._arriving: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self.accepting = False  # whether new connections are accepted
        self._service = Service(terms, Greeting(terms), desk, traffic, throttle, self._context, now_ms)

    @property
    def address(self) -> tuple[str, int]:
        """The address it listens on, with the actual port if port 0 was asked for."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def change(self, terms: Terms) -> None:
        """Set the terms for future connections."""
        self._service = replace(self._service, terms=terms, greeting=Greeting(terms))

    def start(self) -> None:
        """Accept connections from now on, on the running loop."""
        self._traffic.watch()
        self.accepting = True
        self._open()
        log.info("listening", address=endpoint(*self.address), tls=self._service.terms.tls)

    def stop_accepting(self) -> None:
        """Accept no more connections; open ones stay."""
        if self.accepting:
            self.accepting = False
            self._close()
        self._socket.close()

    def _open(self) -> None:
        self._pause = None
        self._forget_left()
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()

    def _look_again(self, seconds: float) -> None:
        self._close()
        self._pause = asyncio.get_running_loop().call_later(seconds, self._open)

    def _forget_left(self) -> None:
        """When no connection is waiting any more, start counting anew how many were left to other workers."""
        if self._left:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            self._left = self._left if poll.poll(0) else 0

    def _accept(self) -> None:
        """Accept one connection; the loop calls again while more are waiting."""
        if self._left < LEFT_AT_MOST and self._leaves(len(self._arriving)):
            self._left += 1
            self._look_again(LEFT_FOR)
            return
        try:
            connection, _ = self._socket.accept()
        except OSError as error:  # usually because another worker took it, or the client is gone
            if error.errno in _EXHAUSTED:
                log.error("cannot accept connections", error=error.strerror)  # noqa: TRY400 - a traceback adds nothing
                self._look_again(AGAIN)
            return
        self._forget_left()
        connection.setblocking(False)
        arriving = asyncio.get_running_loop().create_task(self._receive(connection))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)

    async def _receive(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Session(self._service, loop), connection)
        except OSError as error:
            log.debug("client gone before its greeting", error=error.strerror)
            connection.close()

    def _context(self) -> ssl.SSLContext:
        assert self._certificate is not None
        return self._certificate.context
