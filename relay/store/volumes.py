"""Volumes from hourly and daily counts: what was sent in a time span, by whom and how, and usual weekday volumes."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from policy.outcomes import GroupBy
from policy.usage import DAY, HOUR
from relay.store import schema as t
from relay.store.paging import matching
from relay.store.prepared import Prepared, insertion
from relay.store.tallies import COLUMNS, lifted

WEEKS = 4
HOURS = DAY // HOUR
_t = t.tallies.c


def _adding(table: str, period: str) -> Prepared:
    """The statement that adds to a count of a period; all words of the SQL come from this module."""
    key = ("tenant_id", period, "mailbox_id", "provider", "campaign")
    return insertion(
        table, (*key, "sent"), f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET sent = {table}.sent + excluded.sent"
    )


_ADD_HOUR, _ADD_DAY = _adding("volumes", "hour"), _adding("daily_volumes", "day")

Sent = tuple[str, int, str, str, str]  # tenant, time, mailbox, provider, campaign


def add(connection: Connection, sent: Iterable[Sent]) -> None:
    """Count what was sent; in sorted order, so that two machines cannot deadlock."""
    counts = Counter((tenant, at // HOUR, box, provider, campaign) for tenant, at, box, provider, campaign in sent)
    names = ("tenant_id", "hour", "mailbox_id", "provider", "campaign", "day", "sent")
    rows = [dict(zip(names, (*key, key[1] // HOURS, counts[key]), strict=True)) for key in sorted(counts)]
    _ADD_HOUR.many(connection, rows)
    _ADD_DAY.many(connection, rows)


def sent_between(
    connection: Connection, tenant_id: str, since: int, until: int, by: GroupBy, mailbox_id: str = ""
) -> dict[str, Counter[str]]:
    """What was sent in a time span by one mailbox or a whole tenant: per group `by`, the counts by provider.

    The span begins with the hour of `since` and ends with the day of `until`: hourly counts are used up to the first
    midnight, daily counts after it.
    """
    midnight = -(-since // DAY)
    hours, days = t.volumes.c, t.daily_volumes.c
    parts = (
        (hours, hours.hour.between(since // HOUR, midnight * HOURS - 1)),
        (days, days.day.between(midnight, until // DAY)),
    )
    found: dict[str, Counter[str]] = {}
    for v, span in parts:
        asked = {"mailbox": v.mailbox_id, "campaign": v.campaign, "provider": v.provider}[by]
        own = (v.tenant_id == tenant_id, *matching((v.mailbox_id, mailbox_id)))
        query = select(v.provider, asked.label("asked"), func.sum(v.sent)).where(*own, span)
        for provider, name, sent in connection.execute(query.group_by(v.provider, asked)):
            found.setdefault(name, Counter())[provider] += int(sent)
    return found


def today_and_before(connection: Connection, scopes: Sequence[str], now: int) -> dict[str, tuple[int, list[int]]]:
    """Per scope what was sent today so far, and up to the same hour on this weekday in each week since mail began."""
    midnight = now - now % DAY
    starts = [midnight - week * 7 * DAY for week in range(WEEKS + 1)]
    names = {name: scope for scope in scopes for name in (scope, lifted(scope))}
    firsts: dict[str, int] = {}
    for row in _FIRST.all(connection, scopes=list(names), since=starts[-1] // HOUR):
        if row.first is not None:
            firsts[names[row.scope]] = min(row.first * HOUR, firsts.get(names[row.scope], now))
    sent = [Counter[str]() for _ in starts]
    for start, counted in zip(starts, sent, strict=True):
        span = {"since": start // HOUR, "until": (start + now % DAY) // HOUR}
        for row in _SENT.all(connection, scopes=list(names), **span):
            counted[names[row.scope]] += int(row.sent)
    return {scope: _weeks([counted[scope] for counted in sent], starts, firsts.get(scope)) for scope in scopes}


# Of the scopes that have counts at all. The key begins with scope and hour, so the first hour is found at once.
_FIRST = Prepared(
    "SELECT scope, min(hour) AS first FROM tallies WHERE scope IN :scopes[] AND hour >= :since GROUP BY scope"
)
_SENT = Prepared(
    "SELECT scope, sum(sent) AS sent FROM tallies WHERE scope IN :scopes[] AND hour >= :since AND hour <= :until"
    " GROUP BY scope"
)


def _weeks(sent: Sequence[int], starts: Sequence[int], first: int | None) -> tuple[int, list[int]]:
    """Today's count, and the counts of earlier weeks since the scope's first mail."""
    began = starts[0] if first is None else first
    return sent[0], [count for count, start in zip(sent, starts, strict=True) if began <= start < starts[0]]


def by_day(connection: Connection, scope: str, since: int) -> list[dict[str, int]]:
    """Counts per day since a time, oldest first, for charts."""
    day = (_t.hour // 24).label("day")
    query = (
        select(day, *(func.sum(_t[name]).label(name) for name in COLUMNS))
        .where(_t.scope.in_((scope, lifted(scope))), _t.hour >= since // HOUR)
        .group_by(day)
        .order_by(day)
    )
    return [
        {"at": int(row.day) * DAY, **{name: int(getattr(row, name)) for name in COLUMNS}}
        for row in connection.execute(query)
    ]
