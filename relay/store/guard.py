"""Guards: rows of `usage` that protect what a transaction changes, locked before anything else.

On PostgreSQL two machines that lock the same rows in different orders deadlock. So there is one
order everywhere: first the guards, by name; then the deliveries, by send and number; then all the
rest. `mailbox:ID` guards what is remembered of a mailbox (its counts, contacts and duplicates),
`provider:NAME` what a provider has been given. What several mailboxes share is changed in the
order of its key, and once per transaction. SQLite has one writer and does not need this.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from relay.store.prepared import Prepared, insertion

_ROWS = Prepared("SELECT scope, counts, recent FROM usage WHERE scope IN :scopes[] ORDER BY scope", lock="FOR UPDATE")
_NEXT = Prepared(
    "SELECT scope, counts, recent FROM usage WHERE scope > :after AND scope LIKE :like ORDER BY scope LIMIT :step"
)
_GONE = Prepared("DELETE FROM usage WHERE scope = :scope")
_COUNTS = Prepared("UPDATE usage SET counts = :counts WHERE scope = :scope")
_NEW = insertion("usage", ("scope",), "ON CONFLICT (scope) DO NOTHING")


def lock(connection: Connection, scopes: Iterable[str]) -> list[Any]:
    """Lock these rows until the transaction ends, and return them; missing ones are created."""
    wanted = set(scopes)
    rows = lock_known(connection, wanted)
    if missing := sorted(wanted - {row.scope for row in rows}):
        _NEW.many(connection, [{"scope": scope} for scope in missing])
        rows = lock_known(connection, wanted)
    return rows


def lock_known(connection: Connection, scopes: Iterable[str]) -> list[Any]:
    """Lock those of these rows that exist until the transaction ends, and return them."""
    wanted = sorted(set(scopes))
    return _ROWS.all(connection, scopes=wanted) if wanted else []


def throttles(connection: Connection, after: str, step: int) -> list[Any]:
    """The next rows that count what leaves for a recipient domain, in order of their scope; not locked."""
    return _NEXT.all(connection, after=after, like=f"{_THROTTLES}%", step=step)


def remove(connection: Connection, scopes: Iterable[str]) -> None:
    """Delete rows that were locked before; whoever waits for one finds none and makes it anew."""
    _GONE.many(connection, [{"scope": scope} for scope in scopes])


def keep(connection: Connection, counts: Mapping[str, str]) -> None:
    """Write the counts of these rows, given by scope."""
    _COUNTS.many(connection, [{"scope": scope, "counts": written} for scope, written in counts.items()])


def of_mailbox(mailbox_id: str) -> str:
    """The guard of what is remembered of a mailbox."""
    return f"mailbox:{mailbox_id}"


def of_tenant(tenant_id: str) -> str:
    """The guard of what all mailboxes of a tenant sent together, counted while the tenant has limits."""
    return f"tenant:{tenant_id}"


def of_ramp(domain: str) -> str:
    """The guard of what leaves from a sending domain, counted while `warmup` is on."""
    return f"from:{domain}"


_THROTTLES = "to:"


def of_throttle(tenant_id: str, domain: str) -> str:
    """The guard of what leaves for a recipient domain, counted while `recipient_domain_throttle` is on."""
    return f"{_THROTTLES}{tenant_id}:{domain}"
