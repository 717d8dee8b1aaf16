"""Volumes from the hourly counts: what was sent in a span, and what the same weekday used to bring."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from policy.usage import DAY, HOUR
from relay.store import schema as t

WEEKS = 4
_t = t.tallies.c


def sent_between(connection: Connection, scopes: Sequence[str], since: int, until: int) -> int:
    """What was sent in whole hours of a span; counts set aside when a pause was lifted are sent mail all the same."""
    names = [name for scope in scopes for name in (scope, f"lifted:{scope}")]
    query = select(func.coalesce(func.sum(_t.sent), 0)).where(
        _t.scope.in_(names), _t.hour >= since // HOUR, _t.hour <= until // HOUR
    )
    return int(connection.execute(query).scalar_one())


def today_and_before(connection: Connection, scope: str, now: int) -> tuple[int, list[int]]:
    """What was sent today so far, and by the same hour on the same weekday of earlier weeks that saw any mail."""
    midnight = now - now % DAY
    today = sent_between(connection, [scope], midnight, now)
    first = connection.execute(select(func.min(_t.hour)).where(_t.scope.in_((scope, f"lifted:{scope}")))).scalar_one()
    if first is None:
        return today, []
    weeks = [midnight - n * 7 * DAY for n in range(1, WEEKS + 1) if midnight - n * 7 * DAY >= int(first) * HOUR]
    return today, [sent_between(connection, [scope], start, start + now % DAY) for start in weeks]


def by_day(connection: Connection, scope: str, since: int) -> list[dict[str, int]]:
    """Counts a day since a time, the oldest first, for charts."""
    day = (_t.hour // 24).label("day")
    names = [c for c in t.tallies.columns if c.name not in ("scope", "hour")]
    query = (
        select(day, *(func.sum(c).label(c.name) for c in names))
        .where(_t.scope.in_((scope, f"lifted:{scope}")), _t.hour >= since // HOUR)
        .group_by(day)
        .order_by(day)
    )
    return [
        {"at": int(row.day) * DAY, **{c.name: int(getattr(row, c.name)) for c in names}}
        for row in connection.execute(query)
    ]
