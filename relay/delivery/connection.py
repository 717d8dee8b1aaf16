"""One SMTP connection to a provider, and the record of how far a transaction got.

aiosmtplib connects, speaks EHLO, STARTTLS and AUTH; then the transaction is ours, because
only the one who writes the final dot knows whether it was written: a library that raises
the same exception before and after it cannot tell «safe to send again» from «maybe sent».
Commands go out in one write where the provider announces PIPELINING (RFC 2920), the
message in blocks, and the answer to each is read with the timeout of its phase.

A transaction never raises: what went wrong is in its transcript. A connection that broke,
or said what is no reply, is not used again.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPTimeoutError,
)

from config.providers import ProviderSettings
from relay.delivery.outcome import Phase, Transcript
from relay.mail.reply import Reply

BLOCK = 256 * 1024
REPLY_LIMIT = 64 * 1024  # a reply, with all its lines
_DATA_OK = 354


class Unreachable(Exception):
    """No connection ready for mail: `phase` says how far it got, `reply` what was said, if anything."""

    def __init__(self, phase: Phase, detail: str, reply: Reply | None = None, broke: str = "lost") -> None:
        super().__init__(detail)
        self.phase = phase
        self.detail = detail
        self.reply = reply
        self.broke = broke

    @property
    def transcript(self) -> Transcript:
        """The same as a transcript: a refusal counts like one of MAIL, nothing was sent."""
        return Transcript(self.phase, mail=self.reply, broke=self.broke, detail=self.detail)


class _Garbage(Exception):
    """What came is no reply."""


class _Lost(Exception):
    """The connection ended."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What one transaction sends: paths as they go on the wire, recipients by number, the whole message."""

    mail_from: str
    recipients: Mapping[int, str]
    message: bytes  # CRLF line ends, the last line complete, dots not stuffed
    smtputf8: bool = False
    eight_bit: bool = False


