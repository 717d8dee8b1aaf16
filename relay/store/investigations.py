"""Investigations: cases opened by complaints and alerts for a person to look at."""

from typing import Any

from sqlalchemy import Connection, insert, update

from relay.store import schema as t
from relay.store.acts import enact
from relay.store.engine import dumps
from relay.store.events import Event, record

_i = t.investigations.c


def begin(
    connection: Connection,
    investigation_id: str,
    tenant_id: str,
    mailbox_id: str,
    kind: str,
    subject: str,
    evidence: dict[str, Any],
    at: int,
) -> str:
    """Open an investigation; returns its id."""
    item = {
        "id": investigation_id,
        "tenant_id": tenant_id,
        "mailbox_id": mailbox_id,
        "kind": kind,
        "subject": subject,
        "evidence": dumps(evidence),
        "opened_at": at,
    }
    connection.execute(insert(t.investigations), item)
    data = {"kind": kind, "subject": subject, "investigation": investigation_id}
    record(connection, [Event("investigation.opened", at, tenant_id, mailbox_id, data=data)])
    return investigation_id


def close(connection: Connection, row: Any, *, note: str, by: str, now: int) -> bool:
    """Close an open investigation with a note; False if it was closed already."""
    changed = connection.execute(
        update(t.investigations)
        .where(_i.id == row.id, _i.status == "open")
        .values(status="closed", note=note, closed_at=now)
    ).rowcount
    if changed:
        data = {"investigation": row.id, "kind": row.kind, "note": note}
        enact(connection, Event("investigation.closed", now, row.tenant_id, row.mailbox_id, data=data), by=by)
    return bool(changed)
