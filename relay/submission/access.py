"""Establishes who the client is: EHLO, STARTTLS and AUTH, up to the point where mail may be sent.

A wrong login is delayed, a right one never is; after several wrong ones the connection is closed. Everything said
before TLS is forgotten. Neither a password nor a complete name is logged.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import cast

import structlog

from relay.store.writer import Unavailable
from relay.submission import wording
from relay.submission.command import BadCommand
from relay.submission.connection import Connection, Work
from relay.submission.greeting import NAME_LIMIT
from relay.submission.sasl import MECHANISMS, Exchange, Login
from relay.submission.service import Service
from relay.submission.submission import AuthRefused, Principal

log = structlog.get_logger()

_HELLO_PIECE = 4096  # octets; no buffer of an SSL protocol is smaller


class Access(Connection):
    """A connection that knows its client."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(service, loop)
        self._principal: Principal | None = None
        self._exchange: Exchange | None = None
        self._errors = self._junk = self._auth_failures = 0

    @abstractmethod
    def _reset(self) -> None:
        """Forget the transaction."""

    def _error(self, reply: bytes) -> None:
        self._errors += 1
        if self._errors >= self.terms.limits.errors:
            self._leave(wording.TOO_MANY_ERRORS)
        else:
            self._say(reply)

    def _idle(self, reply: bytes) -> None:
        """Reply to a command that brings no message closer."""
        self._junk += 1
        if self._junk > self.terms.limits.junk:
            self._leave(wording.TOO_MUCH_JUNK)
        else:
            self._say(reply)

    # -- EHLO and the like ------------------------------------------------------------

    def _ehlo(self, name: str) -> None:
        over_tls, greeting = self.session.ssl is not None, self.service.greeting
        self._hello(name, greeting.over_tls if over_tls else greeting.in_clear, extended=True)

    def _helo(self, name: str) -> None:
        self._hello(name, self.service.greeting.helo, extended=False)

    def _hello(self, name: str, reply: bytes, *, extended: bool) -> None:
        if not name:
            raise BadCommand(wording.NO_NAME)
        if len(name.encode()) > NAME_LIMIT:
            raise BadCommand(wording.LONG_NAME)
        self._reset()
        self.session.host_name = name
        self.session.extended_smtp = extended
        self._idle(reply)

    def _rset(self, argument: str) -> None:
        if argument:
            raise BadCommand(wording.NO_ARGUMENT)
        self._reset()
        self._idle(wording.OK)

    def _noop(self, _: str) -> None:
        self._idle(wording.OK)

    def _help(self, _: str) -> None:
        self._idle(wording.HELP)

    def _vrfy(self, _: str) -> None:
        self._idle(wording.VRFY)

    def _quit(self, _: str) -> None:
        self._goodbye()

    # -- TLS ----------------------------------------------------------------------------

    def _starttls(self, argument: str) -> Work | None:
        if argument:
            raise BadCommand(wording.NO_ARGUMENT)
        if self.session.ssl is not None:
            raise BadCommand(wording.TLS_TWICE)
        if self.terms.tls != "starttls":
            raise BadCommand(wording.TLS_NOT_HERE)
        if self._at < len(self._input) or self._more:  # CVE-2024-34083: never run what came before the handshake
            self.traffic.counts["starttls_injections"] += 1
            self._leave(wording.TLS_PIPELINED)
            return None
        if self.transport is not None:
            self.transport.pause_reading()  # the client's hello, which may be here already, is for the handshake
        self._say(wording.READY_FOR_TLS)
        self._flush()
        return self._start_tls, False

    async def _start_tls(self, implicit: bool) -> None:
        """Do the handshake, for STARTTLS and implicit TLS alike.

        It uses the loop's own start_tls instead of aiosmtpd's: that works on uvloop, lets nothing slip in between,
        and ends a handshake that never completes (faults S15).
        """
        assert self.transport is not None
        plain = self.transport
        self._input, self._at = b"", 0
        secure = None
        try:
            handshake = self.loop.create_task(self._handshake(plain))
            if implicit:
                self.loop.call_soon(self.loop.call_soon, self._hand_over, plain)
            secure = await handshake
        except (OSError, EOFError) as error:  # ssl.SSLError and TimeoutError are OSErrors
            log.info("tls handshake failed", peer=self.session.peer, error=type(error).__name__)
        finally:
            if secure is None or self._gone:
                self.traffic.counts["tls_handshakes_failed"] += 1
                plain.abort()
        if secure is None or self._gone:
            self._end_of_plain()
            return
        self.transport = secure
        self._forget_all()
        self.session.ssl = {"object": secure.get_extra_info("ssl_object")}
        self._worked = True
        if not self._greeted:
            self._greet_soon()

    async def _handshake(self, plain: asyncio.Transport) -> asyncio.Transport | None:
        timeouts = self.terms.timeouts
        return await self.loop.start_tls(
            plain,
            self,
            self.service.context(),
            server_side=True,
            ssl_handshake_timeout=timeouts.handshake,
            ssl_shutdown_timeout=timeouts.linger,
        )

    def _hand_over(self, plain: asyncio.Transport) -> None:
        """Data received before the handshake was set up is the client's hello: uvloop reads from the
        first moment on.
        """
        data = bytes(self._more)
        self._more.clear()
        if not hasattr(plain.get_protocol(), "get_buffer"):  # start_tls has already failed
            return
        protocol = cast("asyncio.BufferedProtocol", plain.get_protocol())  # uvloop's class only behaves like one
        for at in range(0, len(data), _HELLO_PIECE):
            piece = data[at : at + _HELLO_PIECE]
            memoryview(protocol.get_buffer(len(piece)))[: len(piece)] = piece
            protocol.buffer_updated(len(piece))

    def _end_of_plain(self) -> None:
        """Clean up ourselves: after a failed handshake connection_lost may never be called."""
        handler, self._handler_coroutine = self._handler_coroutine, None
        self.connection_lost(None)
        self._handler_coroutine = handler

    def _forget_all(self) -> None:
        """Forget everything said in clear text (RFC 3207 §4.2)."""
        self.session.host_name = None
        self.session.extended_smtp = False
        self._reset()
        self._principal = self._exchange = None
        if self._credential:
            self.traffic.forget(self._place, self._credential)
            self._credential = ""

    # -- AUTH ---------------------------------------------------------------------------

    def _auth(self, argument: str) -> Work | None:
        mechanism, _, initial = argument.partition(" ")
        if not self.session.extended_smtp:
            raise BadCommand(wording.EHLO_FIRST)
        if self.session.ssl is None and not self.terms.plaintext_auth:
            self.traffic.counts["auth_in_clear_refused"] += 1  # STARTTLS may have been stripped on the way (faults S13)
            raise BadCommand(wording.TLS_FOR_AUTH)
        if self._principal is not None:  # so there is no transaction either (RFC 4954 §4): MAIL needs a login
            raise BadCommand(wording.AUTH_TWICE)
        if mechanism.upper() not in MECHANISMS:
            raise BadCommand(wording.AUTH_MECHANISM)
        self._exchange = Exchange(mechanism.upper())
        return self._go_on(self._exchange.begin, initial.strip(" ").encode())

    def _respond(self, exchange: Exchange, line: bytes) -> Work | None:
        try:
            return self._go_on(exchange.respond, line)
        except BadCommand as bad:
            self._error(bad.reply)
            return None

    def _go_on(self, step: Callable[[bytes], bytes | Login], response: bytes) -> Work | None:
        try:
            outcome = step(response)
        except BadCommand:
            self._exchange = None
            raise
        if isinstance(outcome, bytes):
            self._say(outcome)
            return None
        self._exchange = None
        return self._log_in, outcome

    def _too_long(self) -> None:
        self._exchange = None
        super()._too_long()

    async def _log_in(self, login: Login) -> None:
        try:
            principal = await self._principal_of(login)
        except AuthRefused as refused:
            await self._login_refused(login, refused)
        except Unavailable:
            self._say(wording.AUTH_BUSY)
        else:
            self._logged_in(login, principal)

    async def _principal_of(self, login: Login) -> Principal:
        if not (login.user and login.password):  # RFC 4616 §2: neither may be empty
            raise AuthRefused("wrong")
        return await self.service.desk.authenticate(login.user, login.password)

    def _logged_in(self, login: Login, principal: Principal) -> None:
        if not self.traffic.prove(self._place, principal.credential_id):
            self._leave(wording.TOO_MANY_OF_CREDENTIAL)
            return
        self.service.throttle.succeeded(self.session.peer or "", login.user)
        self._principal, self._credential = principal, principal.credential_id
        self.session.authenticated = True
        self.traffic.counts["logins"] += 1
        self._say(wording.AUTHENTICATED)

    async def _login_refused(self, login: Login, refused: AuthRefused) -> None:
        self.traffic.counts[f"logins_{refused.kind}"] += 1
        if refused.kind == "busy":
            self._say(wording.AUTH_BUSY)
            return
        self._auth_failures += 1
        locked_out, reply = False, wording.AUTH_REVOKED
        if refused.kind == "wrong":
            peer = self.session.peer or ""
            penalty = self.service.throttle.failed(peer, self._place, login.user)
            log.info("login refused", peer=peer, user=hint(login.user.encode()), delay=penalty.delay)
            await self.service.throttle.sleep(penalty.delay)
            locked_out, reply = penalty.locked_out, wording.AUTH_WRONG
        if locked_out or self._auth_failures >= self.terms.limits.auth_failures:
            self._leave(wording.AUTH_TOO_OFTEN)
        else:
            self._error(reply)


def hint(octets: bytes) -> str:
    """The part of a stranger's input that may be logged: it might contain a password."""
    return "".join(chr(o) if chr(o).isalnum() and o < 128 else "?" for o in octets[:6])
