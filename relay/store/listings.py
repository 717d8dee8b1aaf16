"""Pages of mailboxes, domains, suppressions, consents and the like, newest first.

One function serves them all: equality on columns, and a cursor. Filter values are always
parameters (faults H15); a filter whose value is None is ignored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, func, or_, select

from relay.mail.address import key_of
from relay.store import schema as t
from relay.store.paging import Page, Place, matching, newest_first

# table: the column its pages are ordered by
ORDER: Mapping[str, str] = {
    "tenants": "created_at",
    "mailboxes": "created_at",
    "domains": "created_at",
    "suppressions": "created_at",
    "suppressed_domains": "created_at",
    "consents": "at",
    "investigations": "opened_at",
    "webhooks": "created_at",
    "webhook_deliveries": "created_at",
    "outcomes": "at",
}


def listed(
    connection: Connection, table: str, filters: Mapping[str, Any], *, after: Place | None = None, limit: int = 50
) -> Page:
    """A page of one table; a filter may be a tuple of values, any of which matches."""
    rows: Table = t.metadata.tables[table]
    query = filtered(select(rows), rows, filters)
    return newest_first(connection, query, rows.c[ORDER[table]], rows.c.id, after=after, limit=limit)


def filtered(query: Select[Any], table: Table, filters: Mapping[str, Any]) -> Select[Any]:
    """The query with all filters that have a value."""
    for name, value in filters.items():
        if isinstance(value, tuple):
            query = query.where(table.c[name].in_(value))
        elif value is not None:
            query = query.where(table.c[name] == value)
    return query


def one(connection: Connection, table: str, row_id: str) -> Any:
    """The row with this id, or None."""
    rows: Table = t.metadata.tables[table]
    return connection.execute(select(rows).where(rows.c.id == row_id)).first()


def held(connection: Connection, table: str, row_id: str) -> Any:
    """Like `one`, with the row locked until this transaction ends."""
    rows: Table = t.metadata.tables[table]
    query = select(rows).where(rows.c.id == row_id)  # SQLite has one writer at a time anyway
    return connection.execute(query.with_for_update()).first()


def tenant_names(connection: Connection) -> dict[str, str]:
    """The name of every tenant, by id."""
    return {row.id: row.name for row in tenants_by_id(connection).values()}


def tenant_ids(connection: Connection) -> dict[str, str]:
    """The id of every tenant, by name."""
    return {name: tenant_id for tenant_id, name in tenant_names(connection).items()}


def tenants_by_id(connection: Connection) -> dict[str, Any]:
    """The row of every tenant, by id."""
    return {row.id: row for row in connection.execute(select(t.tenants))}


def mailbox_names(connection: Connection, tenant_id: str = "") -> dict[str, str]:
    """The name of every mailbox, by id; of one tenant if given."""
    m = t.mailboxes.c
    query = select(m.id, m.name).where(*matching((m.tenant_id, tenant_id)))
    return {row.id: row.name for row in connection.execute(query)}


def mailboxes_by_name(connection: Connection, words: str = "") -> Sequence[Any]:
    """The id, name and status of every mailbox whose name or address contains the words."""
    m = t.mailboxes.c
    query = select(m.id, m.name, m.status)
    if words:
        held = (column.icontains(words, autoescape=True) for column in (m.name, m.address))
        query = query.where(or_(*held, m.address_key == key_of(words)))
    return sorted(connection.execute(query), key=lambda row: (row.name.lower(), row.id))


def tenants(connection: Connection) -> Sequence[Any]:
    """Every tenant with the number of its mailboxes (`mailboxes`), by name."""
    count = select(func.count()).where(t.mailboxes.c.tenant_id == t.tenants.c.id).scalar_subquery()
    return connection.execute(select(t.tenants, count.label("mailboxes")).order_by(t.tenants.c.name)).all()


def counted(connection: Connection, table: str, filters: Mapping[str, Any]) -> int:
    """How many rows match the filters."""
    rows: Table = t.metadata.tables[table]
    query = filtered(select(func.count()).select_from(rows), rows, filters)
    return int(connection.execute(query).scalar_one())
