"""A provider on loopback that accepts everything and sends nothing on: the receiving side of the demo.

It can be told to misbehave as real providers do: to throttle, to refuse the login, to hang up. Unknown
recipients are refused with 550 5.1.1. Messages are kept in memory and shown by `inbox`; the oldest make room
for new ones.
"""

import asyncio
import itertools
import socket
import time
from collections import deque
from dataclasses import dataclass

BEHAVIOURS = {
    "behaves": "takes every message",
    "throttles": "451 4.7.0 to every MAIL",
    "refuses": "554 5.7.1 to every connection",
    "hangs up": "closes the connection after MAIL",
}
UNKNOWN = ("nobody", "gone", "unknown")  # local parts that count as unknown
KEPT = 500
LARGEST = 30 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """One message as the provider received it."""

    number: int
    provider: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes
    at: float


class Store:
    """What all providers of the demo took, oldest first."""

    def __init__(self) -> None:
        self.messages: deque[Taken] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def keep(self, provider: str, mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> Taken:
        """Keep a message; returns it with its number."""
        taken = Taken(next(self._numbers), provider, mail_from, rcpt_to, data, time.time())
        self.messages.append(taken)
        return taken

    def to(self, address: str) -> list[Taken]:
        """The messages sent to an address."""
        return [m for m in self.messages if address in m.rcpt_to]


class Sink:
    """One provider. Its behaviour may be changed at any time, by name (`BEHAVIOURS`)."""

    def __init__(self, name: str, listening: socket.socket, store: Store) -> None:
        self.name = name
        self.behaviour = "behaves"
        self.port: int = listening.getsockname()[1]
        self._listening = listening
        self._store = store
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accept, sock=self._listening, limit=LARGEST)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_Session(self, self._store, reader, writer).run())
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)


class _Session:
    """One conversation."""

    def __init__(self, sink: Sink, store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink = sink
        self._store = store
        self._reader = reader
        self._writer = writer
        self._mail_from = ""
        self._rcpt_to: list[str] = []

    async def run(self) -> None:
        """Serve until the client leaves or is disconnected."""
        try:
            if self._sink.behaviour == "refuses":
                self._say("554 5.7.1 This account is suspended")
                return
            self._say(f"220 {self._sink.name}.demo ESMTP")
            while (line := await self._reader.readline()) and await self._answer(line.decode("utf-8", "replace")):
                await self._writer.drain()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the client is gone, or is not a mail program; nothing was taken
        finally:
            self._writer.close()

    async def _answer(self, line: str) -> bool:
        """Answer one command; False ends the conversation."""
        verb, _, argument = line.strip().partition(" ")
        match verb.upper():
            case "EHLO":
                self._say(
                    f"250-{self._sink.name}.demo", "250-PIPELINING", "250-SIZE 31457280", "250-8BITMIME",
                    "250-SMTPUTF8", "250 ENHANCEDSTATUSCODES",
                )  # fmt: skip
            case "MAIL":
                return self._mail(argument)
            case "RCPT":
                self._rcpt(argument)
            case "DATA":
                await self._data()
            case "RSET":
                self._reset()
                self._say("250 2.0.0 Ok")
            case "NOOP":
                self._say("250 2.0.0 Ok")
            case "QUIT":
                self._say("221 2.0.0 Bye")
                return False
            case _:
                self._say("502 5.5.1 Not here")
        return True

    def _mail(self, argument: str) -> bool:
        self._reset()
        if self._sink.behaviour == "throttles":
            self._say("451 4.7.0 Throttling failure: maximum sending rate exceeded")
            return True
        if self._sink.behaviour == "hangs up":
            return False
        self._mail_from = _path(argument)
        self._say("250 2.1.0 Ok")
        return True

    def _rcpt(self, argument: str) -> None:
        address = _path(argument)
        if self._sink.behaviour == "throttles":
            self._say("503 5.5.1 MAIL first")
        elif address.partition("@")[0].lower() in UNKNOWN:
            self._say(f"550 5.1.1 <{address}>: no such user here")
        else:
            self._rcpt_to.append(address)
            self._say("250 2.1.5 Ok")

    async def _data(self) -> None:
        if not self._rcpt_to:
            self._say("554 5.5.1 No valid recipients")
            return
        self._say("354 Go ahead")
        await self._writer.drain()
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        data = raw[:-3].replace(b"\r\n..", b"\r\n.").removeprefix(b".")
        taken = self._store.keep(self._sink.name, self._mail_from, tuple(self._rcpt_to), data)
        self._say(f"250 2.0.0 Ok: queued as {self._sink.name.upper()}{taken.number:05}")
        self._reset()

    def _reset(self) -> None:
        self._mail_from, self._rcpt_to = "", []

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())


def _path(argument: str) -> str:
    """The address of `FROM:<a@b> SIZE=1` or `TO:<a@b>`."""
    return argument.partition("<")[2].partition(">")[0]
