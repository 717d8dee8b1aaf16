"""One SMTP connection to a provider, and the record of how far a transaction got.

The transaction is our own code, because only whoever writes the final dot knows whether it was
written: a library that raises the same exception before and after it cannot distinguish «safe
to send again» from «maybe sent». Commands are sent in one write if the provider announces
PIPELINING (RFC 2920), the message in blocks, and each reply is read with the timeout of its
phase.

A transaction never raises: what went wrong is in its transcript. A connection that broke, or
on which something other than a reply arrived, is not used again.
"""

import asyncio
from collections.abc import Mapping

from msgspec import Struct, field

from config.providers import ProviderSettings
from relay.delivery.outcome import CLOSED, Phase, Transcript
from relay.delivery.wire import BLOCK, Garbage, Lost, Wire, stuffed
from relay.mail.departure import Departure
from relay.mail.reply import Reply

_DATA_OK = 354
_FAREWELL = 2.0  # seconds
_SIZE_DIGITS = 20  # RFC 1870 §4


class Sending(Struct, frozen=True):
    """What one transaction sends: paths as on the wire, recipients by number, the whole message."""

    mail_from: str
    recipients: Mapping[int, str]
    message: Departure  # CRLF line ends, the last line complete, dots not stuffed
    smtputf8: bool = False
    eight_bit: bool = False


class Connection:
    """A connection that is logged in, made by `dial`. `features` are the extensions announced at EHLO, lower case."""

    def __init__(
        self,
        provider: ProviderSettings,
        features: Mapping[str, str],
        wire: Wire,
    ) -> None:
        self.provider = provider
        self.features = features
        self.sent = 0
        self.idle_since = 0.0
        self._wire = wire
        self._progress: _Progress | None = None
        self._broken_off = False
        timeouts = provider.timeouts
        self._command = timeouts.command.total_seconds()
        self._block = timeouts.block.total_seconds()
        self._final = timeouts.final.total_seconds()

    @property
    def is_usable(self) -> bool:
        """Whether it can be used for another transaction."""
        return self._wire.is_quiet

    @property
    def size_limit(self) -> int:
        """The maximum message size that the provider announced, 0 if none (RFC 1870 §4)."""
        words = self.features.get("size", "")
        return int(words) if words.isdecimal() and len(words) <= _SIZE_DIGITS else 0

    @property
    def may_have_sent(self) -> bool:
        """Whether a final dot was sent and its reply has not arrived."""
        return self._progress is not None and self._progress.phase is Phase.FINAL

    # -- the transaction ------------------------------------------------------------------

    async def transact(self, sending: Sending) -> Transcript:
        """Send one message to its recipients and return how far it got; raises nothing except cancellation."""
        progress = self._progress = _Progress()
        try:
            await self._dialogue(sending, progress)
        except (TimeoutError, Garbage, Lost) as error:
            self._note_break(progress, error)
        self.sent += 1
        self._progress = None
        if progress.broke or not progress.is_settled:
            self.abort()
        return progress.transcript()

    def _note_break(self, progress: "_Progress", error: Exception) -> None:
        """Record how the dialogue broke; a refusal sent during the message, before hanging up, is the reply to it."""
        refusal = self._wire.refusal() if progress.phase is Phase.BODY else None
        if refusal is not None:
            progress.final = refusal
        elif isinstance(error, TimeoutError):
            progress.broke, progress.detail = "timeout", f"no answer to {progress.phase} in time"
        elif isinstance(error, Garbage):
            progress.broke, progress.detail = "garbage", str(error)
        else:
            progress.broke, progress.detail = (CLOSED if self._broken_off else "lost"), str(error)

    async def _dialogue(self, sending: Sending, progress: "_Progress") -> None:
        if "pipelining" in self.features:
            await self._pipeline_envelope(sending, progress)
        else:
            await self._ask_envelope(sending, progress)
        if progress.data is None or progress.data.code != _DATA_OK:
            return await self._reset(progress)
        if not progress.may_send:
            # RFC 2920 §3.1: a server may answer 354 although it accepted no recipient; then nothing is sent.
            progress.is_settled = (await self._ask(b".\r\n")).code != 421
            return None
        progress.phase = Phase.BODY
        blocks = stuffed(sending.message.chunks)
        if sending.message.size > BLOCK:
            await self._wire.send(blocks, self._block)
        self._wire.check()
        if not self._wire.is_quiet:
            raise Garbage("the provider replied before the end of the message")
        progress.phase = Phase.FINAL  # from here on, no answer means that the outcome is unknown
        self._wire.write(b"".join([*blocks, b".\r\n"]))
        progress.final = _definite(await self._wire.reply(self._final))
        progress.is_settled = progress.final.code != 421
        return None

    async def _pipeline_envelope(self, sending: Sending, progress: "_Progress") -> None:
        """MAIL, every RCPT and DATA in one write."""
        commands = (_mail(sending, self.features), *map(_rcpt, sending.recipients.values()), b"DATA\r\n")
        self._wire.write(b"".join(commands))
        progress.mail = _definite(await self._wire.reply(self._command))
        progress.phase = Phase.RCPT
        for n in sending.recipients:
            progress.rcpt[n] = _definite(await self._wire.reply(self._command))
        progress.phase = Phase.DATA
        progress.data = _go_ahead(await self._wire.reply(self._command))

    async def _ask_envelope(self, sending: Sending, progress: "_Progress") -> None:
        """One command at a time, as long as there may be a recipient to send to."""
        progress.mail = _definite(await self._ask(_mail(sending, self.features)))
        if not progress.mail.is_success:
            return
        progress.phase = Phase.RCPT
        for n, recipient in sending.recipients.items():
            progress.rcpt[n] = _definite(await self._ask(_rcpt(recipient)))
            if progress.rcpt[n].code == 421:
                return
        if progress.may_send:
            progress.phase = Phase.DATA
            progress.data = _go_ahead(await self._ask(b"DATA\r\n"))

    async def _reset(self, progress: "_Progress") -> None:
        """Prepare the connection for another message, unless a 421 ended it. If it breaks here, it alone is lost:
        every recipient has a reply.
        """
        said = (progress.mail, *progress.rcpt.values(), progress.data)
        if not any(reply is not None and reply.code == 421 for reply in said):
            progress.is_settled = (await self._ask(b"RSET\r\n")).is_success

    async def _ask(self, command: bytes) -> Reply:
        self._wire.write(command)
        return await self._wire.reply(self._command)

    # -- the end --------------------------------------------------------------------------

    async def quit(self) -> None:
        """Send QUIT, wait briefly for the reply, and close."""
        if self.is_usable:
            try:
                self._wire.write(b"QUIT\r\n")
                await self._wire.reply(_FAREWELL)
            except (TimeoutError, Lost, Garbage):
                pass  # it is closed anyway
        self._wire.close()

    def break_off(self) -> None:
        """Break off a transaction under way; its transcript says that we did."""
        self._broken_off = True
        self._wire.abort()

    def abort(self) -> None:
        """Close at once."""
        self._wire.abort()


