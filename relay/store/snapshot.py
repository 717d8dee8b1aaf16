"""What the house remembers, read once for a whole batch of submissions, and what the batch adds to it.

A snapshot is read inside intake's transaction in a handful of set-wise questions, so that
deciding costs the same with ten million past sends as with none. What is counted is locked
before it is read, on PostgreSQL in one order everywhere (rows of `usage` by scope), so two
machines are as exact as one. What a decision reserves is seen by the next one in the batch.
Nothing is remembered of a refusal.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, text

from policy.decision import Decision
from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings
from policy.sketch import similar
from policy.state import (
    Cluster,
    Consent,
    DomainState,
    Earlier,
    Limits,
    MailboxState,
    Rates,
    RecipientState,
    Sent,
    State,
    Suppression,
    TenantState,
)
from policy.usage import DAY, HOUR, MINUTE, Usage
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.suppressions import binding_suppressions, suffixes

RECENT_KEPT = 32  # messages to one recipient whose sketches are kept for a day
CLUSTERS_KEPT = 16
RATES_TTL = 10 * 1000


class Asked(NamedTuple):
    """One submission as the snapshot needs it."""

    facts: Facts
    policy: PolicySettings


@dataclass(slots=True)
class _Contact:
    first_at: int = 0
    last_at: int = 0
    last_commercial_at: int = 0
    delivered_at: int = 0
    replied_at: int = 0
    recent: list[Sent] = field(default_factory=list)
    changed: bool = False


@dataclass(slots=True)
class _Counts:
    usage: Usage
    clusters: list[Cluster] = field(default_factory=list)
    changed: bool = False


def fingerprint(mailbox_id: str, recipient_key: str, kind: str, value: str) -> bytes:
    """What makes two submissions to one recipient the same, by `kind`: key, message_id or content."""
    return blake2b(f"{mailbox_id}\x00{recipient_key}\x00{kind}\x00{value}".encode(), digest_size=16).digest()


def fingerprints(facts: Facts, recipient: RecipientFacts) -> dict[str, bytes]:
    """The fingerprints under which `recipient` may have got this message before."""
    marks = (("key", facts.dedupe_key), ("message_id", facts.message_id), ("content", facts.digest))
    return {kind: fingerprint(facts.mailbox, recipient.key, kind, value) for kind, value in marks if value}


_MAILBOXES = (
    select(
        t.mailboxes,
        t.tenants.c.status.label("tenant_status"),
        t.tenants.c.cause.label("tenant_cause"),
        t.tenants.c.limits.label("tenant_limits"),
    )
    .join(t.tenants, t.tenants.c.id == t.mailboxes.c.tenant_id)
    .where(t.mailboxes.c.id.in_(bindparam("ids", expanding=True)))
)
_DOMAINS = select(t.domains).where(t.domains.c.name.in_(bindparam("names", expanding=True)))
_PEOPLE = select(t.people.c.key, t.people.c.token).where(
    t.people.c.tenant_id == bindparam("tenant"), t.people.c.key.in_(bindparam("keys", expanding=True))
)
_CONTACTS = select(t.contacts).where(
    t.contacts.c.tenant_id == bindparam("tenant"), t.contacts.c.key.in_(bindparam("keys", expanding=True))
)
_DUPLICATES = select(t.duplicates.c.fingerprint, t.duplicates.c.send_id, t.duplicates.c.at).where(
    t.duplicates.c.fingerprint.in_(bindparam("marks", expanding=True)), t.duplicates.c.expires_at > bindparam("now")
)
_CONSENTS = (
    select(t.consents.c.key, t.consents.c.granted, t.consents.c.at, t.consents.c.basis, t.consents.c.jurisdiction)
    .where(t.consents.c.tenant_id == bindparam("tenant"), t.consents.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(t.consents.c.at, t.consents.c.recorded_at)
)
_USAGE = select(t.usage).where(t.usage.c.scope.in_(bindparam("scopes", expanding=True))).order_by(t.usage.c.scope)
_TALLIES = select(t.tallies).where(t.tallies.c.scope == bindparam("scope"), t.tallies.c.hour >= bindparam("hour"))

_NEW_USAGE = text("INSERT INTO usage (scope) VALUES (:scope) ON CONFLICT (scope) DO NOTHING")
_PUT_USAGE = text("UPDATE usage SET counts = :counts, recent = :recent WHERE scope = :scope")
_NEW_PERSON = text(
    "INSERT INTO people (tenant_id, key, token, address, first_at) VALUES (:tenant, :key, :token, :address, :now)"
    " ON CONFLICT (tenant_id, key) DO NOTHING"
)
_PUT_CONTACT = text(
    "INSERT INTO contacts (tenant_id, key, mailbox_id, first_at, last_at, last_commercial_at, recent)"
    " VALUES (:tenant, :key, :mailbox, :first_at, :last_at, :last_commercial_at, :recent)"
    " ON CONFLICT (tenant_id, key, mailbox_id) DO UPDATE SET last_at = excluded.last_at,"
    " last_commercial_at = excluded.last_commercial_at, recent = excluded.recent"
)
_PUT_DUPLICATE = text(
    "INSERT INTO duplicates (fingerprint, send_id, at, expires_at) VALUES (:fingerprint, :send_id, :at, :expires_at)"
    " ON CONFLICT (fingerprint) DO UPDATE SET send_id = excluded.send_id, at = excluded.at,"
    " expires_at = excluded.expires_at"
)


class RateBook:
    """Rates of reputation per mailbox, read again when they are older than ten seconds.

    They may lag: a pause itself is written in the transaction that records the bounce.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, tuple[Rates, ...]]] = {}

    def rates(self, connection: Connection, mailbox_id: str, now: int, changed_at: int = 0) -> tuple[Rates, ...]:
        """The counts of the last day, week and month; a mailbox changed since (resumed) is read again at once."""
        read_at, rates = self._known.get(mailbox_id, (0, ()))
        if not read_at or now - read_at > RATES_TTL or now < read_at or changed_at >= read_at:
            rates = read_rates(connection, f"mailbox:{mailbox_id}", now)
            self._known[mailbox_id] = (now, rates)
        return rates


