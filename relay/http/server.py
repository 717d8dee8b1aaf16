"""Serves the HTTP side inside the process's own loop, on a socket that is bound already.

uvicorn runs without signal handlers of its own: the supervisor owns SIGTERM and draining.
"""

import asyncio
import socket
from typing import Any

import uvicorn

from config.server import Http


class HttpServer:
    """The HTTP listener of one process."""

    def __init__(self, application: Any, listening: socket.socket, settings: Http) -> None:
        tls = settings.tls
        config = uvicorn.Config(
            application,
            loop="none",
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
        """Take requests from now on."""
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


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    def install_signal_handlers(self) -> None:
        """Signals are the supervisor's."""

    def capture_signals(self) -> Any:
        """Likewise, for newer versions."""
        from contextlib import nullcontext

        return nullcontext()
