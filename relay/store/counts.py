"""Figures over the whole store, each from an index."""

from sqlalchemy import Connection, func, select, text

from relay.store import schema as t

COUNTED = ("queued", "deferred", "scheduled", "active", "uncertain")
# By mailbox, so that the index of their states is all that is read.
_OPEN = text(
    "SELECT state, count(*) AS n FROM deliveries WHERE mailbox_id IN (SELECT id FROM mailboxes)"
    " AND state IN ('queued', 'deferred', 'scheduled', 'active', 'uncertain') GROUP BY state"
)


def revision(connection: Connection) -> str:
    """The revision the schema is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def open_states(connection: Connection) -> dict[str, int]:
    """How many deliveries wait in each open state, and how many sends wait for a person."""
    found = dict.fromkeys(COUNTED, 0) | {row.state: row.n for row in connection.execute(_OPEN)}
    waiting = select(func.count()).select_from(t.approvals).where(t.approvals.c.status == "pending")
    return found | {"held": int(connection.execute(waiting).scalar_one())}
