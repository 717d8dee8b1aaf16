"""Who must not be written to, and why. Scopes: global, one tenant, one mailbox, a whole domain.

An entry is found by the recipient's folded key and, where the policy folds aliases, by the key
that all aliases of a person share, whichever spelling was entered: no spelling gets around it.
Bounces are the exception: they concern an address, not a person, and do not extend to aliases.
Expired entries do not bind and are removed later.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings
from policy.state import Suppression
from relay.store.domains import suffixes
from relay.store.prepared import Prepared

# Servers without subaddressing refuse every tagged address as unknown: such a bounce must not block the plain address.
BOUNCES = ("hard_bounce", "soft_bounce")

# The key is queried even where aliases are folded: an older program version that is still running writes no alias.
_BY_ADDRESS = Prepared(
    "SELECT key, alias, scope, tenant_id, mailbox_id, kind, created_at, expires_at FROM suppressions"
    " WHERE key IN :keys[] OR alias IN :aliases[]"
)
_BY_DOMAIN = Prepared(
    "SELECT domain, tenant_id, created_at, expires_at FROM suppressed_domains WHERE domain IN :domains[]"
)


class _Entries(NamedTuple):
    """The entries found for a whole batch."""

    by_key: dict[str, list[Any]]
    by_alias: dict[str, list[Any]]
    by_domain: dict[str, list[Any]]

    def of_address(self, recipient: RecipientFacts, *, fold: bool) -> Iterable[Any]:
        """The entries for the recipient; one found both by key and by alias comes once."""
        aliases = self.by_alias.get(recipient.alias, ()) if fold else ()
        return dict.fromkeys((*self.by_key.get(recipient.key, ()), *aliases))


def binding_suppressions(
    connection: Connection, asked: Sequence[tuple[Facts, PolicySettings]], now: int
) -> dict[tuple[str, str, str], tuple[Suppression, ...]]:
    """The suppressions that bind each (tenant, mailbox, recipient key) of these submissions; absent if none do."""
    recipients = [(r, _folds(policy)) for facts, policy in asked for r in facts.recipients]
    if not recipients:
        return {}
    keys = sorted({r.key for r, _ in recipients})
    aliases = sorted({r.alias for r, fold in recipients if fold})
    own = _BY_ADDRESS.all(connection, keys=keys, aliases=aliases)
    names = sorted({name for domain in {r.domain for r, _ in recipients} for name in suffixes(domain)})
    domains = _BY_DOMAIN.all(connection, domains=names)
    if not own and not domains:
        return {}
    folding = [row for row in own if row.kind not in BOUNCES]
    entries = _Entries(_grouped(own, "key"), _grouped(folding, "alias"), _grouped(domains, "domain"))
    return {
        (facts.tenant, facts.mailbox, r.key): found
        for facts, policy in asked
        for r in facts.recipients
        if (found := _binding(facts, r, entries, now, fold=_folds(policy)))
    }


def _folds(policy: PolicySettings) -> bool:
    """Whether aliases of one address count as one person."""
    return policy.suppression_check.fold_aliases


def _grouped(rows: Sequence[Any], column: str) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(getattr(row, column), []).append(row)
    return grouped


def _binding(
    facts: Facts, recipient: RecipientFacts, entries: _Entries, now: int, *, fold: bool
) -> tuple[Suppression, ...]:
    own = [
        Suppression(row.scope, row.kind, row.created_at)
        for row in entries.of_address(recipient, fold=fold)
        if _is_alive(row, now) and _concerns(row, facts)
    ]
    whole = [
        Suppression("tenant" if row.tenant_id else "global", "domain", row.created_at)
        for name in suffixes(recipient.domain)
        for row in entries.by_domain.get(name, ())
        if _is_alive(row, now) and row.tenant_id in ("", facts.tenant)
    ]
    return (*own, *whole)


def _concerns(row: Any, facts: Facts) -> bool:
    if row.scope == "global":
        return True
    if row.scope == "tenant":
        return bool(row.tenant_id == facts.tenant)
    return bool(row.mailbox_id == facts.mailbox)


def _is_alive(row: Any, now: int) -> bool:
    return bool(row.expires_at == 0 or row.expires_at > now)
