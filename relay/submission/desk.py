"""The front desk: answers the questions that sessions and the API have about a sender, a recipient or a message.

The answers at MAIL and RCPT reserve nothing and may be up to a second old; what counts is the decision made
in the committing transaction. If anything cannot be read, Unavailable is raised: a failed read never lets
mail pass.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from policy.decision import REFUSED, Check, Refusal, failed
from policy.engine import at_mail, at_rcpt
from policy.facts import Facts
from policy.secrets import SecretScanner
from policy.settings import PolicySettings
from policy.state import Ahead, RecipientState, State
from policy.usage import WINDOWS
from relay.aside import aside
from relay.mail.address import Address
from relay.store import traces
from relay.store.parcel import Parcel
from relay.store.rates import RateBook
from relay.store.reader import Reader
from relay.store.recollection import Asked
from relay.store.room import Room
from relay.store.sends import insert_body
from relay.store.snapshot import Snapshot
from relay.store.writer import Unavailable, Writer
from relay.submission.account import Account, Accounts
from relay.submission.incoming import IN_THREAD
from relay.submission.intake import Intake, Judged, Prepared
from relay.submission.login import Logins
from relay.submission.patience import Patience, Turns
from relay.submission.preparation import Common, prepare, recipient_facts
from relay.submission.submission import Answer, AuthRefused, Door, Principal, Submission, Unmet
from relay.submission.turned_away import DoorBook, Refused, TurnedAway
from relay.watch import Watch, span

log = structlog.get_logger()

LARGE = 256 * 1024  # octets; a larger body is stored before its batch, so that the batch stays small
A_RECIPIENT = 32 * 1024  # octets that a recipient counts like: no batch has more than 256
SENDERS = 1000  # how many senders' states are cached
FRESH = 1000  # milliseconds for which a sender's state is used
REVOKED = failed(
    "credential_active", Refusal("credential_revoked", "this credential was revoked", "human", "ask_human")
)
MAY_NOT_SEND = failed(
    "credential_active", Refusal("permission_missing", "this credential may not send", "human", "ask_human")
)
NO_MAILBOX = failed(
    "sender_identity", Refusal("sender_not_allowed", "this credential has no mailbox yet", "human", "ask_human")
)
TOLERANCE = 50  # it is read again once a fiftieth of the smallest limit was used since


class _Looked(Struct, frozen=True):
    """A question about a sender and its recipients; one round of the reader answers many."""

    asked: Asked
    now: int


class _Sender(Struct):
    """A sender's state as it was read, and how much of its mail was taken here since then."""

    read_at: int
    state: State
    policy: PolicySettings
    bearable: int  # how much of its mail may be taken before it is read again
    taken: int = 0

    def is_fresh(self, now: int, policy: PolicySettings) -> bool:
        """For a second at most, and for less time if the mail taken since may have used up a limit."""
        return 0 <= now - self.read_at < FRESH and self.taken <= self.bearable and policy is self.policy


def _tightest(policy: PolicySettings, state: State) -> int:
    """The lowest of all limits that apply to the sender."""
    limits = [rule.limit for rule in (policy.recipient_burst, policy.first_contact_limit)]
    for window in WINDOWS:
        own = getattr(policy, f"rate_limit_{window}").limit
        found = (own, getattr(state.mailbox.tightened, window), getattr(state.tenant.limits, window))
        limits.extend(limit for limit in found if limit is not None)
    return min(limits)


