"""Reads what is needed to judge and edit a mailbox's mail: the mailbox, its tenant, domain and credentials."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from relay.mail.address import domain_of
from relay.store.domains import suffixes
from relay.store.prepared import Prepared

_ROWS = Prepared(
    "SELECT m.id, m.tenant_id, t.name AS tenant_name, m.name, m.address, m.address_key, m.from_name, m.policy,"
    " m.settings, m.status, m.managed FROM mailboxes m JOIN tenants t ON t.id = m.tenant_id WHERE m.id IN :ids[]"
)
_DOMAINS = Prepared("SELECT name, physical_address FROM domains WHERE name IN :names[]")
_STANDINGS = Prepared("SELECT id, status FROM credentials WHERE id IN :ids[]")
_SECRETS = Prepared("SELECT secret FROM credentials WHERE kind = 'generated' AND status = 'active'")


def read_accounts(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    rows = {row.id: row for row in _ROWS.all(connection, ids=sorted(set(ids)))}
    names = sorted({name for row in rows.values() for name in suffixes(domain_of(row.address_key))})
    shown = {row.name: row.physical_address for row in _DOMAINS.all(connection, names=names)} if names else {}
    return [(row, _physical(row, shown)) if (row := rows.get(i)) is not None else None for i in ids]


def _physical(row: Any, shown: Mapping[str, str]) -> str:
    return next((shown[d] for d in suffixes(domain_of(row.address_key)) if shown.get(d)), "")


def read_standings(connection: Connection, ids: Sequence[str]) -> Sequence[bool]:
    status = {row.id: row.status for row in _STANDINGS.all(connection, ids=sorted(set(ids)))}
    return [status.get(i) == "active" for i in ids]


def read_secrets(connection: Connection) -> frozenset[str]:
    return frozenset(row.secret for row in _SECRETS.all(connection))
