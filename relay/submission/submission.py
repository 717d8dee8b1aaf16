"""The values that pass between sessions or HTTP and intake: what is submitted and what is answered."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from policy.decision import Check, Decision
from policy.state import ALONE, Ahead, State
from relay.mail.address import Address


class Principal(Struct, frozen=True):
    """Who submits, authenticated: a credential of one mailbox of one tenant, or the operator.

    `permissions` contains any of send, read and manage. `scope` is the mailbox's address for keys made before
    their mailbox exists (`mailbox_id` is then empty and sending is refused).
    """

    credential_id: str
    tenant_id: str
    mailbox_id: str
    permissions: frozenset[str]
    username: str = ""
    scope: str = ""
    operator: bool = False

    def may(self, permission: str) -> bool:
        """Whether the credential has `permission`; the operator has all of them."""
        return self.operator or permission in self.permissions


Source = Literal["smtp", "http"]


class Origin(Struct, frozen=True):
    """How a submission reached us, for Received and the log."""

    source: Source
    helo: str = ""
    peer: str = ""
    tls: bool = False
    smtputf8: bool = False


Phase = Literal["MAIL", "RCPT", "DATA"]


class Door(Struct, frozen=True):
    """The stage of a transaction that was refused before its message was judged."""

    phase: Phase
    send_id: str
    mail_from: Address | None
    recipient: Address | None = None


class Unmet(Check, frozen=True):
    """A check that failed before the message was judged, with its grounds: the state, and what was in the envelope."""

    state: State | None = None
    ahead: Ahead = ALONE

    @classmethod
    def of(cls, check: Check, state: State, ahead: Ahead = ALONE) -> "Unmet":
        """The check with its grounds."""
        return cls(check.rule, check.status, check.recipient, check.evidence, check.refusal, state, ahead)


class Wishes(Struct, frozen=True):
    """What the client asked for by header or field; nothing here can loosen a rule."""

    dedupe_key: str = ""
    idempotency_key: str = ""
    campaign: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    claim: str = ""
    send_at: int = 0


class Submission(Struct, frozen=True):
    """One message with its envelope. `mail_from` None is the null sender. `data` has CRLF line ends and its
    dots unstuffed.
    """

    send_id: str
    principal: Principal
    origin: Origin
    mail_from: Address | None
    rcpt_to: tuple[Address, ...]
    data: bytes
    received_at: int  # milliseconds since the epoch
    wishes: Wishes = Wishes()


class Answer(Struct, frozen=True):
    """The answer to a submission: the decision and the id under which it can be found.

    If everything was a replay, `send_id` is the id of the first send.
    """

    send_id: str
    decision: Decision
    replayed: bool = False
    held: bool = False


class AuthRefused(Exception):
    """A login that is not accepted. `kind`: wrong (535), revoked (525), busy (454)."""

    def __init__(self, kind: Literal["wrong", "revoked", "busy"]) -> None:
        super().__init__(kind)
        self.kind = kind


class Desk(Protocol):
    """What a session asks. The answers at MAIL and RCPT reserve nothing; the binding decision is made by `submit`."""

    async def authenticate(self, username: str, password: str) -> Principal:
        """The principal behind a login. Raises AuthRefused, or Unavailable if the login cannot be checked now."""

    def wait_of(self, mailbox_id: str) -> int:
        """The seconds until mail of a mailbox is judged again that asked too much in vain; 0 if it is judged now."""

    async def at_mail(self, principal: Principal, mail_from: Address | None) -> Check | None:
        """The check that already forbids this sender; None to go on. Raises Unavailable."""

    async def at_rcpt(
        self, principal: Principal, mail_from: Address | None, recipient: Address, ahead: Ahead
    ) -> Check | Ahead:
        """The check that forbids this recipient, or what is then ahead of the next. Raises Unavailable."""

    def note(self, principal: Principal, unmet: Check, at: Door) -> str:
        """Record a refusal given before the message is judged, without waiting for it; returns the send
        id to report.
        """

    async def submit(self, submission: Submission) -> Answer:
        """Decide and store in one commit. Raises Unavailable; then nothing was taken."""

    def new_send_id(self) -> str:
        """A new send id, made at MAIL and kept for the whole transaction."""
