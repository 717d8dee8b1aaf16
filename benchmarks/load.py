"""The load generator: a process of its own, plain protocols on uvloop, messages one after another on each connection.

`python -m benchmarks.load` reads its job as JSON from standard input and writes its result as JSON to standard
output: counts, latencies of the reply to the final dot in milliseconds, and its own processor time.
"""

import asyncio
import base64
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import uvloop

from benchmarks import message
from benchmarks.measure import cpu

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

    def __init__(self, generator: "Generator", number: int) -> None:
        self._generator, self._job = generator, generator.job
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number: int | None = number  # the message to send next
        self._left_here = generator.job.per_connection
        self._pending = b""
        self._began = time.perf_counter()
        self._next = self._greeted
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the greeting."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A complete reply leads to the next command."""
        data = self._pending + data
        last = data.rfind(b"\n", 0, -1) + 1
        if not data.endswith(b"\n") or data[last + 3 : last + 4] == b"-":
            self._pending = data
            return
        self._pending = b""
        self._next(data[last : last + 3], data[last:])

    def connection_lost(self, error: Exception | None) -> None:
        """A connection that ends too early counts as broken."""
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
        if self._number is None:
            self._say(b"QUIT\r\n", self._left)
        else:
            self._say(self._generator.mail_from, self._sender_taken)

    def _advance(self) -> None:
        self._left_here -= 1
        self._number = self._generator.take() if self._left_here else None
        self._mail()

    def _sender_taken(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
        else:
            self._say(self._generator.recipient(self._number), self._recipient_taken)

    def _recipient_taken(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
        else:
            self._say(b"DATA\r\n", self._go_ahead)

    def _go_ahead(self, code: bytes, line: bytes) -> None:
        if code != b"354":
            self._refused(line)
            return
        self._next = self._answered
        self._began = time.perf_counter()
        self._transport.writelines(self._generator.message(self._number))

    def _answered(self, code: bytes, line: bytes) -> None:
        if code != b"250":
            self._refused(line)
            return
        self._generator.result.dot_ms.append((time.perf_counter() - self._began) * 1e3)
        self._generator.result.accepted += 1
        self._advance()

    def _refused(self, line: bytes) -> None:
        self._generator.fail(line.decode("ascii", "replace").strip())
        self._say(b"RSET\r\n", lambda _code, _line: self._advance())

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
        self._body = message.body(job.size) + b".\r\n"
        self._headers = [message.header(job.run, job.first + offset) for offset in range(job.messages)]
        self.mail_from = f"MAIL FROM:<{message.SENDER}>\r\n".encode()
        self._numbers = iter(range(job.first, job.first + job.messages))
        self._failures_left = 200

    def take(self) -> int | None:
        """The number of the next message; None if there are no more."""
        return next(self._numbers, None)

    def recipient(self, number: int | None) -> bytes:
        """The RCPT command of a message."""
        return f"RCPT TO:<{message.recipient(self.job.run, number or 0)}>\r\n".encode()

    def message(self, number: int | None) -> tuple[bytes, bytes]:
        """A message with its final dot; none of its lines begins with a dot."""
        return self._headers[(number or 0) - self.job.first], self._body

    def fail(self, why: str, *, broken: bool = False) -> None:
        """Count a failure, and keep the text of the first."""
        self.result.first_error = self.result.first_error or why
        self._failures_left -= 1
        if broken:
            self.result.broken += 1
        else:
            self.result.refused += 1

    async def run(self) -> Result:
        """Sends everything."""
        used = cpu()  # so that interpreter, imports and preparing messages are not counted
        self.result.started = time.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.job.sessions):
                group.create_task(self._connect_again_and_again())
        self.result.ended = time.time()
        self.result.cpu_s = cpu() - used
        return self.result

    async def _connect_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        while self._failures_left > 0 and (number := self.take()) is not None:
            session = Session(self, number)
            try:
                await loop.create_connection(partial(_same, session), "127.0.0.1", self.job.port)
                await asyncio.wait_for(session.over, ANSWER_WITHIN + self.job.per_connection)
            except (OSError, TimeoutError) as error:
                self.fail(f"{type(error).__name__}: {error}", broken=True)


def _same(session: Session) -> Session:
    return session


def main() -> None:
    """Runs the job on standard input."""
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(Generator(job).run())), sys.stdout)


if __name__ == "__main__":
    main()
