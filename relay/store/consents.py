"""Who agreed to be written to, as the ledger says it: the newest entry of an address counts.

A yes is of the address it was given for. A no is of the person: where the policy asks for
consent and folds aliases, one that stands under another spelling counts too if it is newer.
The ledger only grows: revoking is an entry of its own.
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
from relay.store.prepared import Prepared, insertion

_c = t.consents.c
AHEAD = "nobody has agreed yet: leave `at` out, or give the time at which it was given"
STEP = 1000  # rows of an export
_LEDGER = tuple([column.name for column in t.consents.columns])
_APPEND = insertion("consents", _LEDGER)
# The key is asked for where aliases are folded too: an older program, not stopped yet, writes none. With OR in place
# of the union SQLite reads all that is the tenant's; what comes twice by it counts once.
_ENTRIES = Prepared(
    "SELECT key, granted, at, recorded_at, basis, jurisdiction FROM consents"
    " WHERE tenant_id = :tenant AND key IN :keys[]"
    " UNION ALL SELECT key, granted, at, recorded_at, basis, jurisdiction FROM consents"
    " WHERE tenant_id = :tenant AND alias IN :aliases[] ORDER BY at, recorded_at"
)


def counting_consents(
    connection: Connection, asked: Sequence[tuple[Facts, PolicySettings]]
) -> dict[tuple[str, str], Consent]:
    """What counts for each (mailbox, recipient key) of these submissions, commercial ones alone; absent if nothing."""
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
    """Which of the entries of a person, oldest first, counts for the address of this key; None if none does."""
    newest = {entry.key: entry for entry in entries}
    heard = [e for e in newest.values() if e.key == key or not e.granted]
    return max(heard, key=attrgetter("at", "recorded_at"), default=None)


def _folds(policy: PolicySettings) -> bool:
    """Whether a no under another spelling counts; where nobody asks for consent no alias is looked up."""
    rule = policy.consent_validation
    is_asked = rule.mode != "off" and (rule.required or bool(rule.profiles))
    return is_asked and policy.suppression_check.fold_aliases


# -- the ledger as people keep it ------------------------------------------------------------


class NewConsent(Struct, frozen=True):
    """An entry of the ledger: given, or taken back."""

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
        """What the address shares with the other spellings of the same person."""
        return alias_of(self.key)

    @property
    def is_ahead(self) -> bool:
        """Given at a time to come: the newest entry counts, so it would outlive every revocation until then."""
        return self.granted and self.at > self.recorded_at


def append(connection: Connection, entries: Sequence[NewConsent]) -> None:
    """Append to the ledger."""
    _APPEND.many(connection, [{name: getattr(e, name) for name in _LEDGER} for e in entries])


def newest(connection: Connection, tenant_id: str, key: str, *, fold: bool = False) -> Any:
    """The entry that counts for an address, with `fold` a newer no under an alias of it too; None if there is none."""
    own = select(t.consents).where(_c.tenant_id == tenant_id)
    query = union_all(own.where(_c.key == key), own.where(_c.alias == alias_of(key) if fold else false()))
    return counting(connection.execute(query.order_by("at", "recorded_at")), key)


def export(connection: Connection, tenant_id: str, after: str) -> Sequence[Any]:
    """The next rows of the ledger, by id."""
    query = select(t.consents).where(_c.id > after).order_by(_c.id).limit(STEP)
    return connection.execute(query.where(_c.tenant_id == tenant_id) if tenant_id else query).all()
