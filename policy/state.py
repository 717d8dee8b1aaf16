"""What Gatepost remembers, as far as one decision needs it.

The store reads it for a whole batch in a few queries; the policy does no I/O. None means that
the value could not be read: the rule that needs it then reports `error`, and the message is
refused temporarily. Times are milliseconds since the epoch; 0 means never.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from policy.usage import Usage, Window


class Limits(Struct, frozen=True):
    """Recipients allowed in each window; None is no limit."""

    hourly: int | None = None
    daily: int | None = None
    monthly: int | None = None

    def as_json(self) -> dict[str, int]:
        """The limits that are set, by window."""
        return {window: limit for window, limit in asdict(self).items() if limit is not None}


AUTONOMY = ("auto_send", "first_contact", "human_approved")  # from loose to strict


def strictness(autonomy: str) -> int:
    """How strict a level is; an unknown level is the strictest."""
    return AUTONOMY.index(autonomy) if autonomy in AUTONOMY else len(AUTONOMY)


class TenantState(Struct, frozen=True):
    """A tenant: `status` is active, paused or disabled; `cause` says who paused it and why."""

    id: str
    status: str = "active"
    cause: str = ""
    limits: Limits = Limits()
    usage: Usage = field(default_factory=Usage)


class MailboxState(Struct, frozen=True):
    """A mailbox at this moment: its declared fields, what tightens them, and its usage.

    `paused_by` is "person", "key" (the agent's own), "policy" or "reputation".
    `tightened` limits apply in addition to the policy's: the smaller one binds. Likewise
    `tightened_autonomy` and `tightened_classes`, empty where nothing was tightened, restrict what
    is declared; `level` and `classes` give the result.
    """

    id: str
    name: str
    addresses: tuple[str, ...]  # keys of the addresses it may send as
    status: str = "active"
    paused_by: str = ""
    cause: str = ""
    autonomy: str = "auto_send"
    role: str = "agent"
    allowed_classes: tuple[str, ...] = ("transactional", "commercial")
    tightened: Limits = Limits()
    tightened_autonomy: str = ""
    tightened_classes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    fan_out: tuple["Cluster", ...] = ()

    @property
    def level(self) -> str:
        """The stricter of the declared autonomy and the tightened one."""
        return max(self.autonomy, self.tightened_autonomy or self.autonomy, key=strictness)

    @property
    def classes(self) -> tuple[str, ...]:
        """The declared classes that have not been withdrawn."""
        kept = self.tightened_classes or self.allowed_classes
        return tuple([name for name in self.allowed_classes if name in kept])


class Cluster(Struct, frozen=True):
    """Near-duplicate messages of a mailbox in the last minutes, represented by one sketch."""

    sketch: tuple[int, ...]
    times: tuple[int, ...]


class DomainState(Struct, frozen=True):
    """The From domain: whether its ownership is proven, and the postal address shown in its commercial mail."""

    name: str
    verified: bool
    physical_address: str = ""
    first_sent_at: int = 0  # for the warm-up ramp
    sent_today: int = 0  # recipients whose mail left today or leaves before midnight UTC
    to_come: Mapping[int, int] = field(default_factory=dict)  # recipients whose mail leaves later, by days from today
    proof: str = "TXT"  # the record that proves ownership: TXT or CNAME


class Suppression(Struct, frozen=True):
    """One suppression that binds: scope is global, tenant, mailbox or domain; kind is why it was made."""

    scope: str
    kind: str  # hard_bounce | soft_bounce | complaint | unsubscribe | manual | legal | domain
    since: int


class Consent(Struct, frozen=True):
    """The newest entry of the consent ledger for a recipient."""

    granted: bool
    at: int
    basis: str = ""
    jurisdiction: str = ""


class Earlier(Struct, frozen=True):
    """An accepted submission that this one may repeat; `kind` is key, idempotency_key, message_id, held or content."""

    kind: str
    send_id: str
    at: int


class Sent(Struct, frozen=True):
    """One message the mailbox sent to a recipient within the last day: the time and the sketch."""

    at: int
    sketch: tuple[int, ...]


class RecipientState(Struct, frozen=True):
    """What is remembered of one recipient, from the point of view of this mailbox.

    Where the policy folds aliases, what was sent and answered (`recent`, `last_commercial_at`, `leaving`,
    `replied_at`, the lease) covers all spellings of the person's address. `first_at`, `last_at` and `delivered_at`
    belong to this exact address: another spelling must not let more through or count differently.
    """

    suppressions: tuple[Suppression, ...] | None = ()
    consent: Consent | None = None
    earlier: tuple[Earlier, ...] | None = ()
    recent: tuple[Sent, ...] | None = ()
    first_at: int = 0  # first message of this mailbox
    last_at: int = 0
    alias_at: int = 0  # newest message to the person under another spelling
    last_commercial_at: int = 0  # newest commercial message that left without having been put off
    leaving: tuple[int, ...] = ()  # when postponed mail that counts for the cooldown leaves
    delivered_at: int = 0
    replied_at: int = 0
    leased_by: str = ""  # the other mailbox of the tenant that wrote last
    leased_at: int = 0


class Ahead(Struct, frozen=True):
    """The recipients already in the envelope of a message that has not come yet, and how many of them are new."""

    recipients: int = 0
    first_contacts: int = 0  # never written to before
    newly_reached: int = 0  # not written to within the burst window


ALONE = Ahead()


class Rates(Struct, frozen=True):
    """Counts over one window, from which rates are computed; they start anew when a person lifts a pause."""

    window: str  # 24h | 7d | 30d
    sent: int
    delivered: int
    bounced: int  # hard bounces
    complained: int
    scope: str = "mailbox"  # mailbox | tenant | domain: whose counts these are
    refused: int = 0  # by providers because of the message itself: never sent, so not part of `sent`


class State(Struct, frozen=True):
    """The snapshot one decision is made from."""

    tenant: TenantState
    mailbox: MailboxState
    domain: DomainState | None  # None: no such domain is known
    recipients: Mapping[str, RecipientState]  # by key
    rates: tuple[Rates, ...] | None = ()
    throttles: Mapping[str, Window] = field(default_factory=dict)  # by recipient domain: when the tenant's mail leaves
    answered: Earlier | None = None  # the first HTTP request with the same key, whoever it was for
    extra: Mapping[str, Any] = field(default_factory=dict)

    def about(self, recipients: Mapping[str, RecipientState]) -> "State":
        """The same state of the sender with other recipients."""
        own = (self.tenant, self.mailbox, self.domain)
        return State(*own, recipients, self.rates, self.throttles, self.answered, self.extra)