class _Progress(Struct):
    """How far a transaction has got; `is_settled` means that the connection can be used for another."""

    phase: Phase = Phase.MAIL
    mail: Reply | None = None
    rcpt: dict[int, Reply] = field(default_factory=dict)
    data: Reply | None = None
    final: Reply | None = None
    broke: str = ""
    detail: str = ""
    is_settled: bool = False

    @property
    def may_send(self) -> bool:
        """Whether any recipient was accepted."""
        return self.mail is not None and self.mail.is_success and any(r.is_success for r in self.rcpt.values())

    def transcript(self) -> Transcript:
        return Transcript(self.phase, self.mail, self.rcpt, self.data, self.final, self.broke, self.detail)


def _definite(reply: Reply) -> Reply:
    """The reply if it is final; raises Garbage for 3yz, which asks for more input (RFC 5321 §4.3.2)."""
    if 300 <= reply.code < 400:
        raise Garbage(f"{reply.code} is not a final reply")
    return reply


def _go_ahead(reply: Reply) -> Reply:
    """The reply to DATA if it is 354 or a refusal; raises Garbage for any other."""
    if reply.code < 400 and reply.code != _DATA_OK:
        raise Garbage(f"{reply.code} is not a valid reply to DATA")
    return reply


def _mail(sending: Sending, features: Mapping[str, str]) -> bytes:
    words = f"MAIL FROM:<{sending.mail_from}>"
    if "size" in features:
        words += f" SIZE={sending.message.size}"
    if sending.eight_bit and "8bitmime" in features:
        words += " BODY=8BITMIME"
    if sending.smtputf8:
        words += " SMTPUTF8"
    return f"{words}\r\n".encode()


def _rcpt(recipient: str) -> bytes:
    return f"RCPT TO:<{recipient}>\r\n".encode()


def take_over(provider: ProviderSettings, features: Mapping[str, str], transport: asyncio.Transport) -> Connection:
    """A connection on a transport on which greeting and login are done."""
    wire = Wire(asyncio.get_running_loop())
    transport.set_protocol(wire)
    wire.connection_made(transport)
    return Connection(provider, {name.lower(): value for name, value in features.items()}, wire)
