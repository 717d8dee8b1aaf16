"""One inbound connection: the command loop is aiosmtpd's, with our own code where it falls short.

Reading DATA, addresses and replies to exceptions are ours (faults, section 6.1): a message uses
memory as it grows and no more than the limit, every refusal has an enhanced code, and internal
errors are not revealed.
"""

import asyncio
import ssl
from collections import defaultdict
from ipaddress import ip_address
from typing import Any

import structlog
from aiosmtpd import smtp

from relay.feedback.reception import Reception
from relay.feedback.returns import Place
from relay.mail.address import AddressError, parse_path
from relay.mail.dots import EndOfData, unstuffed

log = structlog.get_logger()

COMMANDS = 200  # of each kind per connection
STEP = 64 << 10
ERRORS = 20  # refusals after which a connection is closed
SILENCE = 120.0  # seconds without input after which the connection is closed
MESSAGE_TIME = 600.0  # seconds that a whole message may take
LONGEST_COMMAND = 1_024
# aiosmtpd's replies lack an enhanced code (RFC 2034). These are its successes; all its refusals get X.5.2.
ENHANCED = {"221 Bye": "221 2.0.0 Bye", "220 Ready to start TLS": "220 2.0.0 Ready to start TLS"}
OKAY, NO_SUCH = "250 2.1.5 OK", "550 5.1.1 No such address"