def read_rates(connection: Connection, scope: str, now: int) -> tuple[Rates, ...]:
    """The counts of one mailbox, tenant or domain (`mailbox:ID`, `tenant:ID`, `domain:NAME`) over three windows."""
    hour = now // HOUR
    rows = connection.execute(_TALLIES, {"scope": scope, "hour": hour - 30 * 24}).all()
    return tuple(_sum(name, [r for r in rows if r.hour > hour - hours]) for name, hours in _RATE_WINDOWS)


_RATE_WINDOWS = (("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24))


def _sum(window: str, rows: Sequence[Any]) -> Rates:
    return Rates(
        window,
        sent=sum(r.sent for r in rows),
        delivered=sum(r.delivered for r in rows),
        bounced=sum(r.bounced for r in rows),
        complained=sum(r.complained for r in rows),
    )


class Snapshot:
    """The state of a batch. Made by `read`; `accept` reserves, `write` stores what was reserved."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._mailboxes: dict[str, Any] = {}
        self._domains: dict[str, Any] = {}
        self._counts: dict[str, _Counts] = {}
        self._contacts: dict[tuple[str, str], dict[str, _Contact]] = {}
        self._suppressions: dict[tuple[str, str, str], tuple[Suppression, ...]] = {}
        self._consents: dict[tuple[str, str], Consent] = {}
        self._earlier: dict[bytes, Earlier] = {}
        self._new_duplicates: dict[bytes, dict[str, Any]] = {}
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
    ) -> "Snapshot":
        """Ask everything the batch needs; what is counted is locked first."""
        snapshot = cls(connection, now)
        snapshot._read_accounts(asked)
        snapshot._lock_usage(asked)
        for tenant, people in _by_tenant(asked).items():
            snapshot._read_people(tenant, people, token)
            snapshot._read_contacts(tenant, people)
            snapshot._read_consents(tenant, asked)
        snapshot._suppressions = binding_suppressions(connection, [a.facts for a in asked], now)
        snapshot._read_duplicates(asked)
        for mailbox_id, row in snapshot._mailboxes.items():
            snapshot._rates[mailbox_id] = rates.rates(connection, mailbox_id, now, row.updated_at)
        return snapshot

    @classmethod
    def look(cls, connection: Connection, asked: Sequence[Asked], *, now: int, rates: RateBook) -> "Snapshot":
        """As `read`, but nothing is locked or made: for answers that reserve nothing."""
        snapshot = cls(connection, now)
        snapshot._read_accounts(asked)
        scopes = sorted({scope for a in asked for scope in snapshot._scopes(a)})
        snapshot._take_usage(scopes, connection.execute(_USAGE, {"scopes": scopes}).all())
        for tenant, people in _by_tenant(asked).items():
            if people:
                snapshot._read_contacts(tenant, people)
                snapshot._read_consents(tenant, asked)
        snapshot._suppressions = binding_suppressions(connection, [a.facts for a in asked], now)
        snapshot._read_duplicates(asked)
        for mailbox_id, row in snapshot._mailboxes.items():
            snapshot._rates[mailbox_id] = rates.rates(connection, mailbox_id, now, row.updated_at)
        return snapshot

    # -- reading --------------------------------------------------------------------

    def _read_accounts(self, asked: Sequence[Asked]) -> None:
        ids = sorted({a.facts.mailbox for a in asked})
        self._mailboxes = {row.id: row for row in self._connection.execute(_MAILBOXES, {"ids": ids})}
        names = sorted({name for a in asked for name in suffixes(a.facts.from_domain)})
        self._domains = {row.name: row for row in self._connection.execute(_DOMAINS, {"names": names})}

    def _lock_usage(self, asked: Sequence[Asked]) -> None:
        scopes = sorted({scope for a in asked for scope in self._scopes(a)})
        query = _USAGE if self._connection.dialect.name == "sqlite" else _USAGE.with_for_update()
        rows = self._connection.execute(query, {"scopes": scopes}).all()
        if missing := sorted(set(scopes) - {row.scope for row in rows}):
            self._connection.execute(_NEW_USAGE, [{"scope": scope} for scope in missing])
            rows = self._connection.execute(query, {"scopes": scopes}).all()
        self._take_usage(scopes, rows)

    def _take_usage(self, scopes: Sequence[str], rows: Sequence[Any]) -> None:
        self._counts = {scope: _Counts(Usage()) for scope in scopes}
        for row in rows:
            self._counts[row.scope] = _Counts(Usage.from_json(loads(row.counts)), _clusters(row.recent))

    def _scopes(self, asked: Asked) -> Iterable[str]:
        """The counters this submission reads and adds to."""
        facts, policy = asked
        yield f"mailbox:{facts.mailbox}"
        row = self._mailboxes.get(facts.mailbox)
        limited = row is not None and loads(row.tenant_limits)
        if limited or policy.recipient_lease.mode != "off":
            yield f"tenant:{facts.tenant}"
        if policy.recipient_domain_throttle.mode != "off":
            yield from {f"to:{facts.tenant}:{r.domain}" for r in facts.recipients}
        if policy.warmup.mode != "off":
            yield f"from:{facts.from_domain}"

    def _read_people(self, tenant: str, people: Mapping[str, str], token: Callable[[], str]) -> None:
        keys = {"tenant": tenant, "keys": sorted(people)}
        known: list[Any] = list(self._connection.execute(_PEOPLE, keys))
        self.tokens.update({(tenant, row.key): row.token for row in known})
        missing = [key for key in people if (tenant, key) not in self.tokens]
        if not missing:
            return
        rows: list[dict[str, Any]] = [
            {"tenant": tenant, "key": key, "token": token(), "address": people[key], "now": self._now}
            for key in sorted(missing)
        ]
        self._connection.execute(_NEW_PERSON, rows)
        if self._connection.dialect.name == "sqlite":
            self.tokens.update({(tenant, row["key"]): row["token"] for row in rows})
        else:  # another machine may have been first: its token stands
            again = self._connection.execute(_PEOPLE, {"tenant": tenant, "keys": missing})
            self.tokens.update({(tenant, row.key): row.token for row in again})

    def _read_contacts(self, tenant: str, people: Mapping[str, str]) -> None:
        for row in self._connection.execute(_CONTACTS, {"tenant": tenant, "keys": sorted(people)}):
            recent = [Sent(at, tuple(sketch)) for at, sketch in loads(row.recent)] if row.recent != "[]" else []
            self._contacts.setdefault((tenant, row.key), {})[row.mailbox_id] = _Contact(
                row.first_at, row.last_at, row.last_commercial_at, row.delivered_at, row.replied_at, recent
            )

    def _read_consents(self, tenant: str, asked: Sequence[Asked]) -> None:
        keys = {
            r.key
            for a in asked
            if a.facts.tenant == tenant and a.facts.message_class == "commercial"
            for r in a.facts.recipients
        }
        if not keys:
            return
        for row in self._connection.execute(_CONSENTS, {"tenant": tenant, "keys": sorted(keys)}):
            self._consents[tenant, row.key] = Consent(row.granted, row.at, row.basis, row.jurisdiction)

    def _read_duplicates(self, asked: Sequence[Asked]) -> None:
        kinds = {m: kind for a in asked for r in a.facts.recipients for kind, m in fingerprints(a.facts, r).items()}
        if not kinds:
            return
        for row in self._connection.execute(_DUPLICATES, {"marks": list(kinds), "now": self._now}):
            mark = bytes(row.fingerprint)
            self._earlier[mark] = Earlier(kinds[mark], row.send_id, row.at)

    # -- the state of one decision ----------------------------------------------------

    def state(self, facts: Facts) -> State:
        """What is remembered, as far as this submission needs it; reservations of the batch included."""
        row = self._mailboxes.get(facts.mailbox)
        tenant, mailbox = self._accounts(facts, row)
        return State(
            tenant=tenant,
            mailbox=mailbox,
            domain=self._domain(facts.from_domain),
            recipients={r.key: self._recipient(facts, r) for r in facts.recipients},
            rates=self._rates.get(facts.mailbox, ()),
        )

    def _accounts(self, facts: Facts, row: Any) -> tuple[TenantState, MailboxState]:
        if row is None:
            return TenantState(facts.tenant), MailboxState(facts.mailbox, "", (), status="disabled")
        shared = self._counts.get(f"tenant:{facts.tenant}")
        tenant = TenantState(
            facts.tenant,
            row.tenant_status,
            row.tenant_cause,
            Limits(**loads(row.tenant_limits)),
            shared.usage if shared else Usage(),
        )
        counts = self._counts[f"mailbox:{facts.mailbox}"]
        return tenant, mailbox_state(row, counts.usage, tuple(counts.clusters))

    def _domain(self, name: str) -> DomainState | None:
        row = next((self._domains[d] for d in suffixes(name) if d in self._domains), None)
        if row is None:
            return None
        counts = self._counts.get(f"from:{name}")
        today = counts.usage.sent["monthly"].buckets.get(self._now // DAY, 0) if counts else 0
        proof = "CNAME" if row.verification == "cname" else "TXT"
        return DomainState(row.name, row.status == "verified", row.physical_address, row.first_sent_at, today, proof)

    def _recipient(self, facts: Facts, recipient: RecipientFacts) -> RecipientState:
        contacts = self._contacts.get((facts.tenant, recipient.key), {})
        own = contacts.get(facts.mailbox, _NOBODY)
        leased_by, leased_at = max(
            ((other, c.last_at) for other, c in contacts.items() if other != facts.mailbox),
            key=lambda pair: pair[1],
            default=("", 0),
        )
        throttle = self._counts.get(f"to:{facts.tenant}:{recipient.domain}")
        marks = fingerprints(facts, recipient).values()
        return RecipientState(
            suppressions=self._suppressions.get((facts.tenant, facts.mailbox, recipient.key), ()),
            consent=self._consents.get((facts.tenant, recipient.key)),
            earlier=tuple(self._earlier[mark] for mark in marks if mark in self._earlier),
            recent=tuple(own.recent),
            first_at=own.first_at,
            last_at=own.last_at,
            last_commercial_at=own.last_commercial_at,
            delivered_at=own.delivered_at,
            replied_at=own.replied_at,
            leased_by=leased_by,
            leased_at=leased_at,
            domain_sent=throttle.usage.sent["hourly"].count(self._now) if throttle else 0,
        )

    # -- reserving --------------------------------------------------------------------

    def accept(self, asked: Asked, decision: Decision) -> None:
        """Reserve what an accepted decision uses up, for the rest of the batch and for `write`."""
        facts, policy = asked
        accepted = {v.recipient for v in decision.accepted()}
        if not accepted:
            return
        counts = self._counts[f"mailbox:{facts.mailbox}"]
        counts.changed = True
        if facts.null_sender:
            counts.usage.null_sender.add(facts.now, 1)
            return
        self._count_sent(facts, decision)
        if facts.message_class == "commercial" and facts.sketch:
            counts.clusters = _with_sketch(counts.clusters, facts.sketch, facts.now)
        for recipient in facts.recipients:
            if recipient.address in accepted:
                self._meet(facts, recipient, counts.usage)
                self._remember(facts, policy, recipient)

    def _count_sent(self, facts: Facts, decision: Decision) -> None:
        # What a limit put off counts where it leaves, or two batches would leave in one window.
        leaving = Counter(verdict.counts_at for verdict in decision.accepted())
        for scope in (f"mailbox:{facts.mailbox}", f"tenant:{facts.tenant}", f"from:{facts.from_domain}"):
            if counts := self._counts.get(scope):
                for at, recipients in leaving.items():
                    counts.usage.add_sent(facts.now, recipients, at)
                counts.changed = True

    def _meet(self, facts: Facts, recipient: RecipientFacts, usage: Usage) -> None:
        contact = self._contacts.setdefault((facts.tenant, recipient.key), {}).setdefault(facts.mailbox, _Contact())
        if not contact.first_at:
            contact.first_at = facts.now
            usage.add_first_contacts(facts.now, 1)
        usage.move_latest(contact.last_at, facts.now)
        contact.last_at = facts.now
        if facts.message_class == "commercial":
            contact.last_commercial_at = facts.now
        if facts.sketch:
            kept = [s for s in contact.recent if facts.now - s.at < DAY][-RECENT_KEPT + 1 :]
            contact.recent = [*kept, Sent(facts.now, facts.sketch)]
        contact.changed = True
        if throttle := self._counts.get(f"to:{facts.tenant}:{recipient.domain}"):
            throttle.usage.sent["hourly"].add(facts.now, 1)
            throttle.changed = True

    def _remember(self, facts: Facts, policy: PolicySettings, recipient: RecipientFacts) -> None:
        windows = {
            "key": policy.duplicate.dedupe_key_days * DAY,
            "message_id": policy.duplicate.message_id_days * DAY,
            "content": policy.duplicate.content_minutes * MINUTE,
        }
        for kind, mark in fingerprints(facts, recipient).items():
            self._earlier[mark] = Earlier(kind, facts.send_id, facts.now)
            self._new_duplicates[mark] = {
                "fingerprint": mark,
                "send_id": facts.send_id,
                "at": facts.now,
                "expires_at": facts.now + windows[kind],
            }

    def write(self) -> None:
        """Store what was reserved, in a few statements."""
        usage = [
            {
                "scope": scope,
                "counts": dumps(c.usage.as_json()),
                "recent": dumps([[k.sketch, k.times] for k in c.clusters]),
            }
            for scope, c in self._counts.items()
            if c.changed
        ]
        contacts = [
            {
                "tenant": tenant,
                "key": key,
                "mailbox": mailbox,
                "first_at": c.first_at,
                "last_at": c.last_at,
                "last_commercial_at": c.last_commercial_at,
                "recent": dumps([[s.at, s.sketch] for s in c.recent]),
            }
            for (tenant, key), own in self._contacts.items()
            for mailbox, c in own.items()
            if c.changed
        ]
        for statement, rows in (
            (_PUT_USAGE, usage),
            (_PUT_CONTACT, contacts),
            (_PUT_DUPLICATE, list(self._new_duplicates.values())),
        ):
            if rows:
                self._connection.execute(statement, rows)


_NOBODY = _Contact()


def mailbox_state(row: Any, usage: Usage, clusters: tuple[Cluster, ...] = ()) -> MailboxState:
    """A row of `mailboxes` as the policy sees it."""
    return MailboxState(
        id=row.id,
        name=row.name,
        addresses=(row.address_key, *loads(row.settings).get("aliases", ())),
        status=row.status,
        paused_by=row.paused_by,
        cause=row.cause,
        autonomy=row.autonomy,
        role=row.role,
        allowed_classes=tuple(loads(row.allowed_classes)),
        tightened=Limits(**loads(row.tightened)),
        usage=usage,
        fan_out=clusters,
    )


def _by_tenant(asked: Sequence[Asked]) -> dict[str, dict[str, str]]:
    """The recipients of the batch by tenant: key to address."""
    tenants: dict[str, dict[str, str]] = {}
    for a in asked:
        tenants.setdefault(a.facts.tenant, {}).update({r.key: r.address for r in a.facts.recipients})
    return tenants


def _clusters(recent: str) -> list[Cluster]:
    return [Cluster(tuple(sketch), tuple(times)) for sketch, times in loads(recent)] if recent != "[]" else []


def _with_sketch(clusters: list[Cluster], sketch: tuple[int, ...], now: int) -> list[Cluster]:
    """The clusters of the last hour with one more message in the one it is like, or in a new one."""
    alive = [Cluster(c.sketch, tuple(at for at in c.times if now - at < HOUR)) for c in clusters]
    alive = [c for c in alive if c.times]
    for index, cluster in enumerate(alive):
        if similar(cluster.sketch, sketch):
            alive[index] = Cluster(cluster.sketch, (*cluster.times, now))
            return alive
    return [*alive[-CLUSTERS_KEPT + 1 :], Cluster(sketch, (now,))]