class Connection(asyncio.Protocol):
    """A connection that is logged in. Made by `connect`."""

    def __init__(self, provider: ProviderSettings, features: frozenset[str], loop: asyncio.AbstractEventLoop) -> None:
        self.provider = provider
        self.features = features
        self.sent = 0
        self.idle_since = 0.0
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._replies: list[Reply] = []
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @property
    def is_usable(self) -> bool:
        """Whether another transaction may be tried on it."""
        if self._error is not None or self._replies or self._buffer:
            return False  # what nobody asked for would be taken for the answer to the next command
        return self._transport is not None and not self._transport.is_closing()

    # -- the protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a transport on which the greeting, TLS and the login are done."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect replies; a reply is complete at the line without a hyphen."""
        self._buffer += data
        try:
            self._parse()
        except _Garbage as error:
            self._fail(error)
        if len(self._buffer) > REPLY_LIMIT:
            self._fail(_Garbage("a reply that does not end"))
        self._wake()

    def eof_received(self) -> bool:
        """The provider ended its side: nothing more can be said on this connection."""
        self._fail(_Lost("the provider closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        self._transport = None
        self._fail(_Lost(f"the connection was lost: {type(exc).__name__}" if exc else "the connection was closed"))

    def pause_writing(self) -> None:
        """The provider reads slower than we write."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _parse(self) -> None:
        while (end := _reply_end(self._buffer)) > 0:
            lines = bytes(self._buffer[:end]).split(b"\n")
            del self._buffer[:end]
            self._replies.append(_reply(lines))

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self.resume_writing()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the transaction ------------------------------------------------------------------

    async def transact(self, sending: Sending) -> Transcript:
        """Send one message to its recipients and say how far it got; never raises but when cancelled."""
        progress = _Progress()
        try:
            await self._dialogue(sending, progress)
        except TimeoutError:
            self._error = self._error or _Lost("no answer in time")
            progress.broke, progress.detail = "timeout", f"no answer to {progress.phase} in time"
        except _Garbage as error:
            progress.broke, progress.detail = "garbage", str(error)
        except _Lost as error:
            progress.broke, progress.detail = "lost", str(error)
        self.sent += 1
        if progress.broke or not progress.is_settled:
            self.abort()
        return progress.transcript()

    async def _dialogue(self, sending: Sending, progress: "_Progress") -> None:
        timeouts = self.provider.timeouts
        command, block = timeouts.command.total_seconds(), timeouts.block.total_seconds()
        if "pipelining" in self.features:
            self._write(
                b"".join((_mail(sending, self.features), *map(_rcpt, sending.recipients.values()), b"DATA\r\n"))
            )
            await self._read_envelope(sending, progress, command)
            progress.phase = Phase.DATA
            progress.data = await self._reply(command)
        else:
            await self._ask_envelope(sending, progress, command)
            if not progress.may_send:
                return await self._reset(progress, command)
            progress.phase = Phase.DATA
            progress.data = await self._ask(b"DATA\r\n", command)
        if progress.data.code != _DATA_OK:
            return await self._reset(progress, command)
        if not progress.may_send:
            # RFC 2920 §3.1: a server may answer 354 though it took no recipient; nothing is then sent.
            await self._ask(b".\r\n", command)
            progress.is_settled = True
            return None
        progress.phase = Phase.BODY
        await self._send(sending.message, block)
        progress.phase = Phase.FINAL
        self._write(b".\r\n")
        progress.final = await self._reply(timeouts.final.total_seconds())
        progress.is_settled = progress.final.code != 421
        return None

    async def _read_envelope(self, sending: Sending, progress: "_Progress", timeout: float) -> None:
        progress.mail = await self._reply(timeout)
        progress.phase = Phase.RCPT
        for n in sending.recipients:
            progress.rcpt[n] = await self._reply(timeout)

    async def _ask_envelope(self, sending: Sending, progress: "_Progress", timeout: float) -> None:
        progress.mail = await self._ask(_mail(sending, self.features), timeout)
        if not progress.mail.is_success:
            return
        progress.phase = Phase.RCPT
        for n, recipient in sending.recipients.items():
            progress.rcpt[n] = await self._ask(_rcpt(recipient), timeout)
            if progress.rcpt[n].code == 421:
                return

    async def _reset(self, progress: "_Progress", timeout: float) -> None:
        """Leave the connection fit for the next message; a 421 says that it is not."""
        said = [progress.mail, *progress.rcpt.values(), progress.data]
        if any(reply is not None and reply.code == 421 for reply in said):
            return
        answer = await self._ask(b"RSET\r\n", timeout)
        progress.is_settled = answer.is_success

    async def _ask(self, command: bytes, timeout: float) -> Reply:
        self._write(command)
        return await self._reply(timeout)

    async def _reply(self, timeout: float) -> Reply:
        """The next reply; raises TimeoutError, _Lost or _Garbage."""
        if not self._replies:
            await self._wait(timeout)
        return self._replies.pop(0)

    async def _wait(self, timeout: float) -> None:
        handle = self._loop.call_later(timeout, self._timed_out)
        try:
            while not self._replies:
                if self._error is not None:
                    raise self._error
                self._waiter = self._loop.create_future()
                await self._waiter
        finally:
            handle.cancel()
            self._waiter = None

    def _timed_out(self) -> None:
        self._fail(TimeoutError())

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._error is not None:
            raise self._error or _Lost("the connection was closed")
        self._transport.write(data)

    async def _send(self, message: bytes, timeout: float) -> None:
        """The message with dots stuffed (RFC 5321 §4.5.2), in blocks, as fast as the provider reads."""
        if message.startswith(b".") or b"\r\n." in message:
            message = b"." * message.startswith(b".") + message.replace(b"\r\n.", b"\r\n..")
        if len(message) <= BLOCK:
            self._write(message)
            return await self._drained(timeout)
        view = memoryview(message)
        for start in range(0, len(view), BLOCK):
            self._write(view[start : start + BLOCK])  # type: ignore[arg-type]  # transports take any buffer
            await self._drained(timeout)
        return None

    async def _drained(self, timeout: float) -> None:
        if self._writable is not None:
            await asyncio.wait_for(asyncio.shield(self._writable), timeout)
        if self._error is not None:
            raise self._error

    async def quit(self, timeout: float = 2.0) -> None:
        """Say goodbye; the answer is not waited for longer than it is worth."""
        if self.is_usable:
            try:
                await self._ask(b"QUIT\r\n", timeout)
            except (TimeoutError, _Lost, _Garbage):
                self._error = self._error or _Lost("closed")
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._error = self._error or _Lost("closed")
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class _Progress:
    """How far a transaction has got; `is_settled` says that the connection may carry another."""

    phase: Phase = Phase.MAIL
    mail: Reply | None = None
    rcpt: dict[int, Reply] = None  # type: ignore[assignment]  # set below: slots and a default factory exclude each other
    data: Reply | None = None
    final: Reply | None = None
    broke: str = ""
    detail: str = ""
    is_settled: bool = False

    def __post_init__(self) -> None:
        self.rcpt = {}

    @property
    def may_send(self) -> bool:
        """Whether somebody is there to send to."""
        return self.mail is not None and self.mail.is_success and any(r.is_success for r in self.rcpt.values())

    def transcript(self) -> Transcript:
        return Transcript(self.phase, self.mail, self.rcpt, self.data, self.final, self.broke, self.detail)


def _mail(sending: Sending, features: frozenset[str]) -> bytes:
    words = f"MAIL FROM:<{sending.mail_from}>"
    if "size" in features:
        words += f" SIZE={len(sending.message)}"
    if sending.eight_bit and "8bitmime" in features:
        words += " BODY=8BITMIME"
    if sending.smtputf8:
        words += " SMTPUTF8"
    return f"{words}\r\n".encode()


def _rcpt(recipient: str) -> bytes:
    return f"RCPT TO:<{recipient}>\r\n".encode()


def _reply_end(buffer: bytearray) -> int:
    """Where the first whole reply ends, 0 if there is none yet; raises _Garbage."""
    start = 0
    while (newline := buffer.find(b"\n", start)) >= 0:
        if newline - start < 3 or not buffer[start : start + 3].isdigit():
            raise _Garbage("what came is no SMTP reply")
        if buffer[start + 3 : start + 4] != b"-":
            return newline + 1
        start = newline + 1
    return 0


def _reply(lines: Sequence[bytes]) -> Reply:
    """A reply from its lines; of mixed codes the last counts (it is the one that ends the reply)."""
    whole = [line for line in lines if line.strip()]
    code = int(whole[-1][:3])
    return Reply.received(code, b"\n".join(line[4:].strip() for line in whole))


# -- connecting ---------------------------------------------------------------------------


async def connect(provider: ProviderSettings, hostname: str, context: ssl.SSLContext | None) -> Connection:
    """A connection that is greeted, encrypted as configured, and logged in; raises Unreachable.

    TLS is never given up where it is configured, and no password goes out in clear unless the
    operator set `tls: none`.
    """
    client = aiosmtplib.SMTP(
        hostname=provider.host,
        port=provider.port,
        local_hostname=provider.declared.ehlo_name or hostname,
        timeout=provider.timeouts.connect.total_seconds(),
        use_tls=provider.tls == "implicit",
        start_tls=False,
        tls_context=context,
        validate_certs=context is None,
    )
    phase = Phase.CONNECT
    try:
        await client.connect()
        phase = Phase.EHLO
        await client.ehlo()
        if provider.tls == "starttls":
            phase = Phase.STARTTLS
            await client.starttls(tls_context=context)
            await client.ehlo()
        phase = Phase.AUTH
        await _login(client, provider)
    except (SMTPException, OSError, TimeoutError, ValueError, EOFError) as error:
        client.close()
        raise _unreachable(phase, error) from error
    return _taken_over(client, provider)


async def _login(client: aiosmtplib.SMTP, provider: ProviderSettings) -> None:
    if provider.username is None or (provider.password is None and provider.oauth is None):
        return
    announced = client.server_auth_methods
    username = provider.username.reveal()
    if provider.oauth is not None:
        raise SMTPAuthenticationError(534, "OAuth needs a token")  # replaced by the token source of `oauth`
    password = provider.password.reveal() if provider.password else ""
    for method in provider.auth_methods:
        if method in announced and method in ("plain", "login"):
            await getattr(client, f"auth_{method}")(username, password)
            return
    raise SMTPException("the provider does not announce AUTH as configured")


def _unreachable(phase: Phase, error: Exception) -> Unreachable:
    """What a failure to connect means; a refusal in words is kept."""
    if isinstance(error, SMTPResponseException) and error.code > 0:
        return Unreachable(phase, error.message, Reply.received(error.code, error.message))
    if isinstance(error, ssl.SSLError):
        return Unreachable(phase, f"TLS failed: {error.reason or type(error).__name__}", broke="tls")
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return Unreachable(phase, f"no answer at {phase} in time", broke="timeout")
    if isinstance(error, SMTPConnectError | SMTPHeloError | OSError):
        return Unreachable(phase, f"cannot connect: {error}")
    return Unreachable(phase, str(error) or type(error).__name__)


def _taken_over(client: aiosmtplib.SMTP, provider: ProviderSettings) -> Connection:
    transport: Any = client.transport
    loop = asyncio.get_running_loop()
    connection = Connection(provider, frozenset(name.lower() for name in client.esmtp_extensions), loop)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    return connection
