"""The sink: accepts every message, distinguishes them by X-Bench-Id, and counts duplicates and DKIM signatures.

`python -m benchmarks.sink PORT` answers commands on standard input with JSON lines on standard output: `reset`,
`stats`, `wait COUNT SECONDS`, and `last`, which returns the last message so that its signature can be verified.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from benchmarks.measure import cpu

_OFFER = b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
_ANSWERS = {b"EHLO": _OFFER, b"QUIT": b"221 2.0.0 bye\r\n", b"DATA": b"354 go ahead\r\n"}


@dataclass(slots=True)
class Stats:
    """Counts since the last reset."""

    connections: int = 0
    messages: int = 0
    unique: int = 0
    duplicates: int = 0
    signed: int = 0
    octets: int = 0
    last: float = 0.0  # when the last new message came, in seconds since 1970
    cpu_s: float = 0.0


class Sink:
    """The counters shared by all connections."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.stats = Stats()
        self.last = b""
        self._cpu = cpu()
        self.grown = asyncio.Event()

    def reset(self) -> None:
        """Start counting from zero."""
        self.seen, self.stats, self._cpu = set(), Stats(), cpu()

    def take(self, message: bytes) -> None:
        """Counts one message."""
        head = message[: message.find(b"\r\n\r\n") + 2]
        at = head.find(b"\r\nX-Bench-Id: ")
        name = head[at + 14 : head.find(b"\r\n", at + 14)] if at >= 0 else b""
        stats = self.stats
        stats.messages += 1
        stats.octets += len(message)
        stats.signed += b"DKIM-Signature:" in head
        if name in self.seen:
            stats.duplicates += 1
        else:
            self.seen.add(name)
            stats.unique += 1
            stats.last = time.time()
        self.last = message
        self.grown.set()

    def snapshot(self) -> Stats:
        """The counts, with the processor time so far."""
        self.stats.cpu_s = cpu() - self._cpu
        return self.stats

    async def wait(self, count: int, seconds: float) -> None:
        """Wait until so many different messages have come, or the time is up."""
        deadline = time.monotonic() + seconds
        while self.stats.unique < count and (left := deadline - time.monotonic()) > 0:
            self.grown.clear()
            try:
                await asyncio.wait_for(self.grown.wait(), left)
            except TimeoutError:
                return


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._in_data = False
        self._searched = 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        self._transport = transport
        self._sink.stats.connections += 1
        self._transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer all complete input, in one write."""
        self._buffer += data
        answers: list[bytes] = []
        while (answer := self._message() if self._in_data else self._command()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))
            if answers[-1].startswith(b"221"):
                self._transport.close()

    def _command(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        verb = bytes(self._buffer[:4]).upper()
        del self._buffer[: end + 1]
        self._in_data, self._searched = verb == b"DATA", 0
        return _ANSWERS.get(verb, b"250 2.0.0 ok\r\n")

    def _message(self) -> bytes | None:
        end = self._buffer.find(b"\r\n.\r\n", self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - 4)
            return None
        self._sink.take(bytes(self._buffer[: end + 2]))
        del self._buffer[: end + 5]
        self._in_data = False
        return b"250 2.0.0 ok\r\n"


async def serve(port: int) -> None:
    """Serves until standard input ends."""
    sink, loop = Sink(), asyncio.get_running_loop()
    await loop.create_server(lambda: Session(sink), "127.0.0.1", port, backlog=1024)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(json.dumps("ready"), flush=True)
    async for line in orders:
        order, *words = line.decode().split()
        if order == "reset":
            sink.reset()
        elif order == "wait":
            await sink.wait(int(words[0]), float(words[1]))
        answer = sink.last.decode("latin-1") if order == "last" else asdict(sink.snapshot())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
