"""Who must not be written to, and why. Scopes: global, one tenant, one mailbox, a whole domain.

An entry is found by the recipient's folded key, so that no spelling of an address gets
round it. Expired entries do not bind and are swept later.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from policy.facts import Facts, RecipientFacts
from policy.state import Suppression
from relay.store.prepared import Prepared

_BY_KEY = Prepared(
    "SELECT key, scope, tenant_id, mailbox_id, kind, created_at, expires_at FROM suppressions WHERE key IN :keys[]"
)
_BY_DOMAIN = Prepared(
    "SELECT domain, tenant_id, created_at, expires_at FROM suppressed_domains WHERE domain IN :domains[]"
)


def binding_suppressions(
    connection: Connection, asked: Sequence[Facts], now: int
) -> dict[tuple[str, str, str], tuple[Suppression, ...]]:
    """What binds each (tenant, mailbox, recipient key) of these submissions; absent where nothing does."""
    recipients = [r for facts in asked for r in facts.recipients]
    keys = sorted({key for r in recipients for key in (r.key, r.alias) if key})
    if not keys:
        return {}
    by_key: dict[str, list[Any]] = {}
    for row in _BY_KEY.all(connection, keys=keys):
        by_key.setdefault(row.key, []).append(row)
    domains = sorted({name for r in recipients for name in suffixes(r.domain)})
    by_domain: dict[str, list[Any]] = {}
    for row in _BY_DOMAIN.all(connection, domains=domains):
        by_domain.setdefault(row.domain, []).append(row)
    if not by_key and not by_domain:
        return {}
    return {
        (facts.tenant, facts.mailbox, r.key): found
        for facts in asked
        for r in facts.recipients
        if (found := _binding(facts, r, by_key, by_domain, now))
    }


def _binding(
    facts: Facts,
    recipient: RecipientFacts,
    by_key: dict[str, list[Any]],
    by_domain: dict[str, list[Any]],
    now: int,
) -> tuple[Suppression, ...]:
    entries = [
        Suppression(row.scope, row.kind, row.created_at)
        for key in dict.fromkeys((recipient.key, recipient.alias))
        for row in by_key.get(key, ())
        if _is_alive(row, now) and _concerns(row, facts)
    ]
    entries += [
        Suppression("tenant" if row.tenant_id else "global", "domain", row.created_at)
        for name in suffixes(recipient.domain)
        for row in by_domain.get(name, ())
        if _is_alive(row, now) and row.tenant_id in ("", facts.tenant)
    ]
    return tuple(entries)


def _concerns(row: Any, facts: Facts) -> bool:
    if row.scope == "global":
        return True
    if row.scope == "tenant":
        return bool(row.tenant_id == facts.tenant)
    return bool(row.mailbox_id == facts.mailbox)


def _is_alive(row: Any, now: int) -> bool:
    return bool(row.expires_at == 0 or row.expires_at > now)


def suffixes(domain: str) -> tuple[str, ...]:
    """The domain and every domain above it with at least two labels: `a.b.example` and `b.example`."""
    labels = domain.split(".")
    return tuple(".".join(labels[i:]) for i in range(max(1, len(labels) - 1)))
