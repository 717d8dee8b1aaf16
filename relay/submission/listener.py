"""Binds the sockets submissions come in by, and gives each connection its session.

A listener survives what happens to its connections: descriptors running out, handshakes
that fail, clients that leave. A reload gives new terms to new connections and cuts none.
Workers share their sockets; one that has more sessions than another leaves a new connection
to that one for a moment, and takes it if nobody did. Stopping is in two steps, so that all
listeners of a process close before anybody waits: `stop_accepting`, then `Traffic.drain`.
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
LEFT_FOR = 0.002  # seconds a connection is left to another worker
LEFT_AT_MOST = 3  # times in a row
AGAIN = 1.0  # seconds until the next try where the system has no more descriptors or memory
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REMEDIES = {
    errno.EADDRINUSE: "the address is in use: stop who listens there (ss -ltnp shows it) or change the port in `bind`",
    errno.EADDRNOTAVAIL: "no address of this machine: write one that is in `bind`, or 0.0.0.0 for all of them",
    errno.EACCES: "a port below 1024 needs root or CAP_NET_BIND_SERVICE: grant it, or change the port in `bind`",
}


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, to be made before the process forks.

    Raises OSError where it cannot be had: the address is taken, not ours, or not for us; it says which, and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # IPPROTO_TCP must be said: asyncio turns Nagle off only on sockets whose protocol it knows, and without that
    # each reply in two pieces costs a delayed ACK of 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        place = f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"
        why = _REMEDIES.get(error.errno or 0, error.strerror)
        raise OSError(error.errno, f"cannot listen on {place}: {why}") from error
    listening.setblocking(False)
    return listening


def inherited(descriptor: int) -> socket.socket:
    """A listening socket that another program made with `bind` and left open for this one."""
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


class Listener:
    """One address where submissions come in."""

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
        """`leaves` says whether another worker should take the next connection, so many having just come."""
        if terms.tls != "none" and certificate is None:
            raise ValueError(f"a listener with tls: {terms.tls} needs a certificate")
        self._socket = listening
        self._traffic = traffic
        self._certificate = certificate
        self._leaves = leaves
        self._left = 0  # times in a row
        self._arriving: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self.accepting = False  # whether new connections are taken
        self._service = Service(terms, Greeting(terms), desk, traffic, throttle, self._context, now_ms)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port that was found if any was asked for."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def change(self, terms: Terms) -> None:
        """New terms, for the connections to come."""
        self._service = replace(self._service, terms=terms, greeting=Greeting(terms))

    def start(self) -> None:
        """Take connections from now on, on the loop that runs."""
        self._traffic.watch()
        self.accepting = True
        self._open()
        log.info("listening", address=":".join(map(str, self.address)), tls=self._service.terms.tls)

    def stop_accepting(self) -> None:
        """Close the door; whoever is inside stays."""
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
        """Once nobody waits, since another worker took what we left to it or we did, the next one is left again."""
        if self._left:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            self._left = self._left if poll.poll(0) else 0

    def _accept(self) -> None:
        """One connection: the loop calls again while there are more."""
        if self._left < LEFT_AT_MOST and self._leaves(len(self._arriving)):
            self._left += 1
            self._look_again(LEFT_FOR)
            return
        try:
            connection, _ = self._socket.accept()
        except OSError as error:  # mostly another worker took it, or it is gone
            if error.errno in _EXHAUSTED:
                log.error("no connection can be taken", error=error.strerror)  # noqa: TRY400 - it says it all
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
            log.debug("a connection was gone before its greeting", error=error.strerror)
            connection.close()

    def _context(self) -> ssl.SSLContext:
        assert self._certificate is not None
        return self._certificate.context
