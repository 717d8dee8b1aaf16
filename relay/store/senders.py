"""Reads what judging and editing a mailbox's mail needs: the mailbox, its tenant, its domain, its credentials."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from relay.store import schema as t
from relay.store.suppressions import suffixes

_ROWS = (
    select(t.mailboxes, t.tenants.c.name.label("tenant_name"))
    .join(t.tenants, t.tenants.c.id == t.mailboxes.c.tenant_id)
    .where(t.mailboxes.c.id.in_(bindparam("ids", expanding=True)))
)
_DOMAINS = select(t.domains.c.name, t.domains.c.physical_address).where(
    t.domains.c.name.in_(bindparam("names", expanding=True))
)
_STANDINGS = select(t.credentials.c.id, t.credentials.c.status).where(
    t.credentials.c.id.in_(bindparam("ids", expanding=True))
)
_SECRETS = select(t.credentials.c.secret).where(t.credentials.c.kind == "generated", t.credentials.c.status == "active")


def read_accounts(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    rows = {row.id: row for row in connection.execute(_ROWS, {"ids": sorted(set(ids))})}
    names = sorted({name for row in rows.values() for name in suffixes(row.address_key.rpartition("@")[2])})
    shown = {row.name: row.physical_address for row in connection.execute(_DOMAINS, {"names": names})} if names else {}
    return [(row, _physical(row, shown)) if (row := rows.get(i)) is not None else None for i in ids]


def _physical(row: Any, shown: Mapping[str, str]) -> str:
    return next((shown[d] for d in suffixes(row.address_key.rpartition("@")[2]) if shown.get(d)), "")


def read_standings(connection: Connection, ids: Sequence[str]) -> Sequence[bool]:
    rows = connection.execute(_STANDINGS, {"ids": sorted(set(ids))})
    status = {row.id: row.status for row in rows}
    return [status.get(i) == "active" for i in ids]


def read_secrets(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(_SECRETS).scalars())
