"""The listener for what comes back by mail: anybody may connect, and only addresses we made are taken.

Every other address is 550 5.1.1 at RCPT, so nothing is accepted that would have to be returned
(faults L3), and null senders are welcome. 250 is answered after the commit; where the
store cannot be written the answer is 451 and the mail comes again. A commit is not the
connection's: a client that hangs up meanwhile repeats a mail that changes nothing twice.

aiosmtpd reads the commands. Its reading of DATA, its addresses and its answers to exceptions
are replaced (faults, section 6.1): a message takes no more memory than the limit, all of
them together no more than `MEMORY`, and nobody learns what went wrong inside.
"""

import asyncio
import socket
import ssl
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import structlog
from aiosmtpd import smtp

from relay.feedback.data import EndOfData, unstuffed
from relay.feedback.returns import Place, Returns
from relay.mail.address import AddressError, parse_path
from relay.store.writer import Broken, Unavailable

log = structlog.get_logger()

MEMORY = 64 << 20  # octets of messages under way at once, all connections together
COMMANDS = 200  # of each kind in one connection
STEP = 64 << 10
ERRORS = 20  # refusals after which a connection is closed
SILENCE = 120.0  # seconds
LONGEST_COMMAND = 1_024
OKAY, NO_SUCH = "250 2.1.5 OK", "550 5.1.1 No such address"


@dataclass(frozen=True, slots=True)
class InboundTerms:
    """What the listener asks of its clients."""

    hostname: str
    max_message_size: int
    max_recipients: int = 10
    max_connections: int = 200
    per_address: int = 20  # loopback is exempt
    tls: str = "none"
    message_time: float = 600.0  # seconds a whole message may take


