"""Serves HTTP inside the process's own event loop, on a socket that is already bound.

uvicorn runs without its signal handlers, since the supervisor handles SIGTERM and draining.
"""

import asyncio
import socket
from contextlib import nullcontext
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.server import HTTP_CONNECTIONS, Http

HEAD = 64 * 1024  # octets of a request's header; the parser itself has no limit
HEAD_WITHIN = 30.0  # seconds within which the header must be complete


class HttpServer:
    """The HTTP listener of one process."""

    def __init__(self, application: Any, listening: socket.socket, settings: Http) -> None:
        tls = settings.tls
        config = uvicorn.Config(
            application,
            loop="none",
            http=_Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
            ssl_certfile=str(tls.certificate) if tls else None,
            ssl_keyfile=str(tls.key) if tls else None,
        )
        self._server = _Server(config)
        self._socket = listening
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept requests from now on."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the HTTP server ended at once")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Let requests under way finish, for a few seconds, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _TooLarge(Exception):
    """The header of a request is over the limit; the parser turns this into its own error, which is answered
    with 400.
    """


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit on connections, on the size of a header and on the time it may take (faults H20).

    Connections that are opened and left alone must not use up the descriptors of SMTP and the store.
    """

    _octets = 0
    _idle_since = 0.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client connected."""
        if len(self.connections) >= HTTP_CONNECTIONS and not self._has_replaced():
            transport.abort()
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._expect()

    def _has_replaced(self) -> bool:
        """Close the connection that has been idle for longest; False if all are at work."""
        own = cast("set[_Protocol]", self.connections)
        idle = [one for one in own if one.cycle is None or one.cycle.response_complete]
        if not idle:
            return False
        longest = min(idle, key=lambda one: one._idle_since)
        longest.transport.abort()
        own.discard(longest)
        return True

    def on_response_complete(self) -> None:
        """A request was answered."""
        super().on_response_complete()
        self._idle_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._calm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._octets = 0
        self._expect()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field arrived."""
        self._octets += len(name) + len(value) + 4
        if self._octets > HEAD:
            raise _TooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The header is complete."""
        self._calm()
        super().on_headers_complete()

    def _expect(self) -> None:
        self._calm()
        self._patience = self.loop.call_later(HEAD_WITHIN, self.transport.close)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    def capture_signals(self) -> Any:
        """Capture none: signals are handled by the supervisor."""
        return nullcontext()
