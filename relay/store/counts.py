"""Figures over the whole store, each from an index."""

from sqlalchemy import Connection, func, select, text

from relay.store import schema as t

_d = t.deliveries.c
COUNTED = ("queued", "deferred", "scheduled", "active", "uncertain")


def revision(connection: Connection) -> str:
    """The revision the schema is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def open_states(connection: Connection) -> dict[str, int]:
    """How many deliveries wait in each open state, and how many sends wait for a person."""
    query = select(_d.state, func.count().label("n")).where(_d.state.in_(COUNTED)).group_by(_d.state)
    found = dict.fromkeys(COUNTED, 0) | {row.state: row.n for row in connection.execute(query)}
    waiting = select(func.count()).select_from(t.approvals).where(t.approvals.c.status == "pending")
    return found | {"held": int(connection.execute(waiting).scalar_one())}
