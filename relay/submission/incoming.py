"""Takes a message off the wire in blocks: only CRLF.CRLF ends it (RFC 5321 §4.1.1.4).

Memory is taken from a budget of the process as the message grows and never exceeds the
size limit plus one block. What is too large, or more than the budget holds, is read and
thrown away so that the connection stays in step; beyond twice the limit the message is
`hopeless` and the connection has to go. Nothing here looks at a line: a block costs one
search for the end, a message a handful of passes in C.

A bare CR and NUL stay where they are, to be refused by name when the form is judged.
"""

from io import BytesIO

from relay.mail.dots import EndOfData, unstuffed
from relay.mail.newline import alone

_STEP = 65_536
IN_THREAD = 512 * 1024  # messages above it are looked at in a thread: the loop stays responsive
LINE_LIMIT = 65_536  # octets of a line, without its end; far above what RFC 5322 allows, agents write long HTML


class Memory:
    """The octets all messages of a process may hold at once."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, octets: int) -> bool:
        """Whether there was room; then it is taken."""
        if self.used + octets > self.limit:
            return False
        self.used += octets
        return True

    def give(self, octets: int) -> None:
        """Gives back what was taken."""
        self.used -= octets

    def has(self, octets: int) -> bool:
        """Whether there would be room."""
        return self.used + octets <= self.limit


class Incoming:
    """One message on its way in. Made when DATA is answered; `release` when the message is no longer held."""

    __slots__ = ("_buffer", "_end", "_limit", "_memory", "_whole", "exhausted", "held", "total")

    def __init__(self, limit: int, memory: Memory) -> None:
        self._limit = limit
        self._memory = memory
        self._buffer: BytesIO | None = None  # gives what it holds without a copy, which a bytearray does not
        self._whole = b""
        self._end = EndOfData()
        self.total = 0  # octets of the message seen so far, dots still stuffed
        self.held = _STEP if memory.take(_STEP) else 0
        self.exhausted = not self.held  # the budget was spent

    @property
    def too_large(self) -> bool:
        """Whether it exceeds the limit; the real size counts, whatever was declared."""
        return self.total > self._limit

    @property
    def hopeless(self) -> bool:
        """Whether it is no use to wait for its end."""
        return self.total > 2 * self._limit + _STEP

    def feed(self, block: bytes) -> int:
        """Takes a block; gives the offset in it behind the final dot, or -1 while the message goes on."""
        end = self._end.find(block)
        if end < 0:
            self.total += len(block)
            self._keep(block)
            return -1
        self.total += end - 3  # without `.CRLF`; may take back a dot that came in the block before
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
        """The message: dots unstuffed, and a bare LF made CRLF where asked. None if it is, or thereby gets, too large.

        It must not be `exhausted`.
        """
        if self.too_large:
            return None
        data = self._taken()
        if normalise and alone([data]).lf:
            if len(data) + data.count(b"\n") - data.count(b"\r\n") > self._limit:
                return None
            # Before the dots: a client that writes LF alone has doubled them after it. One copy at a time.
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
        """Holds exactly `octets` from now on: what the message turned out to have."""
        self._memory.give(self.held - octets)
        self.held = octets

    def release(self) -> None:
        """Gives the memory back; twice does no harm."""
        self._memory.give(self.held)
        self.held = 0
        self._buffer = None
        self._whole = b""


def has_endless_line(data: bytes) -> bool:
    """Whether some line has more than LINE_LIMIT octets: looks at one place a line length, not at every line."""
    at = 0
    while len(data) - at > LINE_LIMIT:
        end = data.rfind(b"\n", at, at + LINE_LIMIT + 2)
        if end < 0:
            return True
        at = end + 1
    return False