class InboundListener:
    """One address where what comes back comes in. `context` gives the TLS context where TLS is offered."""

    def __init__(
        self,
        listening: socket.socket,
        terms: InboundTerms,
        returns: Returns,
        context: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        if terms.tls != "none" and context is None:
            raise ValueError(f"a listener with tls: {terms.tls} needs a certificate")
        self.terms = terms
        self.returns = returns
        self.context = context
        self.memory = 0
        self.commits: set[asyncio.Task[Any]] = set()
        self.counts: Counter[str] = Counter()
        self._socket = listening
        self._sessions: set[_Session] = set()
        self._addresses: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def accepting(self) -> bool:
        """Whether new connections are taken."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        implicit = self.context() if self.terms.tls == "implicit" and self.context else None
        self._server = await loop.create_server(lambda: _Session(self, loop), sock=self._socket, ssl=implicit)
        log.info("listening for returns", address=":".join(map(str, self.address)), tls=self.terms.tls)

    async def stop(self, timeout: float = 5.0) -> None:
        """Close the door, let commits come to their end, hang up on the rest."""
        if self._server is not None:
            self._server.close()
        else:
            self._socket.close()
        if self.commits:
            await asyncio.wait(set(self.commits), timeout=timeout)
        await asyncio.sleep(0)  # their replies leave
        for session in tuple(self._sessions):
            session.hang_up()

    # -- what sessions ask ----------------------------------------------------------------

    def enter(self, session: "_Session", place: str) -> bool:
        """Whether a new connection may stay."""
        full = len(self._sessions) >= self.terms.max_connections
        if full or (place and self._addresses[place] >= self.terms.per_address):
            self.counts["refused"] += 1
            return False
        self._sessions.add(session)
        self._addresses[place] += 1
        return True

    def leave(self, session: "_Session", place: str) -> None:
        """A connection is over."""
        if session in self._sessions:
            self._sessions.discard(session)
            self._addresses[place] -= 1
            if not self._addresses[place]:
                del self._addresses[place]

    def take_memory(self, octets: int) -> bool:
        """Whether there was room; then it is taken."""
        if self.memory + octets > MEMORY:
            return False
        self.memory += octets
        return True

    async def commit(self, places: list[Place], data: bytes) -> str:
        """Hand a mail over, in a task that the connection cannot cancel; the reply to its final dot."""
        task = asyncio.get_running_loop().create_task(self.returns.take(places, data))
        self.commits.add(task)
        task.add_done_callback(self._done)
        try:
            applied = await asyncio.shield(task)
        except (Unavailable, Broken):
            return "451 4.3.0 Not now, please try again"
        self.counts["taken"] += 1
        log.info("returned mail", octets=len(data), new=applied.new, matched=applied.matched)
        return "250 2.0.0 Taken"

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self.commits.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Unavailable | Broken):
            log.error("returned mail could not be dealt with", exc_info=error)


class _Session(smtp.SMTP):
    """One connection."""

    line_length_limit = 65_536

    def __init__(self, listener: InboundListener, loop: asyncio.AbstractEventLoop) -> None:
        terms = listener.terms
        super().__init__(
            None,
            data_size_limit=terms.max_message_size,
            enable_SMTPUTF8=True,
            hostname=terms.hostname,
            ident="ESMTP",
            tls_context=listener.context() if terms.tls == "starttls" and listener.context else None,
            timeout=SILENCE,
            command_call_limit=COMMANDS,
            loop=loop,
        )
        # A constant of this connection: aiosmtpd's is shared by all and grows with each EHLO (faults S8).
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
        self._listener = listener
        self._place = ""
        self._places: dict[str, Place] = {}
        self._errors = 0

    # -- the transport's side ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._original_transport is None:
            self._place = _place(transport)
            if not self._listener.enter(self, self._place):
                self._refuse_entry(transport)
                return
        super().connection_made(transport)

    def _refuse_entry(self, transport: Any) -> None:
        self.session = None
        transport.write(b"421 4.3.2 Too many connections, please try again later\r\n")
        transport.close()

    def eof_received(self) -> bool | None:
        return False if self.session is None else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._listener.leave(self, self._place)
        if self.session is not None:
            super().connection_lost(error)

    def hang_up(self) -> None:
        """End the connection."""
        if self.transport is not None:
            self.transport.close()

    async def push(self, status: Any) -> None:
        if status[:1] in ("4", "5"):
            if status[4:6] not in ("4.", "5."):  # aiosmtpd's own words have no enhanced code (RFC 2034)
                status = f"{status[:4]}{status[0]}.5.2 {status[4:]}"
            self._errors += 1
            if self._errors >= ERRORS and self.transport is not None:
                await super().push("421 4.7.0 Too many errors")
                self.transport.close()
                return
        await super().push(status)

    async def handle_exception(self, error: Exception) -> str:
        log.error("a session of the inbound listener failed", exc_info=error)
        self._forget()
        return "451 4.3.0 Not now, please try again"

    def _forget(self) -> None:
        self._places = {}
        self._set_rset_state()  # type: ignore[no-untyped-call]

    # -- commands -----------------------------------------------------------------------------

    async def _helo(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1."""
        await self._greet(hostname, [])

    async def _ehlo(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1, with what we understand."""
        offered = [f"SIZE {self._listener.terms.max_message_size}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
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
        """RFC 5321 §4.1.1.2. Who writes is of no interest: a return path proves nothing."""
        path, parameters = _path(arg, "FROM:")
        if path is None or not self._is_path(path, null=True):
            await self.push("501 5.1.7 Not a sender")
        elif self.session is None or not self.session.host_name:
            await self.push("503 5.5.1 EHLO first")
        elif self.envelope is None or self.envelope.mail_from is not None:
            await self.push("503 5.5.1 MAIL was said already")
        elif _size(parameters) > self._listener.terms.max_message_size:
            await self.push("552 5.3.4 Too large")
        else:
            self.envelope.mail_from = path
            await self.push("250 2.1.0 OK")

    async def _rcpt(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.3: an address of ours, or nobody."""
        path, _ = _path(arg, "TO:")
        if self.envelope is None or self.envelope.mail_from is None:
            await self.push("503 5.5.1 MAIL first")
        elif len(self._places) >= self._listener.terms.max_recipients:
            await self.push("452 4.5.3 Too many recipients")
        elif path is None or (place := self._recognised(path)) is None:
            self._listener.counts["unknown"] += 1
            await self.push(NO_SUCH)
        else:
            self._places[place.address] = place
            await self.push(OKAY)

    def _recognised(self, path: str) -> Place | None:
        try:
            return self._listener.returns.place(parse_path(path))
        except AddressError:
            return None

    @staticmethod
    def _is_path(path: str, *, null: bool) -> bool:
        if null and path == "<>":
            return True
        try:
            parse_path(path)
        except AddressError:
            return False
        return True

    async def _data(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.4."""
        if arg:
            await self.push("501 5.5.4 DATA takes nothing")
            return
        if not self._places:
            await self.push("503 5.5.1 RCPT first")
            return
        await self.push("354 End with a dot on a line of its own")
        incoming = _Incoming(self._listener)
        try:
            async with asyncio.timeout(self._listener.terms.message_time):
                await self._receive(incoming)
            places = list(self._places.values())
            self._forget()
            reply = incoming.refusal or await self._listener.commit(places, incoming.message())
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
        """Everything up to the final dot; what follows it is put back."""
        end = EndOfData()
        while not incoming.hopeless:
            # All that is there, so that what follows the dot is put back in front of what comes.
            block = await self._reader.read(1 << 30)
            if not block:
                raise ConnectionResetError("the client left within its message")
            self._reset_timeout()
            at = end.find(block)
            incoming.add(block if at < 0 else block[:at])
            if at >= 0:
                if rest := block[at:]:
                    self._reader.feed_data(rest)
                return

    async def _vrfy(self, _: str | None) -> None:
        """RFC 5321 §3.5.3: nothing is told."""
        await self.push("252 2.1.5 Send something, I will see")


class _Incoming:
    """A message on its way in: takes memory as it grows, keeps nothing of one that is refused."""

    def __init__(self, listener: InboundListener) -> None:
        self._listener = listener
        self._limit = listener.terms.max_message_size + len(b".\r\n")
        self._kept = bytearray()
        self._held = 0
        self._total = 0
        self.refusal = ""

    @property
    def hopeless(self) -> bool:
        """Whether it is no use to wait for its end."""
        return self._total > 2 * self._limit + STEP

    def add(self, block: bytes) -> None:
        """The next piece."""
        self._total += len(block)
        if self._total > self._limit:
            self.refusal = "552 5.3.4 Too large"
        elif self._total > self._held and not self.refusal:
            self._grow()
        if self.refusal:
            self._kept = bytearray()
        else:
            self._kept += block

    def _grow(self) -> None:
        more = max(STEP, self._total - self._held)
        if self._listener.take_memory(more):
            self._held += more
        else:
            self.refusal = "452 4.3.1 Too much at once, please try again later"

    def message(self) -> bytes:
        """The whole message."""
        return unstuffed(bytes(self._kept))

    def release(self) -> None:
        """Gives the memory back."""
        self._listener.memory -= self._held
        self._held = 0


def _place(transport: asyncio.BaseTransport) -> str:
    """What a connection counts under; empty for loopback, which is exempt."""
    peer = transport.get_extra_info("peername")
    host = str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""
    try:
        return "" if ip_address(host).is_loopback else host
    except ValueError:
        return host


def _path(arg: str | None, keyword: str) -> tuple[str | None, list[str]]:
    """Path and parameters of MAIL and RCPT; no path when it is neither."""
    words = (arg or "").strip()
    if words[: len(keyword)].upper() != keyword:
        return None, []
    path, *parameters = words[len(keyword) :].strip().split(" ")
    return (path if path.startswith("<") else None), [p for p in parameters if p]


def _size(parameters: list[str]) -> int:
    """What SIZE announces (RFC 1870 §6); other parameters are of no consequence here."""
    given = next((p[5:] for p in parameters if p.upper().startswith("SIZE=")), "0")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
