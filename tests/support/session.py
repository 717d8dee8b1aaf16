"""One SMTP conversation on the provider's side.

Strict where a client could hide a mistake (sequence, sizes, login), exact about bytes, and in every phase ready
to do what the script says instead. `Gone` ends it when the connection is over, whoever ended that.
"""

import asyncio
import base64
import binascii
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tests.support import tls
from tests.support.ledger import Ledger, Transaction
from tests.support.script import Act, Asked, Drip, Drop, HalfClose, Hang, Hold, Raw, Script, Taken

_PATH = re.compile(r"^(?:FROM|TO):\s*<([^>]*)>\s*(.*)$", re.IGNORECASE | re.DOTALL)
_SO_LINGER_NOW = struct.pack("ii", 1, 0)
_MOST = 64 * 2**20
_A_WHILE = 10.0  # seconds of silence at a time

Elapse = Callable[[float], Awaitable[None]]


class Gone(Exception):
    """The connection is over."""


class Wire:
    """Lines and messages in, octets out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._buffer = bytearray()

    async def _more(self) -> None:
        block = await self._reader.read(65536)
        if not block or len(self._buffer) > _MOST:
            raise Gone
        self._buffer += block

    async def until_gone(self) -> None:
        """Keep whatever comes; raises Gone once the client has left."""
        while True:
            await self._more()

    async def line(self) -> str:
        """The next command line, without its end."""
        while (end := self._buffer.find(b"\n")) < 0:
            await self._more()
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line.decode("utf-8", "surrogateescape")

    async def message(self) -> bytes:
        """Everything up to the final dot, unstuffed. Only CRLF.CRLF ends it (RFC 5321 §4.1.1.4)."""
        self._buffer[:0] = b"\r\n"  # the end of the DATA line, so that an empty message is no special case
        seen = 0
        while (end := self._buffer.find(b"\r\n.\r\n", seen)) < 0:
            seen = max(0, len(self._buffer) - 4)
            await self._more()
        stuffed = bytes(self._buffer[: end + 2])
        del self._buffer[: end + 5]
        return stuffed.replace(b"\r\n.", b"\r\n")[2:]  # RFC 5321 §4.5.2

    async def write(self, octets: bytes) -> None:
        """Send, and wait while the client does not read."""
        self.writer.write(octets)
        await self.writer.drain()

    async def say(self, reply: str) -> None:
        """Send a reply; several lines make a multi-line one."""
        await self.write(spelt(reply))

    async def close(self) -> None:
        """Close the connection in the ordinary way."""
        self.writer.close()
        await self.writer.wait_closed()

    def reset(self) -> None:
        """End the connection as a crash would: the peer gets RST."""
        found = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _SO_LINGER_NOW)
        self.writer.transport.abort()

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """Start TLS; data received before the handshake is discarded (RFC 3207 §4.2)."""
        self._buffer.clear()
        await self.writer.start_tls(context)


def spelt(reply: str) -> bytes:
    """A reply as sent on the wire: `250 a\\nb` becomes `250-a`, `250 b`."""
    code, lines = reply[:3], reply[4:].split("\n")
    marked = [f"{code}{'-' if index < len(lines) - 1 else ' '}{line}\r\n" for index, line in enumerate(lines)]
    return "".join(marked).encode("utf-8", "surrogateescape")


class Session:
    """A conversation that follows the provider's script."""

    def __init__(
        self, wire: Wire, script: Callable[[], Script], ledger: Ledger, *, over_tls: bool, elapse: Elapse
    ) -> None:
        self._wire, self._script, self._ledger, self._tls = wire, script, ledger, over_tls
        self._elapse = elapse
        self._connection = ledger.connected()
        self._helo = self._user = ""
        self._open = True
        self._unheard: Transaction | None = None  # the one after whose dot nothing has been heard from the client yet
        self._forget()

    def _forget(self) -> None:
        self._mail_from: str | None = None
        self._options: tuple[str, ...] = ()
        self._accepted: list[str] = []
        self._refused: list[str] = []

    async def run(self) -> None:
        """Converse until the connection is over."""
        try:
            self._open = await self._answer("greeting", "", "220 provider.test ESMTP") == 220
            while True:
                await self._obey(await self._wire.line())
        except (Gone, ConnectionError, ssl.SSLError):
            if self._unheard:
                self._ledger.lose(self._unheard)

    async def _obey(self, line: str) -> None:
        self._unheard = None
        self._ledger.heard(self._connection, line)
        verb, _, argument = line.partition(" ")
        command = _COMMANDS.get(verb.upper())
        if not self._open and verb.upper() != "QUIT":
            await self._wire.say("503 5.5.1 I said no")  # RFC 5321 §3.1
        elif command is None:
            await self._wire.say("502 5.5.1 unknown command")
        else:
            await command(self, argument.strip())

    def _step(self, asked: Asked) -> Act:
        """What the script says about this moment, if it says anything."""
        script = self._script()
        step = script.recipients.get(asked.argument) if asked.phase == "rcpt" else None
        step = script.steps.get(asked.phase) if step is None else step
        return step(asked) if callable(step) else step

    async def _answer(self, phase: str, argument: str, good: str) -> int:
        """Do what the script says, or else the right thing; returns the reply's code, 0 if there was none."""
        act = self._step(Asked(phase, argument, self._connection))
        return await self._perform(await _released(act) or good)

    async def _perform(self, act: Act) -> int:
        match act:
            case str(reply):
                await self._say(reply)
            case Raw(data):
                await self._wire.write(data)
            case Drip(reply, every):
                await self._while_there(self._drip(spelt(reply), every))
            case Hang():
                await self._while_there(self._be_silent())
            case HalfClose(reply):
                if reply:
                    await self._wire.say(reply)
                self._wire.writer.write_eof()
                await self._wire.until_gone()
            case Drop(after):
                await self._drop(after)
            case _:
                raise AssertionError(f"no such act: {act!r}")
        return int(spoken(act)[:3] or 0)

    async def _say(self, reply: str) -> None:
        await self._wire.say(reply)
        if reply.startswith("421"):
            self._wire.writer.close()
            raise Gone

    async def _drop(self, after: bytes) -> None:
        if after:  # an orderly end, since RST would discard what the peer has not read yet
            await self._wire.write(after)
            self._wire.writer.close()
        else:
            self._wire.reset()
        raise Gone

    async def _while_there(self, act: Coroutine[Any, Any, None]) -> None:
        """Run the act, but only while the client is connected."""
        acting, leaving = asyncio.ensure_future(act), asyncio.ensure_future(self._wire.until_gone())
        try:
            done, _ = await asyncio.wait((acting, leaving), return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            acting.cancel()
            leaving.cancel()
            await asyncio.wait((acting, leaving))

    async def _drip(self, octets: bytes, every: float) -> None:
        for octet in octets:
            await self._wire.write(bytes((octet,)))
            await self._elapse(every)

    async def _be_silent(self) -> None:
        while True:
            await self._elapse(_A_WHILE)

    async def _ehlo(self, name: str) -> None:
        script = self._script()
        offers = list(script.extensions)
        if script.auth:
            offers.append("AUTH " + " ".join(script.auth))
        if script.starttls and not self._tls:
            offers.append("STARTTLS")
        self._forget()
        code = await self._answer("ehlo", name, "\n".join(["250 provider.test", *offers]))
        self._helo = name if code == 250 else ""

    async def _plain_helo(self, name: str) -> None:
        self._helo = name if await self._answer("ehlo", name, "250 provider.test") == 250 else ""

    async def _starttls(self, argument: str) -> None:
        script = self._script()
        if not script.starttls or self._tls or argument:
            await self._wire.say("503 5.5.1 not now")
        elif await self._answer("starttls", "", "220 2.0.0 ready") == 220:
            await self._wire.upgrade(tls.server_context(script.certificate))
            self._tls, self._helo, self._user = True, "", ""

    async def _auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() not in self._script().auth:
            await self._wire.say("504 5.5.4 unknown mechanism")
            return
        try:
            user, password = await getattr(self, f"_take_{mechanism.lower()}")(initial)
        except (binascii.Error, ValueError):
            await self._wire.say("501 5.5.2 cannot decode that")
            return
        users = self._script().users
        welcome = users is None or users.get(user) == password
        good = "235 2.7.0 welcome" if welcome else "535 5.7.8 authentication credentials invalid"
        if await self._answer("auth", user, good) == 235:
            self._user = user

    async def _take_plain(self, initial: str) -> tuple[str, str]:
        _, user, password = (await self._secret(initial, "")).split("\0")
        return user, password

    async def _take_login(self, initial: str) -> tuple[str, str]:
        return await self._secret(initial, "Username:"), await self._secret("", "Password:")

    async def _take_xoauth2(self, initial: str) -> tuple[str, str]:
        """The user and the access token; in a script's `users` the token takes the place of the password."""
        user, token, *_ = (await self._secret(initial, "")).split("\x01")
        return user.removeprefix("user="), token.removeprefix("auth=Bearer ")

    async def _secret(self, given: str, prompt: str) -> str:
        if not given:
            await self._wire.say("334 " + base64.b64encode(prompt.encode()).decode())
            given = await self._wire.line()
        return base64.b64decode(given, validate=True).decode()

    async def _mail(self, argument: str) -> None:
        path = _PATH.match(argument)
        if not path:
            await self._wire.say("501 5.5.4 MAIL FROM:<address>")
        elif not self._helo or self._mail_from is not None:
            await self._wire.say("503 5.5.1 not now")
        elif self._script().require_auth and not self._user:
            await self._wire.say("530 5.7.0 authentication required")
        elif problem := self._unfit(path[1], options := tuple(path[2].split())):
            await self._wire.say(problem)
        elif 200 <= await self._answer("mail", path[1], "250 2.1.0 ok") < 300:
            self._mail_from, self._options = path[1], options

    def _unfit(self, address: str, options: tuple[str, ...]) -> str:
        """What is wrong with the envelope, given the extensions announced; empty if nothing is."""
        offered = {line.split(" ")[0] for line in self._script().extensions}
        limits = dict(line.split(" ") for line in self._script().extensions if line.startswith("SIZE "))
        for option in options:
            name, _, value = option.upper().partition("=")  # RFC 5321 §2.4: keywords in any case
            wanted = {"BODY": "8BITMIME"}.get(name, name)
            if wanted not in offered and name != "AUTH":
                return f"555 5.5.4 {name} is not offered here"
            if name == "SIZE" and int(value) > int(limits.get("SIZE") or 0) > 0:
                return "552 5.3.4 too big"
        return self._unfit_address(address, options)

    @staticmethod
    def _unfit_address(address: str, options: tuple[str, ...]) -> str:
        return (
            "" if address.isascii() or "SMTPUTF8" in map(str.upper, options) else "553 5.6.7 SMTPUTF8 was not asked for"
        )

    async def _rcpt(self, argument: str) -> None:
        path = _PATH.match(argument)
        if not path or self._mail_from is None:
            await self._wire.say("503 5.5.1 not now" if path else "501 5.5.4 RCPT TO:<address>")
            return
        if problem := self._unfit_address(path[1], self._options):
            await self._wire.say(problem)
            return
        code = await self._answer("rcpt", path[1], "250 2.1.5 ok")
        (self._accepted if 200 <= code < 300 else self._refused).append(path[1])

    async def _data(self, argument: str) -> None:
        if not self._accepted or argument:
            await self._wire.say("503 5.5.1 no valid recipients")
            return
        if await self._answer("data", "", "354 go ahead") != 354:
            return
        if (act := self._step(Asked("body", "", self._connection))) is not None:
            await self._perform(act)
        await self._take(await self._wire.message())

    async def _take(self, data: bytes) -> None:
        """Record the message before its reply is written, then answer."""
        act = await _released(self._step(Asked("dot", "", self._connection, data)))
        number = self._ledger.number()
        act = act or f"250 2.0.0 taken as {number}"
        kept, act = (True, act.then) if isinstance(act, Taken) else (spoken(act).startswith("2"), act)
        transaction = self._transaction(number, data, spoken(act), taken=kept)
        self._unheard = transaction if kept else None
        self._ledger.book(transaction)
        self._forget()
        await self._perform(act)

    def _transaction(self, number: int, data: bytes, reply: str, *, taken: bool) -> Transaction:
        accepted, refused = tuple(self._accepted), tuple(self._refused)
        who = (self._connection, self._helo, self._user, self._tls, self._mail_from or "", self._options)
        return Transaction(number, *who, accepted, refused, data, reply, taken)

    async def _rset(self, _: str) -> None:
        self._forget()
        await self._answer("rset", "", "250 2.0.0 ok")

    async def _noop(self, argument: str) -> None:
        await self._answer("noop", argument, "250 2.0.0 ok")

    async def _quit(self, _: str) -> None:
        await self._answer("quit", "", "221 2.0.0 bye")
        self._wire.writer.close()
        raise Gone


def spoken(act: Act) -> str:
    """The reply that an act gives; empty if it gives none that can be read."""
    return act if isinstance(act, str) else getattr(act, "reply", "")


async def _released(act: Act) -> Act:
    """The step behind a Hold, once the test lets it happen."""
    if isinstance(act, Hold):
        while not act.gate.is_set():  # polled, since a waiting thread could not be ended with the provider
            await asyncio.sleep(0.002)
        return act.then
    return act


_COMMANDS = {
    "HELO": Session._plain_helo,
    "EHLO": Session._ehlo,
    "STARTTLS": Session._starttls,
    "AUTH": Session._auth,
    "MAIL": Session._mail,
    "RCPT": Session._rcpt,
    "DATA": Session._data,
    "RSET": Session._rset,
    "NOOP": Session._noop,
    "QUIT": Session._quit,
}
