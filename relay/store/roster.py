"""Reads what belongs to a mailbox, domain or provider besides its own row: keys, usage."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from config.types import to_domain
from policy.usage import Usage
from relay.store import schema as t
from relay.store.accounts import Unknown
from relay.store.engine import loads
from relay.store.mailboxes import domain_named
from relay.store.suppressions import suffixes


def domain(connection: Connection, name_or_id: str) -> Any:
    """The domain with this name or id; raises Unknown."""
    d = t.domains.c
    row = connection.execute(select(t.domains).where((d.name == as_stored(name_or_id)) | (d.id == name_or_id))).first()
    if row is None:
        raise Unknown("domain", name_or_id)
    return row


def check_known(connection: Connection, name: str) -> None:
    """Raise Unknown if neither the domain nor one above it was ever added."""
    if domain_named(connection, suffixes(name)) is None:
        raise Unknown("domain", name)


def as_stored(name: str) -> str:
    """A domain name in the form in which it is stored; an invalid name is returned unchanged, and will not be found."""
    try:
        return to_domain(name)
    except ValueError:
        return name


def keys_of(connection: Connection, domain_name: str) -> Sequence[Any]:
    """The DKIM keys of a domain, active ones first: selector, status, and `public`, the record to publish."""
    k = t.dkim_keys.c
    query = select(k.selector, k.algorithm, k.public, k.status, k.retired_at).where(k.domain == domain_name)
    return connection.execute(query.order_by(k.status, k.selector)).all()


def usage(connection: Connection, scope: str) -> Usage:
    """What a mailbox (`mailbox:<id>`) or tenant (`tenant:<id>`) has used up."""
    return usages(connection, [scope])[scope]


def usages(connection: Connection, scopes: Collection[str]) -> dict[str, Usage]:
    """What each of these scopes has used up."""
    query = select(t.usage.c.scope, t.usage.c.counts).where(t.usage.c.scope.in_(list(scopes)))
    counts = {row.scope: row.counts for row in connection.execute(query)}
    return {scope: Usage.from_json(loads(counts.get(scope, "{}"))) for scope in scopes}


def providers(connection: Connection) -> dict[str, Any]:
    """The rows of providers, by name: pauses."""
    return {row.name: row for row in connection.execute(select(t.providers))}
