"""What the house remembers, read for a whole batch of submissions in a handful of set-wise questions.

What is counted is locked before it is read, on PostgreSQL in one order everywhere (rows of
`usage` by scope), so two machines are as exact as one. `look` locks and makes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, bindparam, select, text

from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings
from policy.state import (
    Cluster,
    Consent,
    Earlier,
    Rates,
    Sent,
    Suppression,
)
from policy.usage import Usage
from relay.store import schema as t
from relay.store.engine import loads
from relay.store.rates import RateBook
from relay.store.suppressions import binding_suppressions, suffixes


class Asked(NamedTuple):
    """One submission as the snapshot needs it."""

    facts: Facts
    policy: PolicySettings


@dataclass(slots=True)
class Contact:
    first_at: int = 0
    last_at: int = 0
    last_commercial_at: int = 0
    delivered_at: int = 0
    replied_at: int = 0
    recent: list[Sent] = field(default_factory=list)
    changed: bool = False


@dataclass(slots=True)
class Counts:
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

_NEW_USAGE = text("INSERT INTO usage (scope) VALUES (:scope) ON CONFLICT (scope) DO NOTHING")
_NEW_PERSON = text(
    "INSERT INTO people (tenant_id, key, token, address, first_at) VALUES (:tenant, :key, :token, :address, :now)"
    " ON CONFLICT (tenant_id, key) DO NOTHING"
)


class Recollection:
    """What was read for one batch."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._mailboxes: dict[str, Any] = {}
        self._domains: dict[str, Any] = {}
        self._counts: dict[str, Counts] = {}
        self._contacts: dict[tuple[str, str], dict[str, Contact]] = {}
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
    ) -> Self:
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
    def look(cls, connection: Connection, asked: Sequence[Asked], *, now: int, rates: RateBook) -> Self:
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
        self._counts = {scope: Counts(Usage()) for scope in scopes}
        for row in rows:
            self._counts[row.scope] = Counts(Usage.from_json(loads(row.counts)), _clusters(row.recent))

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
            self._contacts.setdefault((tenant, row.key), {})[row.mailbox_id] = Contact(
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


def _by_tenant(asked: Sequence[Asked]) -> dict[str, dict[str, str]]:
    """The recipients of the batch by tenant: key to address."""
    tenants: dict[str, dict[str, str]] = {}
    for a in asked:
        tenants.setdefault(a.facts.tenant, {}).update({r.key: r.address for r in a.facts.recipients})
    return tenants


def _clusters(recent: str) -> list[Cluster]:
    return [Cluster(tuple(sketch), tuple(times)) for sketch, times in loads(recent)] if recent != "[]" else []
