"""A submission session (RFC 6409): takes commands, gives replies, decides nothing itself.

What may be sent is decided by the desk; a session knows the order of commands, who is logged in, and the
limits of its listener. `250` after the final dot is said only after the commit, whether or not the client is
still connected; in every other case the answer is a refusal and the transaction is forgotten. No content of a
message and no credential is logged at any level.
"""

import asyncio
import re
from collections.abc import Callable

import structlog
from msgspec import Struct, field

from policy.decision import Check, Refusal
from policy.settings import Options
from policy.state import ALONE, Ahead
from relay.aside import aside
from relay.mail.address import Address, AddressError, parse_path
from relay.store.writer import Unavailable
from relay.submission import wording
from relay.submission.access import Access, hint
from relay.submission.command import BadCommand, MailCommand, read_mail, read_rcpt
from relay.submission.connection import Work
from relay.submission.greeting import repeatable
from relay.submission.incoming import IN_THREAD, Incoming, has_endless_line
from relay.submission.service import Service
from relay.submission.submission import Answer, Door, Origin, Phase, Submission
from relay.submission.terms import Terms

log = structlog.get_logger()

_EXTRA = 65_536  # octets that must be free before a message begins


class Transaction(Struct):
    """The state from MAIL to the end of the message."""

    send_id: str
    mail_from: Address | None
    smtputf8: bool
    options: Options
    recipients: dict[str, Address] = field(default_factory=dict)  # keyed by the address as the client wrote it
    ahead: Ahead = ALONE  # what they use up
    refused: list[Refusal] = field(default_factory=list)
    over: bool = False  # there was a recipient too many


