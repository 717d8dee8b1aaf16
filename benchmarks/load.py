"""The load generator: a process of its own, bare protocols on uvloop, one message after the other on each connection.

`python -m benchmarks.load` reads its job as JSON from standard input and writes its result as JSON to standard output: counts,
latencies of the reply to the final dot in milliseconds, and the processor time it took itself.
"""

import asyncio
import base64
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

from benchmarks import message

ANSWER_WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to send where."""

    port: int
    run: str
    sessions: int
    per_connection: int
    size: int
    first: int  # number of the first message
    messages: int
    user: str = ""
    password: str = ""


@dataclass(slots=True)
class Result:
    """What came of it."""

    accepted: int = 0
    refused: int = 0
    broken: int = 0
    first_error: str = ""
    dot_ms: list[float] = field(default_factory=list)
    connect_ms: list[float] = field(default_factory=list)
    started: float = 0.0  # seconds since 1970
    ended: float = 0.0
    cpu_s: float = 0.0


class Session(asyncio.Protocol):
    """One connection: greeting, EHLO, AUTH, then as many messages as it may carry."""

    def __init__(self, generator: "Generator") -> None:
        self._generator, self._job = generator, generator.job
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sent = 0
        self._number = -1
        self._pending = b""
        self._began = time.perf_counter()
        self._next = self._greeted
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the greeting."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A whole reply leads to the next command."""
        data = self._pending + data
        last = data.rfind(b"\n", 0, -1) + 1
        if not data.endswith(b"\n") or data[last + 3 : last + 4] == b"-":
            self._pending = data
            return
        self._pending = b""
        self._next(data[last : last + 3], data[last:])

    def connection_lost(self, error: Exception | None) -> None:
        """A connection that ends before it should counts as broken."""
        if not self.over.done():
            if self._next != self._left:
                self._generator.fail(f"connection lost: {error}", broken=True)
            self.over.set_result(None)

    def _say(self, line: bytes, then: Any) -> None:
        self._next = then
        self._transport.write(line)

    def _greeted(self, code: bytes, line: bytes) -> None:
        if code != b"220":
            self._stop(line)
        else:
            self._say(b"EHLO bench.example\r\n", self._welcomed)

    def _welcomed(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._stop(line)
        elif self._job.user:
            token = base64.b64encode(f"\0{self._job.user}\0{self._job.password}".encode())
            self._say(b"AUTH PLAIN " + token + b"\r\n", self._let_in)
        else:
            self._let_in(b"235", line)

    def _let_in(self, code: bytes, line: bytes) -> None:
        if code != b"235":
            self._stop(line)
            return
        self._generator.result.connect_ms.append((time.perf_counter() - self._began) * 1e3)
        self._mail()

    def _mail(self) -> None:
        number = self._generator.take() if self._sent < self._job.per_connection else None
        if number is None:
            self._say(b"QUIT\r\n", self._left)
        else:
            self._sent += 1
            self._number = number
            self._say(self._generator.mail_from, self._sender_taken)

    def _sender_taken(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
        else:
            address = message.recipient(self._job.run, self._number)
            self._say(f"RCPT TO:<{address}>\r\n".encode(), self._recipient_taken)

    def _recipient_taken(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
        else:
            self._say(b"DATA\r\n", self._go_ahead)

    def _go_ahead(self, code: bytes, line: bytes) -> None:
        if code != b"354":
            self._refused(line)
            return
        whole = message.header(self._job.run, self._number) + self._generator.body + b".\r\n"
        self._say(whole, self._answered)
        self._began = time.perf_counter()

    def _answered(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
            return
        self._generator.result.dot_ms.append((time.perf_counter() - self._began) * 1e3)
        self._generator.result.accepted += 1
        self._mail()

    def _refused(self, line: bytes) -> None:
        self._generator.fail(line.decode("ascii", "replace").strip())
        self._say(b"RSET\r\n", lambda _code, _line: self._mail())

    def _stop(self, line: bytes) -> None:
        self._generator.fail(line.decode("ascii", "replace").strip(), broken=True)
        self._left(b"", b"")

    def _left(self, _code: bytes, _line: bytes) -> None:
        if not self.over.done():
            self.over.set_result(None)
        self._transport.close()


class Generator:
    """All connections of one process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result = Result()
        self.body = message.body(job.size)
        self.mail_from = f"MAIL FROM:<{message.SENDER}>\r\n".encode()
        self._numbers = iter(range(job.first, job.first + job.messages))
        self._failures_left = 200

    def take(self) -> int | None:
        """The number of the next message, None when there are no more."""
        return next(self._numbers, None)

    def fail(self, why: str, *, broken: bool = False) -> None:
        """Counts a failure and keeps the first one's words."""
        self.result.first_error = self.result.first_error or why
        self._failures_left -= 1
        if broken:
            self.result.broken += 1
        else:
            self.result.refused += 1

    async def run(self) -> Result:
        """Sends everything."""
        self.result.started = time.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.job.sessions):
                group.create_task(self._connect_again_and_again())
        self.result.ended = time.time()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.result.cpu_s = used.ru_utime + used.ru_stime
        return self.result

    async def _connect_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        while self._has_more() and self._failures_left > 0:
            try:
                _, session = await loop.create_connection(lambda: Session(self), "127.0.0.1", self.job.port)
                await asyncio.wait_for(session.over, ANSWER_WITHIN + self.job.per_connection)
            except (OSError, TimeoutError) as error:
                self.fail(f"{type(error).__name__}: {error}", broken=True)

    def _has_more(self) -> bool:
        return bool(self._numbers.__length_hint__())


def main() -> None:
    """Runs the job on standard input."""
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(Generator(job).run())), sys.stdout)


if __name__ == "__main__":
    main()
