"""Figures of the whole installation by hour, each from an index: what was decided, and what became of it.

An hour that is over does not change any more as far as decisions go, so whoever asks may keep it.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from policy.usage import HOUR
from relay.store import schema as t

_s, _t = t.sends.c, t.tallies.c
COUNTED = ("sent", "delivered", "bounced", "complained", "deferred", "refused")


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
        select(_t.hour, *(func.sum(_t[name]).label(name) for name in COUNTED))
        .where(_t.scope.in_(names), _t.hour >= since // HOUR)
        .group_by(_t.hour)
    )
    return {row.hour: {name: int(getattr(row, name)) for name in COUNTED} for row in connection.execute(query)}
