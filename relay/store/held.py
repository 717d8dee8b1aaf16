"""Lists of what waits for a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from relay.store import schema as t
from relay.store.paging import Page, Place, newest_first

_a = t.approvals.c


def listed(
    connection: Connection, status: str, *, tenant_id: str = "", mailbox_id: str = "", after: Place | None, limit: int
) -> Page:
    """A page of approvals, newest first."""
    query = select(t.approvals)
    for column, value in ((_a.status, status), (_a.tenant_id, tenant_id), (_a.mailbox_id, mailbox_id)):
        if value:
            query = query.where(column == value)
    return newest_first(connection, query, _a.requested_at, _a.send_id, after=after, limit=limit)


def one(connection: Connection, send_id: str) -> Any:
    """The approval of a send, None if it never waited."""
    return connection.execute(select(t.approvals).where(_a.send_id == send_id)).first()


def sends(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """The submissions of these approvals by id."""
    rows = connection.execute(select(t.sends).where(t.sends.c.id.in_(list(ids)))) if ids else ()
    return {row.id: row for row in rows}
