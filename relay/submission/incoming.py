"""Receives a message from the connection in blocks; only CRLF.CRLF ends it (RFC 5321 §4.1.1.4).

Memory is taken from the process's budget as the message grows and never exceeds the size limit by more than
one block. A message that is too large, or for which the budget has no room, is read to its end and discarded,
so that commands and replies stay in step. Beyond twice the limit it is `hopeless` and the connection has to
be closed. Nothing here works line by line: a block costs one search for the end, a message a few passes in C.

A bare CR or NUL is left in place; it is refused by name when the form of the message is judged.
"""

from io import BytesIO

from relay.mail.dots import EndOfData, unstuffed
from relay.mail.newline import alone

_STEP = 65_536
IN_THREAD = 512 * 1024  # octets; a larger message is processed in a thread, so that the loop stays responsive
LINE_LIMIT = 65_536  # octets of a line, without its end; far above RFC 5322's limit, since agents write long HTML lines


class Memory:
    """The octets that all messages of a process may hold at once."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, octets: int) -> bool:
        """Take the octets if there is room; returns whether there was."""
        if self.used + octets > self.limit:
            return False
        self.used += octets
        return True

    def give(self, octets: int) -> None:
        """Give back what was taken."""
        self.used -= octets

    def has(self, octets: int) -> bool:
        """Whether there is room for that many."""
        return self.used + octets <= self.limit


class Incoming:
    """A message being received. Made when DATA is answered; call `release` when the message is no longer held."""

    __slots__ = ("_buffer", "_end", "_limit", "_memory", "_whole", "exhausted", "held", "total")

    def __init__(self, limit: int, memory: Memory) -> None:
        self._limit = limit
        self._memory = memory
        self._buffer: BytesIO | None = None  # unlike a bytearray, gives out its contents without a copy
        self._whole = b""
        self._end = EndOfData()
        self.total = 0  # octets of the message so far, dots still stuffed
        self.held = _STEP if memory.take(_STEP) else 0
        self.exhausted = not self.held  # the budget had no room

    @property
    def too_large(self) -> bool:
        """Whether it exceeds the limit; its real size counts, not the declared one."""
        return self.total > self._limit

    @property
    def hopeless(self) -> bool:
        """Whether there is no point in waiting for its end."""
        return self.total > 2 * self._limit + _STEP

    def feed(self, block: bytes) -> int:
        """Take a block; returns the offset after the final dot, or -1 if the message goes on."""
        end = self._end.find(block)
        if end < 0:
            self.total += len(block)
            self._keep(block)
            return -1
        self.total += end - 3  # without `.CRLF`; may take back a dot that came in an earlier block
        if self._buffer is None and end >= 3:
            self._whole = block[: end - 3]
        else:
            self._keep(block[:end])
        return end

    def _keep(self, block: bytes) -> None:
        if self.exhausted or self.total > self._limit + _STEP:
            self._drop()
            return
        if self.total > self.held and not self._grow():
            self._drop()
            return
        if self._buffer is None:
            self._buffer = BytesIO()
        self._buffer.write(block)

    def _grow(self) -> bool:
        more = max(_STEP, self.total - self.held)
        if not self._memory.take(more):
            self.exhausted = True
            return False
        self.held += more
        return True

    def _drop(self) -> None:
        self._buffer = BytesIO()

    def message(self, *, normalise: bool) -> bytes | None:
        """The message with its dots unstuffed, and each bare LF made CRLF if `normalise` is set. None if it
        is too large, or becomes so in the process.

        Must not be called on an `exhausted` message.
        """
        if self.too_large:
            return None
        data = self._taken()
        if normalise and alone([data]).lf:
            if len(data) + data.count(b"\n") - data.count(b"\r\n") > self._limit:
                return None
            # Before unstuffing: a client that writes bare LF has stuffed the dots after it, too. Steps keep one copy
            # at a time.
            data = data.replace(b"\r\n", b"\n")
            data = data.replace(b"\n", b"\r\n")
        return unstuffed(data)

    def _taken(self) -> bytes:
        if self._buffer is None:
            data, self._whole = self._whole, b""
            return data
        self._buffer.truncate(self.total)
        data, self._buffer = self._buffer.getvalue(), None
        return data

    def settle(self, octets: int) -> None:
        """Hold exactly `octets` from now on: the actual size of the message."""
        self._memory.give(self.held - octets)
        self.held = octets

    def release(self) -> None:
        """Give the memory back; calling it twice does no harm."""
        self._memory.give(self.held)
        self.held = 0
        self._buffer = None
        self._whole = b""


def has_endless_line(data: bytes) -> bool:
    """Whether any line is longer than LINE_LIMIT octets; probes one place per line length instead of looking
    at every line.
    """
    at = 0
    while len(data) - at > LINE_LIMIT:
        end = data.rfind(b"\n", at, at + LINE_LIMIT + 2)
        if end < 0:
            return True
        at = end + 1
    return False
