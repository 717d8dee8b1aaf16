"""Console sessions that were ended early: remembered for all processes until they would have expired."""

from sqlalchemy import Connection, delete, select

from relay.store import schema as t
from relay.store.meta import recalled, remember

_PREFIX = "ended-session:"
_m = t.meta.c


def end(connection: Connection, session_id: str, until: int, now: int) -> None:
    """Remember that this session, valid until `until`, was ended; forget those that have expired by now."""
    for row in connection.execute(select(_m.key, _m.value).where(_m.key.startswith(_PREFIX))).all():
        if int(row.value) <= now:
            connection.execute(delete(t.meta).where(_m.key == row.key))
    remember(connection, _PREFIX + session_id, str(until))


def is_ended(connection: Connection, session_id: str) -> bool:
    """Whether somebody signed out of this session."""
    return bool(recalled(connection, _PREFIX + session_id))
