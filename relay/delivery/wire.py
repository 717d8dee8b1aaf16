"""Octets to and from a provider: replies in order, flow control when writing, a time limit on every wait.

A broken wire stays broken and says why: `Lost`, `Garbage` for anything that is not an SMTP reply,
or TimeoutError. Unsolicited input is kept and makes the wire unfit for another transaction, in
which it would be taken for the answer to the next command.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import cast

from relay.mail.reply import Reply

BLOCK = 256 * 1024
REPLY_LIMIT = 64 * 1024  # octets of a whole reply
MOST_REPLIES = 4096  # unread replies; more than any transaction has commands


class Garbage(Exception):
    """The input is not an SMTP reply."""


class Lost(Exception):
    """The connection ended."""


class Wire(asyncio.Protocol):
    """A transport to a provider on which the greeting is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._line = 0  # start of the first incomplete line in the buffer
        self._replies: list[Reply] = []
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and no unsolicited input came."""
        if self._error is not None or self._replies or self._buffer:
            return False
        return self._transport is not None and not self._transport.is_closing()

    # -- the protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a transport on which greeting, TLS and login are done."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect replies; a reply is complete with the line that has no hyphen after the code."""
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
            self.fail(Garbage("the reply does not end"))
        self._wake()

    def _reply_end(self) -> int:
        """The end of the first complete reply, 0 if there is none yet; raises Garbage. Each line is examined once."""
        while (newline := self._buffer.find(b"\n", self._line)) >= 0:
            start, self._line = self._line, newline + 1
            if newline - start < 3 or not self._buffer[start : start + 3].isdigit():
                raise Garbage("the answer is not an SMTP reply")
            if self._buffer[start + 3 : start + 4] != b"-":
                return self._line
        return 0

    def eof_received(self) -> bool:
        """The provider closed its side: this connection is of no further use."""
        self.fail(Lost("the provider closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the wire, but first take in what the provider said before the connection ended."""
        if isinstance(exc, OSError):
            self._hear_out()
        self._transport = None
        why = getattr(exc, "strerror", None) or type(exc).__name__
        self.fail(Lost(f"the connection was lost: {why}" if exc else "the connection was closed"))

    def _hear_out(self) -> None:
        """Read pending input after a write failed: the transport no longer reads, and there may be a refusal in it.

        Under TLS this is impossible: the keys are gone with the transport.
        """
        assert self._transport is not None
        if self._transport.get_extra_info("ssl_object") is None:
            with contextlib.suppress(OSError):  # there is no input
                self.data_received(os.read(self._transport.get_extra_info("socket").fileno(), REPLY_LIMIT))

    def pause_writing(self) -> None:
        """The provider reads more slowly than we write."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The provider has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def fail(self, error: Exception) -> None:
        """Break the wire, unless already broken; replies received before can still be read."""
        if self._error is None:
            self._error = error
        self.resume_writing()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- for callers ----------------------------------------------------------------------

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
        """A refusal that has arrived before its reply was awaited, or None."""
        return self._replies[0] if self._replies and self._replies[0].code >= 400 else None

    def write(self, data: bytes | memoryview) -> None:
        """Send data; raises what broke the wire."""
        self.check()
        assert self._transport is not None
        self._transport.write(data)

    def check(self) -> None:
        """Raise what broke the wire, if it is broken."""
        if self._error is not None or self._transport is None or self._transport.is_closing():
            raise self._error or Lost("the connection was closed")

    async def send(self, blocks: Iterable[bytes], timeout: float) -> None:
        """Send a large message block by block, no faster than the provider reads."""
        for block in blocks:
            self.write(block)
            await asyncio.sleep(0)  # other tasks get their turn, and a lost connection is noticed
            await self._drained(timeout)

    async def _drained(self, timeout: float) -> None:
        if self._writable is not None:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._writable)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close; data already written may still be sent."""
        self.fail(Lost("closed"))
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, without sending anything more."""
        self.fail(Lost("closed"))
        if self._transport is not None:
            self._transport.abort()


def stuffed(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """A message with leading dots doubled (RFC 5321 §4.5.2), in blocks; only one block at a time is copied."""
    before = b"\r\n"  # the last two octets before a block, as a dot at its start may begin a line
    for piece in pieces:
        for start in range(0, len(piece), BLOCK):
            block = before + piece[start : start + BLOCK]
            before, after = block[-2:], block
            if b"\r\n." in block:
                after = block.replace(b"\r\n.", b"\r\n..")
            yield after[2:]


def _reply(whole: bytes) -> Reply:
    """A reply from its lines; if the codes differ, the last counts, as it ends the reply."""
    if whole.count(b"\n") == 1:
        return Reply.received(int(whole[:3]), whole[4:].strip())
    lines = whole.split(b"\n")[:-1]
    return Reply.received(int(lines[-1][:3]), b"\n".join(line[4:].strip() for line in lines))
