"""Figures of the whole installation, each from an index: what waits, and the decisions and results per hour.

The decisions of a past hour no longer change, so the caller may cache them.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select, text

from policy.usage import HOUR
from relay.store import schema as t
from relay.store.schema.columns import OPEN_CONDITION
from relay.store.states import OPEN
from relay.store.tallies import COLUMNS, lifted

_s, _t = t.sends.c, t.tallies.c
# By mailbox, so that only the index of states by mailbox is read.
_OPEN = text(
    f"SELECT state, count(*) AS n FROM deliveries WHERE mailbox_id IN (SELECT id FROM mailboxes)"  # noqa: S608
    f" AND {OPEN_CONDITION} GROUP BY state"
)


def open_states(connection: Connection) -> dict[str, int]:
    """The number of deliveries in each open state, and the number of sends held for a person."""
    found = dict.fromkeys(sorted(OPEN), 0) | {row.state: row.n for row in connection.execute(_OPEN)}
    waiting = select(func.count()).select_from(t.approvals).where(t.approvals.c.status == "pending")
    return found | {"held": int(connection.execute(waiting).scalar_one())}


def decided_in(connection: Connection, hour: int) -> dict[str, int]:
    """The number of submissions per decision in an hour (numbered from the epoch)."""
    found: dict[str, int] = {}
    for tenant_id in connection.execute(select(t.tenants.c.id)).scalars():
        query = (
            select(_s.decision, func.count())
            .where(_s.tenant_id == tenant_id, _s.received_at >= hour * HOUR, _s.received_at < (hour + 1) * HOUR)
            .group_by(_s.decision)
        )
        for decision, count in connection.execute(query):
            found[decision] = found.get(decision, 0) + count
    return found


def became_by_hour(connection: Connection, since: int) -> Mapping[int, Mapping[str, int]]:
    """The results of all tenants' mail since a time, by hour; includes counts that were set aside."""
    tenants = connection.execute(select(t.tenants.c.id)).scalars()
    names = [name for one in tenants for name in (f"tenant:{one}", lifted(f"tenant:{one}"))]
    query = (
        select(_t.hour, *(func.sum(_t[name]).label(name) for name in COLUMNS))
        .where(_t.scope.in_(names), _t.hour >= since // HOUR)
        .group_by(_t.hour)
    )
    return {row.hour: {name: int(getattr(row, name)) for name in COLUMNS} for row in connection.execute(query)}
