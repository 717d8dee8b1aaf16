"""One client connection: reads lines, writes replies, and enforces a deadline for every phase.

Commands that need nothing from the desk are answered as soon as their bytes arrive. The first command that
has to wait starts one task, which then works through everything the client has pipelined after it. The
replies of one batch are sent in one write. A connection that waits for its client has neither a task nor a
timer: `Traffic` checks all connections once a second.

When the client hangs up, the task ends, but a commit under way belongs to the process and goes on. A client
that closed only its sending direction still gets its replies. Before closing, the client is given time to
read the last reply: closing a socket with unread input resets the connection and discards the reply.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from aiosmtpd import smtp

from relay.submission import wording
from relay.submission.incoming import Incoming
from relay.submission.service import Service
from relay.submission.traffic import place_of

LONGEST_LINE = 2048  # octets of any line, with CRLF; commands have lower limits of their own
MOST_WAITING = 65_536  # octets read ahead while a command is being handled
COMMANDS_IN_A_ROW = 100  # handled before other clients get their turn

Work = tuple[Callable[[Any], Awaitable[None]], Any]

REFUSED_ENTRY = {
    "draining": wording.SHUTTING_DOWN,
    "full": wording.TOO_MANY_CONNECTIONS,
    "address": wording.TOO_MANY_OF_ADDRESS,
}


class Connection(smtp.SMTP):
    """The transport side of a session."""

    transport: asyncio.Transport | None
    session: smtp.Session

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd's own __init__ inspects all members of itself and of a handler for every connection and makes a
        # StreamReader (measured: 170 us against 4). Neither is used here, so only the attributes that its lifecycle
        # methods and asyncio read are set.
        self.loop = self._loop = loop
        self.transport = None
        self.session = smtp.Session(loop)
        self._handler_coroutine = None
        self.service = service
        self.terms = service.terms
        self.traffic = service.traffic
        self._place = ""
        self._credential = ""
        self._born = self._deadline = self._since = self._begun = service.traffic.clock()
        self._input = b""
        self._at = 0
        self._more = bytearray()
        self._out: list[bytes] = []
        self._message: Incoming | None = None
        self._greeted = self._closing = self._gone = self._ended = False
        self._overlong = self._overdue = self._held_back = self._worked = False
        self._committing = False  # while set, the handler's task belongs to the process and nothing here may cancel it
        self._stuck_since = 0.0
        self._row = self._overlong_lines = 0

    # -- what the session adds --------------------------------------------------------

    @abstractmethod
    def _obey(self, line: bytes) -> Work | None:
        """Carry out a command line; a command that has to wait is returned as work to do."""

    @abstractmethod
    async def _received(self, _: bytes) -> None:
        """The message is complete."""

    @abstractmethod
    async def _start_tls(self, implicit: bool) -> None:
        """Do the TLS handshake, then greet the client if it was not greeted before."""

    @abstractmethod
    def _in_transaction(self) -> bool:
        """Whether MAIL was accepted and its message has not arrived yet."""

    @abstractmethod
    def _trouble(self, error: Exception) -> bytes:
        """Forget the transaction; return the reply for an internal failure."""

    @abstractmethod
    def _late(self) -> bytes:
        """Forget the transaction; return the reply for a command that took us too long."""

    # -- the transport's calls ----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio.Transport, but behave like it.
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.session.peer = peer[0] if isinstance(peer, tuple) else str(peer or "")
        self._place = place_of(self.session.peer, self.terms.trusted_networks)
        admission = self.traffic.enter(self, self._place)
        self._deadline = self._born + self.terms.timeouts.command
        if admission != "admitted":
            self._turn_away(REFUSED_ENTRY[admission])
        elif self.terms.tls == "implicit":
            self._start((self._start_tls, True))
        else:
            self._greet_soon()

    def _turn_away(self, reply: bytes) -> None:
        assert self.transport is not None
        self._closing = True
        if self.terms.tls != "implicit":  # before the handshake the client could not read it
            self.transport.write(reply)
        self.transport.close()

    def _greet_soon(self) -> None:
        # Two turns of the loop later: whatever the client sent before being greeted has been read by then (faults S10).
        self.loop.call_soon(self.loop.call_soon, self._greet)

    def _greet(self) -> None:
        if not self._closing and not self._gone:
            self._greeted = True
            self._say(self.service.greeting.banner)
            self._flush()

    def data_received(self, data: bytes) -> None:
        if self._handler_coroutine is not None or self._stuck_since:
            self._hold_back(data)
        elif not self._greeted:
            self._leave(wording.EARLY)
        elif not self._closing:
            self._input = self._input[self._at :] + data if self._at < len(self._input) else data
            self._at = 0
            self._go()

    def _hold_back(self, data: bytes) -> None:
        """Keep the data for later, and pause reading once it is too much."""
        self._more += data
        if len(self._more) > MOST_WAITING and not self._held_back and self.transport is not None:
            self._held_back = True
            self.transport.pause_reading()

    def _take_held_back(self) -> None:
        if self._more:
            self._input = self._input[self._at :] + bytes(self._more)
            self._at = 0
            self._more.clear()
        if self._held_back and self.transport is not None:
            self._held_back = False
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        """True keeps our direction open, so that the client still gets its replies. TLS has no half-close."""
        self._ended = True
        return self.session.ssl is None and (self._handler_coroutine is not None or bool(self._more))

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        if self._gone:
            return
        self._gone = self._closing = True
        if self._message is not None:
            self.traffic.counts["messages_cut_off"] += 1
            self._message.release()
            self._message = None
        if self._handler_coroutine is not None and not self._committing:
            self._handler_coroutine.cancel()
        self.traffic.leave(self, self._place, self._credential)
        self.transport = None

    def pause_writing(self) -> None:
        self._stuck_since = self.traffic.clock() or 1e-9

    def resume_writing(self) -> None:
        self._stuck_since = 0.0
        if self._handler_coroutine is None and not self._closing:
            self._take_held_back()
            self._go()

    # -- working through what came --------------------------------------------------------

    def _go(self) -> None:
        work = self._advance()
        if work is not None:
            self._start(work)
        else:
            self._rest()

    def _start(self, work: Work) -> None:
        self._since = self.traffic.clock()
        self._handler_coroutine = self.loop.create_task(self._handle(work))

    async def _handle(self, first: Work) -> None:
        work: Work | None = first
        try:
            while work is not None:
                await self._do(work)
                if self._gone:
                    return
                self._since = self.traffic.clock()
                self._row += 1
                if self._row >= COMMANDS_IN_A_ROW:
                    self._row = 0
                    self._flush()
                    await asyncio.sleep(0)
                self._take_held_back()  # directly before looking at the input: nothing may come in between
                work = self._advance()
        finally:
            self._handler_coroutine = None
        self._rest()

    async def _do(self, work: Work) -> None:
        """Wait for one command. Any internal failure becomes a temporary refusal that reveals nothing of its cause."""
        method, argument = work
        try:
            await method(argument)
            self._forgive()  # it may have been cancelled as overdue and have completed all the same
        except asyncio.CancelledError:
            if not self._forgive():
                raise
            self._say(self._late())
        except Exception as error:  # noqa: BLE001 - the last resort: answered with 451, logged with the id
            self._forgive()
            self._say(self._trouble(error))

    def _forgive(self) -> bool:
        """Whether the command under way was cancelled as overdue; the mark is cleared, so the next has its
        full time.
        """
        was_overdue, self._overdue = self._overdue, False
        task = asyncio.current_task()
        if was_overdue and task is not None:
            task.uncancel()
        return was_overdue

    def _advance(self) -> Work | None:
        """Do everything that can be done at once, up to the first command that has to wait; return that one."""
        while not self._closing and not self._stuck_since:
            if self._message is not None:
                return self._read_message(self._message)
            end = self._input.find(b"\n", self._at)
            if end < 0:
                self._keep_rest()
                return None
            line = self._input[self._at : end - 1 if self._input[end - 1 : end] == b"\r" and end > self._at else end]
            self._at = end + 1
            self._worked = True
            if self._overlong or len(line) > LONGEST_LINE:
                self._too_long()
            elif (work := self._guarded(line)) is not None:
                return work
        return None

    def _guarded(self, line: bytes) -> Work | None:
        try:
            return self._obey(line)
        except Exception as error:  # noqa: BLE001 - as in _do
            self._say(self._trouble(error))
            return None

    def _keep_rest(self) -> None:
        """Keep an incomplete line until the rest arrives; once it is over the limit, discard it as it comes."""
        self._input = self._input[self._at :]
        self._at = 0
        if self._overlong or len(self._input) > LONGEST_LINE:
            self._overlong = True
            self._input = b""

    def _too_long(self) -> None:
        self._overlong = False
        self._overlong_lines += 1
        if self._overlong_lines >= self.terms.limits.overlong:
            self._leave(wording.TOO_LONG)
        else:
            self._say(wording.TOO_LONG)

    def _read_message(self, incoming: Incoming) -> Work | None:
        block = self._input[self._at :] if self._at else self._input
        self._since = self.traffic.clock()
        end = incoming.feed(block)
        if end < 0:
            self._input, self._at = b"", 0
            if incoming.hopeless:
                self._leave(b"552 5.3.4 Far too much, closing\r\n")
            return None
        self._at += end
        self._worked = True
        return self._received, b""

    def _rest(self) -> None:
        """All input is dealt with: send the replies and wait for the client."""
        self._row = 0
        self._flush()
        if self._closing or self.transport is None:
            return
        if self._ended:
            self._closing = True
            self.transport.close()
        elif self.traffic.draining and self._message is None:
            self._leave(wording.SHUTTING_DOWN)
        elif self._worked:
            self._worked = False
            self._deadline = self.traffic.clock() + self.terms.timeouts.command

    # -- replies ------------------------------------------------------------------------

    def _say(self, reply: bytes) -> None:
        self._out.append(reply)

    def _flush(self) -> None:
        if self._out and self.transport is not None:
            out = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
            self.transport.write(out)

    def _leave(self, reply: bytes) -> None:
        """Send a last reply and give the client time to read it."""
        self._say(reply)
        self._flush()
        self._closing = True
        if self.transport is None:
            return
        if self._message is not None:
            self._message.release()
            self._message = None
        self._deadline = self.traffic.clock() + self.terms.timeouts.linger
        if self.transport.can_write_eof() and not self._ended:
            if self._held_back:
                self._held_back = False
                self.transport.resume_reading()
            with suppress(OSError):  # the client is gone already; asyncio tells us next
                self.transport.write_eof()
        else:
            self.transport.close()

    def _goodbye(self) -> None:
        """Say goodbye and close at once: the client asked for it."""
        self._say(wording.BYE)
        self._flush()
        self._closing = True
        if self.transport is not None:
            self.transport.close()

    # -- time and the end -----------------------------------------------------------------

    def look(self, now: float) -> None:
        """Enforce the deadlines; called once a second."""
        timeouts = self.terms.timeouts
        if self._stuck_since and now - self._stuck_since > timeouts.write:
            self.traffic.counts["clients_that_do_not_read"] += 1
            self._stuck_since = 0.0  # the end of an aborted connection is told later, maybe after another look
            self.abort()
        elif self._closing:
            if now > self._deadline:
                self.abort()
        elif self._handler_coroutine is not None:
            if now - self._since > timeouts.handler and not self._overdue:
                self._hurry()
        elif self._message is not None:
            if now > self._message_due(self._message):
                self._leave(wording.TIMED_OUT)
        elif now > self._deadline:
            self._leave(wording.TIMED_OUT)
        elif now - self._born > timeouts.connection and not self._in_transaction():
            self._leave(wording.TOO_OLD)

    def _message_due(self, incoming: Incoming) -> float:
        timeouts = self.terms.timeouts
        earned = incoming.total / timeouts.data_rate
        return min(self._since + timeouts.data, self._begun + timeouts.message + earned)

    def _hurry(self) -> None:
        """Cancel the command under way because it took us too long.

        This asks a submission to withdraw. It ends as cancelled if nothing was stored, otherwise with its
        answer. So 451 is only said if nothing was committed, and 250 only after a commit (faults S43).
        """
        self._overdue = True
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def retire(self) -> None:
        """Say 421 and close if nothing is under way; otherwise `_rest` does so later."""
        if self._handler_coroutine is None and self._message is None and not self._closing:
            self._leave(wording.SHUTTING_DOWN)

    def abort(self) -> None:
        """Close the connection now, without a reply."""
        self._closing = True
        if self.transport is not None:
            self.transport.abort()