class FrontDesk:
    """What every session and every HTTP call talks to."""

    def __init__(
        self,
        *,
        reader: Reader,
        writer: Writer,
        accounts: Accounts,
        logins: Logins,
        intake: Intake,
        turned_away: TurnedAway,
        common: Callable[[], Common],
        scanner: Callable[[frozenset[str], Account], SecretScanner],
        mail_hosts: Callable[[Sequence[str]], Any],
        look_for_keys: Callable[[], Awaitable[None]],
        on_parcel: Callable[[Parcel], None],
        room: Room,
        new_send_id: Callable[[], str],
        clock: Callable[[], int],
        watch: Watch,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._accounts = accounts
        self._logins = logins
        self._intake = intake
        self._turned_away = turned_away
        self._door = DoorBook()
        self._patience, self._turns = Patience(), Turns()
        self._common = common
        self._scanner = scanner
        self._mail_hosts = mail_hosts
        self._look_for_keys = look_for_keys
        self._looked_for_keys = 0
        self._on_parcel = on_parcel
        self._room = room
        self.new_send_id = new_send_id
        self._clock = clock
        self._watch = watch
        self._rates = RateBook()
        self._senders: OrderedDict[str, _Sender] = OrderedDict()
        self.calls = 0  # submissions under way that did not come from a session

    async def authenticate(self, username: str, password: str) -> Principal:
        """The principal behind a login. Raises AuthRefused or Unavailable."""
        principal = await self._logins.authenticate(username, password)
        if not await self._accounts.is_active(principal.credential_id):
            raise AuthRefused("revoked")  # a cached login whose credential was revoked since
        return principal

    def wait_of(self, mailbox_id: str) -> int:
        """The seconds until mail of a mailbox is judged again that asked too much in vain; 0 if it is judged now."""
        return self._patience.wait(mailbox_id, self._clock())

    def tried(self, mailbox_id: str, recipients: int) -> None:
        """Mail of the mailbox is judged and not sent."""
        self._patience.lose(mailbox_id, recipients, self._clock())

    async def at_mail(self, principal: Principal, mail_from: Address | None) -> Check | None:
        """The check that already forbids this sender, or None. Raises Unavailable, with `full` where nobody
        may send now.
        """
        self._room.claim()
        if not principal.operator and not await self._accounts.is_active(principal.credential_id):
            return REVOKED
        if not principal.may("send"):
            return MAY_NOT_SEND
        if not principal.mailbox_id or await self._accounts.get(principal.mailbox_id) is None:
            return NO_MAILBOX
        account = await self._account(principal)
        facts = self._envelope(account, mail_from, ())
        state = await self._sender_state(Asked.of(facts, account.policy))
        found = at_mail(account.policy, facts, state)
        return Unmet.of(found, state) if found is not None else None

    async def at_rcpt(
        self, principal: Principal, mail_from: Address | None, recipient: Address, ahead: Ahead
    ) -> Check | Ahead:
        """The check that already forbids this recipient, or what is then ahead of the next."""
        account = await self._account(principal)
        facts = self._envelope(account, mail_from, (recipient,))
        asked = Asked.of(facts, account.policy)
        sender = await self._sender_state(asked)
        known = await self._reader.ask(self._look_at_recipients, asked)
        state = sender.about(known)
        found = at_rcpt(account.policy, facts, state, ahead)
        return Unmet.of(found, state, ahead) if isinstance(found, Check) else found

    def note(self, principal: Principal, unmet: Check, at: Door) -> str:
        """Record a refusal given before the message is judged, without waiting for it; returns the send
        id to report.
        """
        account = self._accounts.known(principal.mailbox_id)
        if account is None:
            return at.send_id  # a credential without a mailbox belongs to no tenant for which it could be recorded
        envelope = self._envelope(account, at.mail_from, (at.recipient,) if at.recipient else ())
        longest = account.policy.options.longest
        refused = Refused(replace(envelope, send_id=at.send_id), principal.credential_id, unmet, at.phase, longest)
        first, is_new = self._door.first_id(refused)
        self.tried(account.mailbox_id, 1)
        self._watch.decided("refused_at_door", unmet.refusal.reason if unmet.refusal else "", "smtp")
        try:
            written = self._writer.put(self._turned_away, (refused, is_new))
        except Unavailable as error:
            log.warning("refusal not recorded", send=first, error=str(error))
        else:
            written.add_done_callback(_tell_if_lost)
        return first

    async def submit(self, submission: Submission) -> Answer:
        """Decide and store in one commit. Raises Unavailable; then nothing was taken."""
        self._room.claim()
        with self._counted(submission), span("submission", send=submission.send_id, source=submission.origin.source):
            prepared = await self.prepare(submission)
            if prepared.facts.size > LARGE:
                prepared = await self._store_first(prepared)
            mailbox, recipients = prepared.facts.mailbox, len(prepared.facts.recipients)
            size = recipients * A_RECIPIENT + (0 if prepared.stored else prepared.facts.size)
            with span("intake", send=submission.send_id, mailbox=mailbox):
                async with self._turns.turn(mailbox, recipients):
                    judged: Judged = await _committed(self._writer.put(self._intake, prepared, size))
        if judged.parcel is not None:
            self._on_parcel(judged.parcel)
        self._took(prepared.facts, judged.answer)
        return judged.answer

    @contextlib.contextmanager
    def _counted(self, submission: Submission) -> Iterator[None]:
        is_call = submission.origin.source != "smtp"
        self.calls += is_call
        try:
            yield
        finally:
            self.calls -= is_call

    async def prepare(self, submission: Submission) -> Prepared:
        """The submission, read and planned; nothing is decided or stored."""
        account = await self._account(submission.principal)
        scanner = self._scanner(await self._accounts.secrets(), account)
        hosts: dict[str, str] = {}
        if account.policy.recipient_valid.check_mx:
            hosts = await self._mail_hosts([r.domain for r in submission.rcpt_to])
        if len(submission.data) <= IN_THREAD:
            prepared = prepare(submission, account, self._common(), scanner, hosts)
        else:
            prepared = await aside(prepare, submission, account, self._common(), scanner, hosts)
        return prepared if not prepared.facts.unsigned else await self._with_fresh_keys(prepared)

    async def _with_fresh_keys(self, prepared: Prepared) -> Prepared:
        """A domain that had no DKIM key may have one by now: the keys are read again, at most once a second."""
        now = self._clock()
        if not 0 <= now - self._looked_for_keys < FRESH:
            self._looked_for_keys = now
            await self._look_for_keys()
        facts = prepared.facts
        return replace(prepared, facts=replace(facts, unsigned=not self._common().signs(facts.from_domain)))

    async def simulate(self, submission: Submission) -> tuple[Prepared, State]:
        """What would be judged, and from which state; nothing is reserved or stored."""
        prepared = await self.prepare(submission)
        asked = Asked.of(prepared.facts, prepared.policy)
        return prepared, await self._reader.ask(self._look, _Looked(asked, prepared.facts.now))

    async def recorded(self, send_id: str) -> dict[str, Any] | None:
        """The recorded decision of a send, with its addresses; None if there is none. Raises Unavailable."""
        return await self._reader.call(lambda connection: traces.shown(connection, send_id))

    def forget(self) -> None:
        """Empty the caches: the configuration or an account changed."""
        self._accounts.forget()
        self._logins.forget()
        self._senders.clear()

    # -- details ----------------------------------------------------------------------

    async def _account(self, principal: Principal) -> Account:
        account = await self._accounts.get(principal.mailbox_id) if principal.mailbox_id else None
        if account is None:
            raise Unavailable("the mailbox of this credential does not exist yet")
        if account.is_foreign:
            log.warning(
                "another machine's configuration file declares a mailbox that this one's does not; its mail is"
                " refused temporarily: give all machines the same file",
                mailbox=account.name,
            )
            raise Unavailable("its rules are not known here")
        return account

    def _envelope(self, account: Account, mail_from: Address | None, rcpt_to: Sequence[Address]) -> Facts:
        return Facts(
            send_id="",
            now=self._clock(),
            tenant=account.tenant_id,
            mailbox=account.mailbox_id,
            source="smtp",
            mail_from=mail_from.wire if mail_from else "",
            recipients=tuple(recipient_facts(r, self._common(), {}) for r in rcpt_to),
            from_domain=mail_from.domain if mail_from else "",
            sender_addresses=(mail_from.exact,) if mail_from else (),
        )

    async def _sender_state(self, asked: Asked) -> State:
        """The mailbox's own state, at most a second old."""
        mark = f"{asked.facts.mailbox} {asked.facts.from_domain}"
        sender = self._senders.get(mark)
        if sender is None or not sender.is_fresh(asked.facts.now, asked.policy):
            state = await self._reader.ask(self._look, _Looked(asked, asked.facts.now))
            bearable = _tightest(asked.policy, state) // TOLERANCE
            sender = self._senders[mark] = _Sender(asked.facts.now, state, asked.policy, bearable)
            if len(self._senders) > SENDERS:  # bounded, since the client chooses the domain in the key
                self._senders.popitem(last=False)
        return sender.state

    def _took(self, facts: Facts, answer: Answer) -> None:
        """Count what was taken or refused, since it makes the cached state of the sender outdated; then log
        the decision.
        """
        sender = self._senders.get(f"{facts.mailbox} {facts.from_domain}")
        if sender is not None:
            sender.taken += len(facts.recipients) if answer.decision.accepted() else 1
        decision = answer.decision
        if decision.decision in REFUSED:
            self.tried(facts.mailbox, len(facts.recipients))
        self._watch.decided(decision.decision, decision.reason, facts.source)
        log.info(
            "judged",
            send=answer.send_id,
            decision=decision.decision,
            reason=decision.reason,
            rule=decision.rule,
            mailbox=facts.mailbox,
            source=facts.source,
            replayed=answer.replayed,
        )

    def _look(self, connection: Connection, questions: Sequence[_Looked]) -> Sequence[State]:
        """One round of the reader: answers all the questions from one snapshot."""
        asked = [q.asked for q in questions]
        snapshot = Snapshot.look(connection, asked, now=max(q.now for q in questions), rates=self._rates)
        return [snapshot.state(a) for a in asked]

    def _look_at_recipients(
        self, connection: Connection, asked: Sequence[Asked]
    ) -> Sequence[Mapping[str, RecipientState]]:
        """One round of the reader for all RCPT commands that wait."""
        snapshot = Snapshot.look_at_recipients(connection, asked, now=self._clock())
        return [snapshot.recipients(a) for a in asked]

    async def _store_first(self, prepared: Prepared) -> Prepared:
        submission = prepared.submission
        await self._writer.run(lambda c: insert_body(c, submission.send_id, submission.data))
        return replace(prepared, stored=True)


async def _committed(waiting: "asyncio.Future[Judged]") -> Judged:
    """The result of work in the writer's queue. It cannot be recalled from there, so a caller that is
    cancelled meanwhile still gets the outcome.
    """
    while not waiting.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(waiting)
    return waiting.result()


def _tell_if_lost(written: "asyncio.Future[None]") -> None:
    """Nobody waits for the record of a refusal at the door, so a failure to write it is logged."""
    if not written.cancelled() and (error := written.exception()) is not None:
        log.warning("refusal not recorded", error=str(error))
