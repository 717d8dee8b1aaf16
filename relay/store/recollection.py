"""What Gatepost remembers, read for a whole batch of submissions with a handful of queries.

Counts are locked before they are read (`guard`), so two machines are as exact as one.
`look` locks and creates nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple, Self

from msgspec import Struct, field
from sqlalchemy import Connection

from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings
from policy.state import Cluster, Consent, Earlier, Rates, Sent, Suppression
from policy.usage import Usage
from relay.store import guard
from relay.store.consents import counting_consents
from relay.store.domains import suffixes
from relay.store.engine import loads
from relay.store.prepared import Prepared
from relay.store.rates import RateBook
from relay.store.suppressions import binding_suppressions
from relay.store.tokens import of_people


class Asked(NamedTuple):
    """One submission as the snapshot needs it, with the fingerprints by which a repeat is recognised."""

    facts: Facts
    policy: PolicySettings
    marks: Sequence[Mapping[str, int]]  # per recipient, by kind
    request: Mapping[str, int]  # by kind, for the whole request; only HTTP has these

    @classmethod
    def of(cls, facts: Facts, policy: PolicySettings) -> "Asked":
        """A submission of a mailbox that has this policy."""
        kinds = _marked(facts, asks=polls(facts, policy))
        marks = [{k: fingerprint(facts.mailbox, r.key, k, v) for k, v in kinds.items()} for r in facts.recipients]
        return cls(facts, policy, marks, _request_marks(facts))

    def person(self, recipient: RecipientFacts) -> str:
        """The key under which mail to the person is remembered."""
        return recipient.person(fold=self.policy.suppression_check.fold_aliases)


class Contact(Struct):
    """What one mailbox remembers of one address or, where aliases are folded, of a person under the alias key.

    A message to a tagged address is recorded in both, because a person's row has room for only so many messages.
    `leaving` holds the times at which postponed mail that counts for the cooldown leaves. It is stored in the
    column of `recent`, as entries without a sketch, which every program version so far skips.
    """

    first_at: int = 0
    last_at: int = 0
    last_commercial_at: int = 0
    delivered_at: int = 0
    replied_at: int = 0
    alias_at: int = 0
    recent: list[Sent] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)
    changed: bool = False

    def with_person(self, person: "Contact") -> "Contact":
        """This address, combined with what is remembered of its person under any spelling."""
        return Contact(
            self.first_at,
            self.last_at,
            max(self.last_commercial_at, person.last_commercial_at),
            self.delivered_at,
            max(self.replied_at, person.replied_at),
            max(person.last_at, person.alias_at),
            [*person.recent, *(sent for sent in self.recent if sent not in person.recent)],
            [*person.leaving, *(at for at in self.leaving if at not in person.leaving)],
        )

    def take_recent(self, written: str) -> None:
        """Read what `as_recent` wrote."""
        for at, sketch in loads(written) if written != "[]" else ():
            if sketch:
                self.recent.append(Sent(at, tuple(sketch)))
            else:
                self.leaving.append(at)

    def forget(self, accepted_at: int, leaves_at: int) -> None:
        """Remove the sketch and the future departure of a message that does not leave."""
        if (sent := next((s for s in self.recent if s.at == accepted_at), None)) is not None:
            self.recent.remove(sent)
        if leaves_at in self.leaving:
            self.leaving.remove(leaves_at)

    def as_recent(self) -> list[Any]:
        """Sketches and departures as plain data."""
        return [*([s.at, s.sketch] for s in self.recent), *([at, ()] for at in self.leaving)]


class Counts(Struct):
    usage: Usage
    clusters: list[Cluster] = field(default_factory=list)
    changed: bool = False

    @classmethod
    def of(cls, row: Any) -> "Counts":
        """The counts in a row of `usage`; empty if there is no row."""
        return cls(Usage()) if row is None else cls(Usage.from_json(loads(row.counts)), _clusters(row.recent))


def fingerprint(mailbox_id: str, recipient_key: str, kind: str, value: str) -> int:
    """Identifies equal submissions to one recipient, by `kind` key, message_id or content.

    Without a recipient it identifies equal requests, by `kind` key or idempotency_key.
    """
    words = f"{mailbox_id}\0{recipient_key}\0{kind}\0{value}"
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big", signed=True)


def polls(facts: Facts, policy: PolicySettings) -> bool:
    """Whether the client learns what became of a held message by sending it again."""
    return facts.source == "smtp" and policy.options.hold_reply == "tempfail"


def _marked(facts: Facts, *, asks: bool) -> dict[str, str]:
    """By what an earlier copy of this message is found; by `held` only one that waits for a person."""
    # The same content for another time is another message; the same key or Message-ID says that it is not.
    content = f"{facts.digest}\0{facts.send_at}" if facts.digest and facts.send_at else facts.digest
    held = content if asks else ""
    marks = {"key": facts.dedupe_key, "message_id": facts.message_id, "held": held, "content": content}
    return {kind: value for kind, value in marks.items() if value}


def _request_marks(facts: Facts) -> dict[str, int]:
    """The fingerprints by which an earlier answer to the same request is found."""
    if facts.source != "http":
        return {}
    marks = (("key", facts.dedupe_key), ("idempotency_key", facts.idempotency_key))
    return {kind: fingerprint(facts.mailbox, "", kind, value) for kind, value in marks if value}


_MAILBOXES = Prepared(
    "SELECT m.id, m.name, m.address, m.settings, m.status, m.paused_by, m.cause, m.autonomy, m.role,"
    " m.allowed_classes, m.tightened, m.updated_at, t.status AS tenant_status, t.cause AS tenant_cause,"
    " t.limits AS tenant_limits FROM mailboxes m JOIN tenants t ON t.id = m.tenant_id WHERE m.id IN :ids[]"
)
_DOMAINS = Prepared(
    "SELECT name, tenant_id, status, verification, physical_address, first_sent_at FROM domains WHERE name IN :names[]"
)
_TIMES = attrgetter("first_at", "last_at", "last_commercial_at", "delivered_at", "replied_at", "alias_at")
_CONTACTS = Prepared(
    "SELECT key, mailbox_id, first_at, last_at, last_commercial_at, delivered_at, replied_at, alias_at, recent"
    " FROM contacts WHERE tenant_id = :tenant AND key IN :keys[]"
)
_DUPLICATES = Prepared(
    "SELECT fingerprint, send_id, at FROM duplicates WHERE fingerprint IN :marks[] AND expires_at > :now"
)
_BECAME = Prepared("SELECT send_id, recipient_key, state, reason FROM deliveries WHERE send_id IN :ids[]")
_USAGE = Prepared("SELECT scope, counts, recent FROM usage WHERE scope IN :scopes[] ORDER BY scope")


class Recollection:
    """The data read for one batch."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._mailboxes: dict[str, Any] = {}
        self._domains: dict[str, Any] = {}
        self._counts: dict[str, Counts] = {}
        self._contacts: dict[tuple[str, str], dict[str, Contact]] = {}
        self._suppressions: dict[tuple[str, str, str], tuple[Suppression, ...]] = {}
        self._consents: dict[tuple[str, str], Consent] = {}
        self._earlier: dict[int, Earlier] = {}
        self._new_duplicates: dict[int, dict[str, Any]] = {}
        self._became: dict[str, dict[str, Any]] = {}  # deliveries of the first sends, by send id and recipient
        self._rates: dict[str, tuple[Rates, ...]] = {}
        self.tokens: dict[tuple[str, str], str] = {}

    @classmethod
    def read(
        cls,
        connection: Connection,
        asked: Sequence[Asked],
        *,
        now: int,
        rates: RateBook,
        token: Callable[[], str],
    ) -> Self:
        """Read everything the batch needs; counts are locked first."""
        snapshot = cls(connection, now)
        snapshot._read_accounts(asked)
        snapshot._lock_usage(asked)
        snapshot.tokens = tokens_of(connection, [a.facts for a in asked], token)
        snapshot._read_past(asked, rates)
        return snapshot

    @classmethod
    def look(cls, connection: Connection, asked: Sequence[Asked], *, now: int, rates: RateBook) -> Self:
        """Like `read`, but locks and creates nothing: for answers that reserve nothing."""
        snapshot = cls(connection, now)
        snapshot._read_accounts(asked)
        scopes = sorted({scope for a in asked for scope in snapshot._scopes(a)})
        snapshot._take_usage(scopes, _USAGE.all(connection, scopes=scopes))
        for counts in snapshot._counts.values():
            if counts.usage.set_back(now):
                counts.usage = Usage()  # the correction cannot be stored here, and would be made anew at each look
        snapshot._read_past(asked, rates)
        return snapshot

    @classmethod
    def look_at_recipients(cls, connection: Connection, asked: Sequence[Asked], *, now: int) -> Self:
        """Read only what is remembered of the recipients: for RCPT, where the sender is known already."""
        snapshot = cls(connection, now)
        snapshot._read_contacts(asked)
        snapshot._suppressions = binding_suppressions(connection, [(a.facts, a.policy) for a in asked], now)
        return snapshot

    @classmethod
    def counting(cls, connection: Connection, asked: Sequence[Asked], *, now: int) -> Self:
        """Read only the counts, locked: for copies that were accepted before and leave now."""
        snapshot = cls(connection, now)
        snapshot._read_accounts(asked)
        snapshot._lock_usage(asked)
        return snapshot

    # -- reading --------------------------------------------------------------------

    def _read_accounts(self, asked: Sequence[Asked]) -> None:
        ids = sorted({a.facts.mailbox for a in asked})
        self._mailboxes = {row.id: row for row in _MAILBOXES.all(self._connection, ids=ids)}
        names = sorted({name for domain in {a.facts.from_domain for a in asked} for name in suffixes(domain)})
        self._domains = {row.name: row for row in _DOMAINS.all(self._connection, names=names)}

    def _lock_usage(self, asked: Sequence[Asked]) -> None:
        scopes = sorted({scope for a in asked for scope in self._scopes(a)})
        self._take_usage(scopes, guard.lock(self._connection, scopes))
        for counts in self._counts.values():
            counts.changed = counts.usage.set_back(self._now)

    def _take_usage(self, scopes: Sequence[str], rows: Sequence[Any]) -> None:
        known = {row.scope: row for row in rows}
        self._counts = {scope: Counts.of(known.get(scope)) for scope in scopes}

    def _scopes(self, asked: Asked) -> Iterable[str]:
        """The counters this submission reads and adds to."""
        facts, policy = asked.facts, asked.policy
        yield guard.of_mailbox(facts.mailbox)
        row = self._mailboxes.get(facts.mailbox)
        limited = row is not None and loads(row.tenant_limits)
        if limited or policy.recipient_lease.mode != "off":
            yield guard.of_tenant(facts.tenant)
        if policy.recipient_domain_throttle.mode != "off":
            yield from {guard.of_throttle(facts.tenant, r.domain) for r in facts.recipients}
        if policy.warmup.mode != "off":
            yield guard.of_ramp(facts.from_domain)

    def _read_contacts(self, asked: Sequence[Asked]) -> None:
        wanted: dict[str, set[str]] = {}
        for a in asked:
            for r in a.facts.recipients:
                wanted.setdefault(a.facts.tenant, set()).update((r.key, a.person(r)))
        for tenant, keys in sorted(wanted.items()):
            for row in _CONTACTS.all(self._connection, tenant=tenant, keys=sorted(keys)):
                contact = Contact(*_TIMES(row))
                contact.take_recent(row.recent)
                self._contacts.setdefault((tenant, row.key), {})[row.mailbox_id] = contact

    def _read_past(self, asked: Sequence[Asked], rates: RateBook) -> None:
        """Read what is remembered of the recipients: suppressions, consents, earlier messages and feedback."""
        self._read_contacts(asked)
        judged = [(a.facts, a.policy) for a in asked]
        self._suppressions = binding_suppressions(self._connection, judged, self._now)
        self._consents = counting_consents(self._connection, judged)
        self._read_duplicates(asked)
        for mailbox_id, row in self._mailboxes.items():
            self._rates[mailbox_id] = rates.rates(self._connection, mailbox_id, self._now, row.updated_at)

    def _read_duplicates(self, asked: Sequence[Asked]) -> None:
        kinds = {mark: kind for a in asked for marks in a.marks for kind, mark in marks.items()}
        kinds |= {mark: kind for a in asked for kind, mark in a.request.items()}
        if not kinds:
            return
        for row in _DUPLICATES.all(self._connection, marks=list(kinds), now=self._now):
            self._earlier[row.fingerprint] = Earlier(kinds[row.fingerprint], row.send_id, row.at)
        firsts = {earlier.send_id for earlier in self._earlier.values()}
        for row in _BECAME.all(self._connection, ids=sorted(firsts)) if firsts else ():
            self._became.setdefault(row.send_id, {})[row.recipient_key] = row


def _by_tenant(asked: Iterable[Facts]) -> dict[str, dict[str, str]]:
    """The recipients of the batch by tenant, in order of tenant: key to address."""
    tenants: dict[str, dict[str, str]] = {}
    for facts in sorted(asked, key=lambda facts: facts.tenant):
        tenants.setdefault(facts.tenant, {}).update({r.key: r.address for r in facts.recipients})
    return tenants


def _clusters(recent: str) -> list[Cluster]:
    return [Cluster(tuple(sketch), tuple(times)) for sketch, times in loads(recent)] if recent != "[]" else []


def tokens_of(connection: Connection, asked: Sequence[Facts], token: Callable[[], str]) -> dict[tuple[str, str], str]:
    """The tokens for these recipients, by (tenant, key); missing ones are made."""
    tokens: dict[tuple[str, str], str] = {}
    for tenant, people in _by_tenant(asked).items():
        if people:
            tokens |= of_people(connection, tenant, people, new=token)
    return tokens
