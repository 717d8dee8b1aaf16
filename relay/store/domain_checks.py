"""What DNS checks of a sending domain prove or withdraw.

A proof is stored when the ownership record is seen. It is withdrawn only after name servers
have said authoritatively for three days that the record is gone; DNS failures change nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from policy.usage import DAY
from relay.store import schema as t
from relay.store.engine import dumps
from relay.store.events import Event, record
from relay.store.rotation import settle

WHILE_ROTATING = 600_000  # milliseconds between checks for new DKIM records
GRACE = 3 * 86_400_000  # milliseconds of authoritative absence after which a proof is withdrawn
_AT_ONCE = 20  # domains checked per step

_d = t.domains.c


def checked(connection: Connection, domain_id: str, *, records: Sequence[Mapping[str, Any]], now: int) -> str:
    """Store what DNS said about each record and act on it; returns the status. Keys shown by DNS start to sign."""
    row = connection.execute(select(t.domains).where(_d.id == domain_id)).one()
    values: dict[str, Any] = {"records": dumps(list(records)), "checked_at": now}
    status = row.status
    if row.verification != "trusted" and status != "disabled":
        ownership = next((str(r["status"]) for r in records if r["purpose"] == "ownership"), "valid")
        status = _judged(row, ownership, now, values)
    connection.execute(update(t.domains).where(_d.id == row.id).values(**values, status=status))
    if status != row.status:
        kind = "domain.verified" if status == "verified" else "domain.failed"
        record(connection, [Event(kind, now, row.tenant_id, data={"domain": row.name, "status": status})])
    settle(connection, row, [r["value"] for r in records if r["purpose"] == "dkim" and r["status"] == "valid"], now)
    return str(status)


def _judged(row: Any, ownership: str, now: int, values: dict[str, Any]) -> str:
    if ownership == "valid":
        values |= {"verified_at": row.verified_at or now, "absent_since": 0}
        return "verified"
    if ownership == "unknown" or row.status != "verified":
        return str(row.status)
    if not row.absent_since:
        values["absent_since"] = now
        return "verified"
    return "failed" if now - row.absent_since >= GRACE else "verified"


def take_for_check(connection: Connection, now: int) -> Sequence[Any]:
    """Domains not checked for a day, or for ten minutes if new keys wait for it; marks them as checked."""
    rotating = _d.name.in_(select(t.dkim_keys.c.domain).where(t.dkim_keys.c.status == "pending"))
    due = (_d.checked_at <= now - DAY) | (rotating & (_d.checked_at <= now - WHILE_ROTATING))
    query = select(t.domains).where(due, _d.status != "disabled").order_by(_d.checked_at).limit(_AT_ONCE)
    rows = connection.execute(query).all()
    connection.execute(update(t.domains).where(_d.id.in_([row.id for row in rows])).values(checked_at=now))
    return rows