class Session(Access):
    """One submission session."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(service, loop)
        self._transaction: Transaction | None = None
        self._phase: Phase = "MAIL"
        self._send_id = ""
        self._transactions = 0

    # -- one line ---------------------------------------------------------------------

    def _obey(self, line: bytes) -> Work | None:
        if self._exchange is not None:
            return self._respond(self._exchange, line)
        verb, _, rest = line.partition(b" ")
        command = _COMMANDS.get(verb) or _COMMANDS.get(verb.upper())
        if command is None:
            self._unknown(verb.upper(), line)
            return None
        run, limit = command
        if len(line) + 2 > limit:
            self._too_long()
            return None
        try:
            return run(self, _text(rest))
        except BadCommand as bad:
            self._error(bad.reply)
            return None

    def _unknown(self, verb: bytes, line: bytes) -> None:
        # A browser, port scanner or proxy; what follows may look like SMTP and must not be carried out (faults S10).
        if verb in _NOT_SMTP or line[:1] == b"\x16":
            self.traffic.counts["not_smtp"] += 1
            self._leave(wording.NOT_SMTP)
        elif verb in _KNOWN_ELSEWHERE:
            self._error(wording.NOT_IMPLEMENTED)
        else:
            log.debug("unknown command", peer=self.session.peer, length=len(line), begins=hint(line))
            self._error(wording.BAD_CHARACTERS if _CONTROLS.search(line) else wording.UNKNOWN)

    # -- MAIL ---------------------------------------------------------------------------

    def _mail(self, argument: str) -> Work | None:
        if not self.session.host_name:
            raise BadCommand(wording.EHLO_FIRST)
        if self._principal is None:
            raise BadCommand(self._who_are_you())
        if self._transaction is not None:
            raise BadCommand(wording.NESTED_MAIL)
        command = read_mail(argument, extended=self.session.extended_smtp)
        self._transactions += 1
        age = self.traffic.clock() - self._born
        if self._transactions > self.terms.limits.transactions or age > self.terms.timeouts.connection:
            self._leave(wording.TOO_OLD)
            return None
        return self._begin, command

    def _who_are_you(self) -> bytes:
        in_clear = self.session.ssl is None and not self.terms.plaintext_auth
        return wording.TLS_REQUIRED if in_clear and self.terms.tls == "starttls" else wording.AUTH_REQUIRED

    async def _begin(self, command: MailCommand) -> None:
        assert self._principal is not None
        desk = self.service.desk
        self._phase, self._send_id = "MAIL", desk.new_send_id()
        try:
            mail_from = parse_path(command.path, smtputf8=command.smtputf8) if command.path else None
        except AddressError as error:
            options = self.terms.options(self._principal)
            self._refuse(wording.bad_sender(error), Transaction(self._send_id, None, command.smtputf8, options))
            return
        if wait := desk.wait_of(self._principal.mailbox_id):
            self._say(self._failed(wording.too_often(wait)))
            return
        unmet = self._no_room(command.size) or await desk.at_mail(self._principal, mail_from)
        # Asked after the desk, which has read the mailbox by then: before its first message its options are not cached.
        transaction = Transaction(self._send_id, mail_from, command.smtputf8, self.terms.options(self._principal))
        if unmet is not None:
            self._refuse(unmet, transaction)
            return
        self._transaction = transaction
        self.traffic.begin(self)
        self._say(wording.OK_MAIL)

    def _no_room(self, size: int) -> Check | None:
        if size > self.terms.max_message_size:
            return wording.too_large(self.terms.max_message_size)
        return None if self.traffic.memory.has(max(size, _EXTRA)) else wording.NO_ROOM

    def _refuse(self, unmet: Check, transaction: Transaction, recipient: Address | None = None) -> None:
        assert self._principal is not None
        assert unmet.refusal is not None
        at = Door(self._phase, transaction.send_id, transaction.mail_from, recipient)
        send_id = self.service.desk.note(self._principal, unmet, at)
        reply = wording.refused(unmet.refusal, self._phase, send_id, transaction.options.longest)
        self._say(wording.line(reply))

    # -- RCPT ---------------------------------------------------------------------------

    def _rcpt(self, argument: str) -> Work | None:
        transaction = self._transaction
        if transaction is None:
            raise BadCommand(wording.MAIL_FIRST if self.session.host_name else wording.EHLO_FIRST)
        path = read_rcpt(argument)
        self._phase = "RCPT"
        try:
            recipient = parse_path(path, smtputf8=transaction.smtputf8)
        except AddressError as error:
            self._refuse_recipient(wording.bad_recipient(error), transaction)
            return None
        if recipient.wire in transaction.recipients:
            self._say(wording.OK_RCPT)
            return None
        if too_many := self._one_too_many(transaction):
            self._refuse(too_many, transaction)
            return None
        return self._ask_about, recipient

    def _one_too_many(self, transaction: Transaction) -> Check | None:
        if transaction.mail_from is None and transaction.recipients:
            return wording.ONE_ONLY
        if len(transaction.recipients) < self.terms.max_recipients:
            return None
        transaction.over = True
        return wording.TOO_MANY

    async def _ask_about(self, recipient: Address) -> None:
        principal, transaction = self._principal, self._transaction
        assert principal is not None
        assert transaction is not None
        found = await self.service.desk.at_rcpt(principal, transaction.mail_from, recipient, transaction.ahead)
        if isinstance(found, Check):
            self._refuse_recipient(found, transaction, recipient)
            return
        transaction.ahead = found
        transaction.recipients[recipient.wire] = recipient
        self._say(wording.OK_RCPT)

    def _refuse_recipient(self, unmet: Check, transaction: Transaction, recipient: Address | None = None) -> None:
        assert unmet.refusal is not None
        transaction.refused.append(unmet.refusal)
        # Each refusal is recorded, so their number is limited too.
        if len(transaction.refused) > self.terms.max_recipients:
            self._leave(wording.TOO_MANY_ERRORS)
            return
        self._refuse(unmet, transaction, recipient)

    # -- DATA ---------------------------------------------------------------------------

    def _data(self, argument: str) -> None:
        transaction = self._transaction
        if argument:
            raise BadCommand(wording.NO_ARGUMENT)
        if transaction is None:
            raise BadCommand(wording.MAIL_FIRST if self.session.host_name else wording.EHLO_FIRST)
        if not transaction.recipients:
            raise BadCommand(wording.NO_RECIPIENTS)
        self._phase = "DATA"
        incoming = Incoming(self.terms.max_message_size, self.traffic.memory)
        if unmet := self._not_even_asked(transaction, incoming):
            incoming.release()
            self._reset()
            self._refuse(unmet, transaction)
            return
        self._message = incoming
        self._begun = self._since = self.traffic.clock()
        self._say(wording.GO_AHEAD)

    @staticmethod
    def _not_even_asked(transaction: Transaction, incoming: Incoming) -> Check | None:
        """Refusals decided by the envelope alone, for mailboxes whose clients take «no exception» as «all sent»."""
        options = transaction.options
        if transaction.over and (options.over_rcpt == "reject_all" or options.strict_recipients):
            return wording.TOO_MANY
        if transaction.refused and options.strict_recipients:
            return wording.partly(transaction.refused, options.longest)
        return wording.NO_ROOM if incoming.exhausted else None

    async def _received(self, _: bytes) -> None:
        incoming, transaction = self._message, self._transaction
        assert incoming is not None
        assert transaction is not None
        self._message = self._transaction = None
        try:
            submission = await self._read(incoming, transaction)
        except BaseException:
            incoming.release()
            raise
        if isinstance(submission, Check):
            self._reset()
            incoming.release()
            self._refuse(submission, transaction)
            return
        self._flush()
        answer = await self._submitted(submission, incoming)
        reply = wording.answered(answer, transaction.options)
        if reply[:1] == b"2":
            self._errors = self._junk = 0
        self._say(reply)

    async def _read(self, incoming: Incoming, transaction: Transaction) -> Submission | Check:
        assert self._principal is not None
        if incoming.exhausted:
            return wording.NO_ROOM
        large = incoming.total > IN_THREAD
        data = await aside(_whole, incoming, self.terms) if large else _whole(incoming, self.terms)
        if isinstance(data, Check):
            return data
        incoming.settle(len(data))
        return Submission(
            send_id=transaction.send_id,
            principal=self._principal,
            origin=self._origin(transaction),
            mail_from=transaction.mail_from,
            rcpt_to=tuple(transaction.recipients.values()),
            data=data,
            received_at=self.service.now_ms(),
        )

    def _origin(self, transaction: Transaction) -> Origin:
        session = self.session
        helo = repeatable(session.host_name or "")
        return Origin("smtp", helo, session.peer or "", session.ssl is not None, transaction.smtputf8)

    async def _submitted(self, submission: Submission, incoming: Incoming) -> Answer:
        """Wait until the submission is stored; the end of the connection does not cancel it (faults S42)."""
        self._committing = True
        try:
            with self.traffic.commit():
                await self.traffic.cohort.join(self)
                return await self.service.desk.submit(submission)
        finally:
            self._committing = False
            incoming.release()
            if self._gone:
                log.info("client gone before its answer", send=submission.send_id)

    # -- when the house fails -----------------------------------------------------------

    def _late(self) -> bytes:
        return self._failed(wording.OVERDUE)

    def _trouble(self, error: Exception) -> bytes:
        if isinstance(error, Unavailable):
            return self._failed(wording.FULL if error.full else wording.UNAVAILABLE)
        log.error("internal error in a command", send=self._send_id, phase=self._phase, exc_info=error)
        self._reset()
        return self._failed(wording.BROKEN)

    def _failed(self, why: Refusal) -> bytes:
        if not self._send_id:
            return wording.TROUBLE
        if self._phase == "RCPT" and self._transaction is not None:
            self._transaction.refused.append(why)
        return wording.line(wording.refused(why, self._phase, self._send_id))

    def _in_transaction(self) -> bool:
        return self._transaction is not None

    def _reset(self) -> None:
        """Forget the transaction: its message is no longer expected."""
        self._transaction = None
        self.traffic.cohort.excuse(self)


_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def _text(argument: bytes) -> str:
    """The argument of a command as text. Raises BadCommand if it is not text."""
    try:
        text = argument.decode()
    except UnicodeDecodeError as error:
        raise BadCommand(wording.BAD_UTF8) from error
    if not text.isprintable() and any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise BadCommand(wording.BAD_CHARACTERS)
    return text.strip(" ")


def _whole(incoming: Incoming, terms: Terms) -> bytes | Check:
    """The message, or the check that refuses it."""
    data = incoming.message(normalise=terms.bare_newline == "normalize")
    if data is None:
        return wording.too_large(terms.max_message_size)
    return wording.LONG_LINE if has_endless_line(data) else data


_COMMAND_LIMIT = 512  # RFC 5321 §4.5.3.1.4, with CRLF
_MAIL_LIMIT = (
    _COMMAND_LIMIT + 26 + 17 + 10 + 500
)  # SIZE, BODY, SMTPUTF8 and AUTH add to it (RFC 1870, 6152, 6531, 4954)
_AUTH_LIMIT = 2048  # RFC 4616 §2 bounds a PLAIN response to some 1,024 octets of base64

_COMMANDS: dict[bytes, tuple[Callable[[Session, str], Work | None], int]] = {
    b"EHLO": (Session._ehlo, _COMMAND_LIMIT),
    b"HELO": (Session._helo, _COMMAND_LIMIT),
    b"STARTTLS": (Session._starttls, _COMMAND_LIMIT),
    b"AUTH": (Session._auth, _AUTH_LIMIT),
    b"MAIL": (Session._mail, _MAIL_LIMIT),
    b"RCPT": (Session._rcpt, _COMMAND_LIMIT),
    b"DATA": (Session._data, _COMMAND_LIMIT),
    b"RSET": (Session._rset, _COMMAND_LIMIT),
    b"NOOP": (Session._noop, _COMMAND_LIMIT),
    b"QUIT": (Session._quit, _COMMAND_LIMIT),
    b"HELP": (Session._help, _COMMAND_LIMIT),
    b"VRFY": (Session._vrfy, _COMMAND_LIMIT),
}
_KNOWN_ELSEWHERE = frozenset(
    b"EXPN BDAT BURL ETRN ATRN TURN SEND SOML SAML XCLIENT XFORWARD".split()  # RFC 5321 §4.2.4: 502, not 500
)
_NOT_SMTP = frozenset(b"GET POST PUT HEAD OPTIONS CONNECT DELETE PATCH TRACE HOST: PROXY".split())
