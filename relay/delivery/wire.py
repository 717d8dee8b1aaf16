"""Octets to and from a provider: replies in order, writing as fast as it reads, every wait bounded.

A wire that broke stays broken and says why: `Lost`, `Garbage` for what is no SMTP reply, or
TimeoutError. What comes unasked is kept and makes the wire unfit for another transaction: it
would be taken for the answer to the next command.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import cast

from relay.mail.reply import Reply

BLOCK = 256 * 1024
REPLY_LIMIT = 64 * 1024  # octets of a reply with all its lines
MOST_REPLIES = 4096  # that may wait to be read: more than any transaction has commands


class Garbage(Exception):
    """What came is no reply."""


class Lost(Exception):
    """The connection ended."""


class Wire(asyncio.Protocol):
    """A transport to a provider that has been greeted already."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._line = 0  # where in it the line begins that has not come whole
        self._replies: list[Reply] = []
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and nothing came that nobody asked for."""
        if self._error is not None or self._replies or self._buffer:
            return False
        return self._transport is not None and not self._transport.is_closing()

    # -- the protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a transport on which greeting, TLS and login are done."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect replies; a reply is complete at the line without a hyphen."""
        if self._error is not None:
            return
        self._buffer += data
        try:
            while (end := self._reply_end()) > 0:
                self._replies.append(_reply(bytes(self._buffer[:end])))
                del self._buffer[:end]
                self._line = 0
        except Garbage as error:
            self.fail(error)
        if len(self._buffer) > REPLY_LIMIT or len(self._replies) > MOST_REPLIES:
            self.fail(Garbage("a reply that does not end"))
        self._wake()

    def _reply_end(self) -> int:
        """Where the first whole reply ends, 0 if there is none yet; raises Garbage. A line is looked at once."""
        while (newline := self._buffer.find(b"\n", self._line)) >= 0:
            start, self._line = self._line, newline + 1
            if newline - start < 3 or not self._buffer[start : start + 3].isdigit():
                raise Garbage("what came is no SMTP reply")
            if self._buffer[start + 3 : start + 4] != b"-":
                return self._line
        return 0

    def eof_received(self) -> bool:
        """The provider ended its side: nothing more can be said on this connection."""
        self.fail(Lost("the provider closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told, after what the provider said before it left."""
        if isinstance(exc, OSError):
            self._hear_out()
        self._transport = None
        self.fail(Lost(f"the connection was lost: {type(exc).__name__}" if exc else "the connection was closed"))

    def _hear_out(self) -> None:
        """Read what had come when a write failed: the transport looks no more, and a refusal may be among it.

        Under TLS it stays unread: the transport has taken its keys along.
        """
        assert self._transport is not None
        if self._transport.get_extra_info("ssl_object") is None:
            with contextlib.suppress(OSError):  # nothing had come
                self.data_received(os.read(self._transport.get_extra_info("socket").fileno(), REPLY_LIMIT))

    def pause_writing(self) -> None:
        """The provider reads slower than we write."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def fail(self, error: Exception) -> None:
        """Break it, unless it is broken already; replies that came before are still read."""
        if self._error is None:
            self._error = error
        self.resume_writing()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- for those who speak --------------------------------------------------------------

    async def reply(self, timeout: float) -> Reply:
        """The next reply; raises TimeoutError, Lost or Garbage."""
        if not self._replies:
            await self._wait(timeout)
        return self._replies.pop(0)

    async def _wait(self, timeout: float) -> None:
        handle = self._loop.call_later(timeout, self.fail, TimeoutError())
        try:
            while not self._replies:
                if self._error is not None:
                    raise self._error
                self._waiter = self._loop.create_future()
                await self._waiter
        finally:
            handle.cancel()
            self._waiter = None

    def refusal(self) -> Reply | None:
        """A no that came before it was asked for."""
        return self._replies[0] if self._replies and self._replies[0].code >= 400 else None

    def write(self, data: bytes | memoryview) -> None:
        """Send; raises what broke the wire."""
        self.check()
        assert self._transport is not None
        self._transport.write(data)

    def check(self) -> None:
        """Raise what broke the wire, if something did."""
        if self._error is not None or self._transport is None or self._transport.is_closing():
            raise self._error or Lost("the connection was closed")

    async def send(self, blocks: Iterable[bytes], timeout: float) -> None:
        """Send a large message block by block, as fast as the provider reads."""
        for block in blocks:
            self.write(block)
            await asyncio.sleep(0)  # others have their turn, and a lost connection is noticed
            await self._drained(timeout)

    async def _drained(self, timeout: float) -> None:
        if self._writable is not None:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._writable)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close at once; what was written may still leave."""
        self.fail(Lost("closed"))
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, and send nothing more."""
        self.fail(Lost("closed"))
        if self._transport is not None:
            self._transport.abort()


def stuffed(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """A message with its dots doubled (RFC 5321 §4.5.2), in blocks; no more than one of them is copied at a time."""
    before = b"\r\n"  # the two octets before a block: its first dot may begin a line
    for piece in pieces:
        for start in range(0, len(piece), BLOCK):
            block = before + piece[start : start + BLOCK]
            before, after = block[-2:], block
            if b"\r\n." in block:
                after = block.replace(b"\r\n.", b"\r\n..")
            yield after[2:]


def _reply(whole: bytes) -> Reply:
    """A reply from its lines; of mixed codes the last counts (it is the one that ends the reply)."""
    if whole.count(b"\n") == 1:
        return Reply.received(int(whole[:3]), whole[4:].strip())
    lines = whole.split(b"\n")[:-1]
    return Reply.received(int(lines[-1][:3]), b"\n".join(line[4:].strip() for line in lines))
