"""Console sessions that were ended early: remembered for all processes until they would have expired."""

from sqlalchemy import Connection, delete, insert, select

from relay.store import schema as t

_PREFIX = "ended-session:"
_m = t.meta.c


def end(connection: Connection, session_id: str, until: int, now: int) -> None:
    """Remember that this session, valid until `until`, was ended; forget those that have expired by now."""
    for row in connection.execute(select(_m.key, _m.value).where(_m.key.startswith(_PREFIX))).all():
        if int(row.value) <= now:
            connection.execute(delete(t.meta).where(_m.key == row.key))
    if not is_ended(connection, session_id):
        connection.execute(insert(t.meta), {"key": _PREFIX + session_id, "value": str(until)})


def is_ended(connection: Connection, session_id: str) -> bool:
    """Whether somebody signed out of this session."""
    return connection.execute(select(_m.key).where(_m.key == _PREFIX + session_id)).first() is not None