class InboundSession(smtp.SMTP):
    """One connection."""

    line_length_limit = 65_536

    def __init__(self, reception: Reception, starttls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        terms = reception.terms
        super().__init__(
            None,
            data_size_limit=terms.max_message_size,
            enable_SMTPUTF8=True,
            hostname=terms.hostname,
            ident="ESMTP",
            tls_context=starttls,
            timeout=SILENCE,
            command_call_limit=COMMANDS,
            loop=loop,
        )
        # Our own limits for this connection: those of aiosmtpd are shared by all and grow with each EHLO (faults S8).
        self.command_size_limits = defaultdict(lambda: LONGEST_COMMAND)
        self._smtp_methods = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "VRFY": self._vrfy,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self.smtp_QUIT,
            "STARTTLS": self.smtp_STARTTLS,
        }
        self._reception = reception
        self._place = ""
        self._places: dict[str, Place] = {}
        self._errors = 0

    # -- for the transport ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._original_transport is None:
            self._place = _place(transport)
            if not self._reception.enter(self, self._place):
                self._refuse_entry(transport)
                return
        super().connection_made(transport)

    def _refuse_entry(self, transport: Any) -> None:
        self.session = None
        transport.write(b"421 4.3.2 Too many connections, please try again later\r\n")
        transport.close()

    def eof_received(self) -> bool | None:
        """On plain TCP a client that only ended its own direction, as Exim does with its QUIT, still gets its replies;
        TLS has no half-close.
        """
        if self.session is None:
            return False
        if self.session.ssl is not None:
            return super().eof_received()
        return super(smtp.SMTP, self).eof_received()  # aiosmtpd's would cancel the command that is under way

    def connection_lost(self, error: Exception | None) -> None:
        self._reception.leave(self, self._place)
        if self.session is not None:
            super().connection_lost(error)

    def hang_up(self) -> None:
        """End the connection."""
        if self.transport is not None:
            self.transport.close()

    async def push(self, status: Any) -> None:
        status = ENHANCED.get(status, status)
        if status[:1] in ("4", "5"):
            if status[4:6] not in ("4.", "5."):
                status = f"{status[:4]}{status[0]}.5.2 {status[4:]}"
            self._errors += 1
            if self._errors >= ERRORS and self.transport is not None:
                await super().push("421 4.7.0 Too many errors")
                self.transport.close()
                return
        await super().push(status)

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, asyncio.IncompleteReadError):  # the client has ended its direction, and has all replies
            self.hang_up()
            raise asyncio.CancelledError
        log.error("internal error in an inbound session", exc_info=error)
        self._forget()
        return "451 4.3.0 Temporary error, please try again"

    def _forget(self) -> None:
        self._places = {}
        self._set_rset_state()  # type: ignore[no-untyped-call]

    # -- commands -----------------------------------------------------------------------------

    async def _helo(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1."""
        await self._greet(hostname, [])

    async def _ehlo(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1, with the extensions we offer."""
        offered = [f"SIZE {self._reception.terms.max_message_size}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        if self.tls_context and not self._tls_protocol:
            offered.append("STARTTLS")
        await self._greet(hostname, [*offered, "ENHANCEDSTATUSCODES"])

    async def _greet(self, hostname: str, offered: list[str]) -> None:
        if not hostname:
            await self.push("501 5.5.4 A name is missing")
            return
        assert self.session is not None
        self._forget()
        self.session.host_name = hostname
        self.session.extended_smtp = bool(offered)
        lines = [self.hostname, *offered]
        for number, line in enumerate(lines, 1):
            await self.push(f"250{' ' if number == len(lines) else '-'}{line}")

    async def _rset(self, _: str | None) -> None:
        """RFC 5321 §4.1.1.5."""
        self._forget()
        await self.push("250 2.0.0 OK")

    async def _noop(self, _: str | None) -> None:
        """RFC 5321 §4.1.1.9."""
        await self.push("250 2.0.0 OK")

    async def _mail(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.2. The sender does not matter, as a return path proves nothing."""
        path, parameters = _path(arg, "FROM:")
        if path is None or not _is_sender(path):
            await self.push("501 5.1.7 Bad sender address")
        elif self.session is None or not self.session.host_name:
            await self.push("503 5.5.1 EHLO first")
        elif self.envelope is None or self.envelope.mail_from is not None:
            await self.push("503 5.5.1 MAIL already given")
        elif _size(parameters) > self._reception.terms.max_message_size:
            await self.push("552 5.3.4 Message too large")
        else:
            self.envelope.mail_from = path
            await self.push("250 2.1.0 OK")

    async def _rcpt(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.3: only our own addresses are accepted."""
        path, _ = _path(arg, "TO:")
        if self.envelope is None or self.envelope.mail_from is None:
            await self.push("503 5.5.1 MAIL first")
        elif len(self._places) >= self._reception.terms.max_recipients:
            await self.push("452 4.5.3 Too many recipients")
        elif path is None or (place := self._recognised(path)) is None:
            await self.push(NO_SUCH)
        else:
            self._places[place.address] = place
            await self.push(OKAY)

    def _recognised(self, path: str) -> Place | None:
        try:
            return self._reception.returns.place(parse_path(path))
        except AddressError:
            return None

    async def _data(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.4."""
        if arg:
            await self.push("501 5.5.4 DATA takes no parameters")
            return
        if not self._places:
            await self.push("503 5.5.1 RCPT first")
            return
        await self.push("354 End with a dot on a line of its own")
        incoming = _Incoming(self._reception)
        try:
            async with asyncio.timeout(MESSAGE_TIME):
                await self._receive(incoming)
            places = list(self._places.values())
            self._forget()
            reply = incoming.refusal or await self._reception.commit(places, incoming.message())
        except TimeoutError:
            await self.push("421 4.4.2 Too slow")
            self.hang_up()
            return
        finally:
            incoming.release()
        await self.push(reply)
        if incoming.hopeless:
            self.hang_up()

    async def _receive(self, incoming: "_Incoming") -> None:
        """Read up to the final dot; what follows is put back."""
        end = EndOfData()
        while not incoming.hopeless:
            # Reads all available input, so that what follows the dot can be put back in front of later input.
            block = await self._reader.read(1 << 30)
            if not block:
                raise asyncio.IncompleteReadError(b"", None)
            self._reset_timeout()
            at = end.find(block)
            incoming.add(block if at < 0 else block[:at])
            if at >= 0:
                # Not by `feed_data`, which fails once the client has ended its direction; nothing waits for input here.
                self._reader._buffer.extend(block[at:])  # type: ignore[attr-defined]
                return

    async def _vrfy(self, _: str | None) -> None:
        """RFC 5321 §3.5.3: reveals nothing."""
        await self.push("252 2.1.5 Send something, I will see")


class _Incoming:
    """A message being received: reserves memory as it grows, and keeps nothing of a refused message."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._limit = reception.terms.max_message_size + len(b".\r\n")
        self._kept = bytearray()
        self._held = 0
        self._total = 0
        self.refusal = ""

    @property
    def hopeless(self) -> bool:
        """Whether it is so far over the limit that reading to its end is pointless."""
        return self._total > 2 * self._limit + STEP

    def add(self, block: bytes) -> None:
        """Add the next block."""
        self._total += len(block)
        if self._total > self._limit:
            self.refusal = "552 5.3.4 Message too large"
        elif self._total > self._held and not self.refusal:
            self._grow()
        if self.refusal:
            self._kept = bytearray()
        else:
            self._kept += block

    def _grow(self) -> None:
        more = max(STEP, self._total - self._held)
        if self._reception.take_memory(more):
            self._held += more
        else:
            self.refusal = "452 4.3.1 Too much mail at once, please try again later"

    def message(self) -> bytes:
        """The whole message."""
        return unstuffed(bytes(self._kept[: -len(b".\r\n")]))

    def release(self) -> None:
        """Release the reserved memory."""
        self._reception.give_memory_back(self._held)
        self._held = 0


def _place(transport: asyncio.BaseTransport) -> str:
    """The host by which connections are counted; empty for loopback, which is exempt."""
    peer = transport.get_extra_info("peername")
    host = str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""
    try:
        return "" if ip_address(host).is_loopback else host
    except ValueError:
        return host


def _path(arg: str | None, keyword: str) -> tuple[str | None, list[str]]:
    """Path and parameters of MAIL or RCPT; the path is None if the syntax is wrong."""
    words = (arg or "").strip()
    if words[: len(keyword)].upper() != keyword:
        return None, []
    path, *parameters = words[len(keyword) :].strip().split(" ")
    return (path if path.startswith("<") else None), [p for p in parameters if p]


def _is_sender(path: str) -> bool:
    try:
        return path == "<>" or bool(parse_path(path))
    except AddressError:
        return False


def _size(parameters: list[str]) -> int:
    """The size announced by SIZE (RFC 1870 §6), 0 if none; other parameters are ignored."""
    given = next((p[5:] for p in parameters if p.upper().startswith("SIZE=")), "0")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
