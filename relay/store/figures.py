"""Figures of the whole installation, each from an index: what waits, and by hour what was decided and became of it.

An hour that is over does not change any more as far as decisions go, so whoever asks may keep it.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select, text

from policy.usage import HOUR
from relay.store import schema as t
from relay.store.schema.columns import OPEN_CONDITION
from relay.store.states import OPEN
from relay.store.tallies import COLUMNS

_s, _t = t.sends.c, t.tallies.c
# By mailbox, so that the index of their states is all that is read.
_OPEN = text(
    f"SELECT state, count(*) AS n FROM deliveries WHERE mailbox_id IN (SELECT id FROM mailboxes)"  # noqa: S608
    f" AND {OPEN_CONDITION} GROUP BY state"
)


def open_states(connection: Connection) -> dict[str, int]:
    """How many deliveries wait in each open state, and how many sends wait for a person."""
    found = dict.fromkeys(sorted(OPEN), 0) | {row.state: row.n for row in connection.execute(_OPEN)}
    waiting = select(func.count()).select_from(t.approvals).where(t.approvals.c.status == "pending")
    return found | {"held": int(connection.execute(waiting).scalar_one())}


def decided_in(connection: Connection, hour: int) -> dict[str, int]:
    """How many submissions were approved, held, blocked and deferred in an hour (counted since the epoch)."""
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
    """What became of the mail of all tenants, by hour, since a time; counts set aside are mail all the same."""
    names = [
        f"{prefix}tenant:{tenant_id}"
        for tenant_id in connection.execute(select(t.tenants.c.id)).scalars()
        for prefix in ("", "lifted:")
    ]
    query = (
        select(_t.hour, *(func.sum(_t[name]).label(name) for name in COLUMNS))
        .where(_t.scope.in_(names), _t.hour >= since // HOUR)
        .group_by(_t.hour)
    )
    return {row.hour: {name: int(getattr(row, name)) for name in COLUMNS} for row in connection.execute(query)}
