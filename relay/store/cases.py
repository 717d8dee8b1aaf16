"""Investigations: what complaints and alerts opened for a person to look at."""

from typing import Any

from sqlalchemy import Connection, update

from relay.store import schema as t
from relay.store.events import Event, record

_i = t.investigations.c


def close(connection: Connection, row: Any, *, note: str, by: str, now: int) -> bool:
    """Close an open case with a note; False when it was closed already."""
    changed = connection.execute(
        update(t.investigations)
        .where(_i.id == row.id, _i.status == "open")
        .values(status="closed", note=note, closed_at=now)
    ).rowcount
    if changed:
        data = {"investigation": row.id, "kind": row.kind, "note": note, "by": by}
        record(connection, [Event("investigation.closed", now, row.tenant_id, row.mailbox_id, data=data)])
    return bool(changed)
