"""A mail provider on loopback that behaves as badly as its script says, and counts everything.

It runs in a thread of its own, so plain `smtplib`, a subprocess and an event loop in the test can all talk to
it. As `python -m tests.support.provider --port 2600 --ctl 2601 --journal FILE` it is a process of its own,
which reports its counts over HTTP (provider_process.py).
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import tls
from tests.support.ledger import Ledger
from tests.support.ports import free_port
from tests.support.script import Script
from tests.support.session import Elapse, Session, Wire

HOST = "127.0.0.1"


class Provider:
    """Listens from the start until `close`; `script` may be changed at any time, even in mid-conversation."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        port: int = 0,
        ledger: Ledger | None = None,
        elapse: Elapse = asyncio.sleep,
    ) -> None:
        self.script = script or Script()
        self.ledger = ledger or Ledger()
        self.port = port or free_port()
        self._elapse = elapse  # how it makes its client wait
        self._listener: socket.socket | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"provider-{self.port}", daemon=True)
        self._thread.start()
        self.listen()

    def listen(self) -> None:
        """Accept connections (again)."""
        self._call(self._listen())

    def refuse(self) -> None:
        """Refuse new connections, as a host without a listener does; open ones go on."""
        self._call(self._refuse())

    def hang_up(self) -> None:
        """Reset every open connection."""
        self._call(self._hang_up())

    def close(self) -> None:
        """Stop everything."""
        self._call(self._refuse())
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.ledger.close()

    def settings(self, name: str = "lab", **more: Any) -> dict[str, Any]:
        """The entry of `deliveryConfig.providers` for this provider."""
        mode = "implicit" if self.script.implicit_tls else "starttls" if self.script.starttls else "none"
        host = tls.HOST if mode != "none" else HOST
        return {"name": name, "provider": "smtp", "host": host, "port": self.port, "tls": mode, "weight": 100} | more

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is not None:
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # So that unread data stays with the sender: by default the kernel would accept tens of megabytes.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        listener.bind((HOST, self.port))
        listener.listen(512)
        listener.setblocking(False)
        self._listener = listener
        self._loop.add_reader(listener, self._accept, listener)

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        # Not asyncio's own server: closed at the wrong moment, it forgets a connection it has just accepted.
        with contextlib.suppress(BlockingIOError):
            connected, _ = listener.accept()
            connected.setblocking(False)
            task = self._loop.create_task(self._converse(connected))
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)

    async def _end(self) -> None:
        for _ in range(2):  # the first turn starts what was accepted, the second closes what was reset
            await asyncio.sleep(0)
            await self._hang_up()

    async def _hang_up(self) -> None:
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await asyncio.sleep(0)

    async def _converse(self, connected: socket.socket) -> None:
        try:
            wire = await self._wire(connected)
        except (OSError, asyncio.CancelledError):  # the handshake failed, or the provider stops; tests do both
            connected.close()
            return
        session = Session(
            wire,
            lambda: self.script,
            self.ledger,
            over_tls=self.script.implicit_tls,
            elapse=self._elapse,
        )
        try:
            await session.run()
            await wire.close()
        except (OSError, asyncio.CancelledError):
            wire.writer.transport.abort()

    async def _wire(self, connected: socket.socket) -> Wire:
        context = tls.server_context(self.script.certificate) if self.script.implicit_tls else None
        writers: list[asyncio.StreamWriter] = []
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: writers.append(writer))
        await self._loop.connect_accepted_socket(lambda: protocol, connected, ssl=context)
        return Wire(reader, writers[0])


@pytest.fixture
def make_provider() -> Iterator[Callable[..., Provider]]:
    """Makes providers; they end with the test."""
    with contextlib.ExitStack() as providers:

        def make(
            script: Script | None = None, *, journal: Path | None = None, elapse: Elapse = asyncio.sleep
        ) -> Provider:
            made = Provider(script, ledger=Ledger(journal), elapse=elapse)
            providers.callback(made.close)
            return made

        yield make


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    """A provider that behaves well until the test says otherwise."""
    return make_provider()


if __name__ == "__main__":
    from tests.support.provider_process import main

    main()
