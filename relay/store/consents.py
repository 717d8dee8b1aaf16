"""Who agreed to be written to, according to the consent ledger: an address's newest entry counts.

Consent applies to the address it was given for. A revocation applies to the person: where the
policy asks for consent and folds aliases, a newer revocation under another spelling counts too.
The ledger only grows: a revocation is an entry of its own.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, false, select, union_all

from policy.facts import Facts, alias_of
from policy.settings import PolicySettings
from policy.state import Consent
from relay.store import schema as t
from relay.store.paging import matching
from relay.store.prepared import Prepared, insertion

_c = t.consents.c
AHEAD = "this time is in the future: leave `at` out, or give the time at which consent was given"
STEP = 1000  # rows of an export
_LEDGER = tuple([column.name for column in t.consents.columns])
_APPEND = insertion("consents", _LEDGER)
# The key is queried even where aliases are folded: an older program version that is still running writes no alias.
# With OR instead of the union, SQLite would read all entries of the tenant; an entry found twice counts once.
_ENTRIES = Prepared(
    "SELECT key, granted, at, recorded_at, basis, jurisdiction FROM consents"
    " WHERE tenant_id = :tenant AND key IN :keys[]"
    " UNION ALL SELECT key, granted, at, recorded_at, basis, jurisdiction FROM consents"
    " WHERE tenant_id = :tenant AND alias IN :aliases[] ORDER BY at, recorded_at"
)


def counting_consents(
    connection: Connection, asked: Sequence[tuple[Facts, PolicySettings]]
) -> dict[tuple[str, str], Consent]:
    """The entry that counts for each (mailbox, recipient key) of the commercial submissions; absent if none does."""
    tenants: dict[str, list[tuple[Facts, bool]]] = {}
    for facts, policy in asked:
        if facts.message_class == "commercial" and facts.recipients:
            tenants.setdefault(facts.tenant, []).append((facts, _folds(policy)))
    found: dict[tuple[str, str], Consent] = {}
    for tenant, own in sorted(tenants.items()):
        keys = sorted({r.key for facts, _ in own for r in facts.recipients})
        aliases = sorted({r.alias for facts, fold in own if fold for r in facts.recipients})
        if rows := _ENTRIES.all(connection, tenant=tenant, keys=keys, aliases=aliases):
            found.update(_counting(own, rows))
    return found


def _counting(asked: Iterable[tuple[Facts, bool]], rows: Iterable[Any]) -> Iterable[tuple[tuple[str, str], Consent]]:
    by_alias: dict[str, list[Any]] = {}
    for row in rows:
        by_alias.setdefault(alias_of(row.key), []).append(row)
    for facts, fold in asked:
        for r in facts.recipients:
            said = [row for row in by_alias.get(r.alias, ()) if fold or row.key == r.key]
            if (row := counting(said, r.key)) is not None:
                yield (facts.mailbox, r.key), Consent(bool(row.granted), row.at, row.basis, row.jurisdiction)


def counting(entries: Iterable[Any], key: str) -> Any:
    """Of a person's entries, given oldest first, the one that counts for the address with this key, or None."""
    newest = {entry.key: entry for entry in entries}
    heard = [e for e in newest.values() if e.key == key or not e.granted]
    return max(heard, key=attrgetter("at", "recorded_at"), default=None)


def _folds(policy: PolicySettings) -> bool:
    """Whether a revocation under another spelling counts; without a need for consent no alias is looked up."""
    rule = policy.consent_validation
    is_asked = rule.mode != "off" and (rule.required or bool(rule.profiles))
    return is_asked and policy.suppression_check.fold_aliases


# -- the ledger ------------------------------------------------------------------------------


class NewConsent(Struct, frozen=True):
    """A ledger entry: consent given, or revoked."""

    id: str
    tenant_id: str
    key: str
    address: str
    granted: bool
    at: int
    recorded_at: int
    basis: str = ""
    source: str = ""
    jurisdiction: str = ""
    proof: str = ""

    @property
    def alias(self) -> str:
        """The key that all spellings of the person's address share."""
        return alias_of(self.key)

    @property
    def is_ahead(self) -> bool:
        """Whether consent is dated in the future: it would stay the newest entry, overriding revocations until then."""
        return self.granted and self.at > self.recorded_at


def append(connection: Connection, entries: Sequence[NewConsent]) -> None:
    """Append these entries to the ledger."""
    _APPEND.many(connection, [{name: getattr(e, name) for name in _LEDGER} for e in entries])


def newest(connection: Connection, tenant_id: str, key: str, *, fold: bool = False) -> Any:
    """The entry that counts for an address, or None; with `fold`, a newer revocation under an alias counts too."""
    own = select(t.consents).where(_c.tenant_id == tenant_id)
    query = union_all(own.where(_c.key == key), own.where(_c.alias == alias_of(key) if fold else false()))
    return counting(connection.execute(query.order_by("at", "recorded_at")), key)


def export(connection: Connection, tenant_id: str, after: str) -> Sequence[Any]:
    """Up to STEP rows of the ledger after the id `after`, in order of id."""
    query = select(t.consents).where(_c.id > after, *matching((_c.tenant_id, tenant_id)))
    return connection.execute(query.order_by(_c.id).limit(STEP)).all()
