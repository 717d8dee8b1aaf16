"""Volumes from the hourly counts: what was sent in a span, by whom and how, and what weekdays used to bring."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from policy.outcomes import GroupBy
from policy.usage import DAY, HOUR
from relay.store import schema as t
from relay.store.prepared import Prepared

WEEKS = 4
_t = t.tallies.c


_ADD = Prepared(
    "INSERT INTO volumes (tenant_id, hour, mailbox_id, provider, campaign, sent)"
    " VALUES (:tenant_id, :hour, :mailbox_id, :provider, :campaign, :sent)"
    " ON CONFLICT (tenant_id, hour, mailbox_id, provider, campaign) DO UPDATE SET sent = volumes.sent + excluded.sent"
)


Sent = tuple[str, int, str, str, str]  # tenant, time, mailbox, provider, campaign


def add(connection: Connection, sent: Iterable[Sent]) -> None:
    """Count what was sent; in one order, so that two machines do not wait crosswise."""
    counts = Counter((tenant, at // HOUR, *rest) for tenant, at, *rest in sent)
    names = ("tenant_id", "hour", "mailbox_id", "provider", "campaign")
    _ADD.many(connection, [{**dict(zip(names, key, strict=True)), "sent": counts[key]} for key in sorted(counts)])


def sent_since(
    connection: Connection, tenant_id: str, since: int, by: GroupBy, mailbox_id: str = ""
) -> tuple[dict[str, int], dict[str, int]]:
    """What was sent since a time, of one mailbox or of the whole tenant: by provider, and by what is asked."""
    v = t.volumes.c
    asked = {"mailbox": v.mailbox_id, "campaign": v.campaign, "provider": v.provider}[by]
    query = select(v.provider, asked.label("asked"), func.sum(v.sent))
    query = query.where(v.tenant_id == tenant_id, v.hour >= since // HOUR)
    query = query.where(v.mailbox_id == mailbox_id) if mailbox_id else query
    by_provider, by_asked = Counter[str](), Counter[str]()
    for provider, name, sent in connection.execute(query.group_by(v.provider, asked)):
        by_provider[provider] += int(sent)
        by_asked[name] += int(sent)
    return dict(by_provider), dict(by_asked)


def today_and_before(connection: Connection, scopes: Sequence[str], now: int) -> dict[str, tuple[int, list[int]]]:
    """Per scope what was sent today so far, and by the same hour on the same weekday of weeks that saw any mail."""
    midnight = now - now % DAY
    starts = [midnight - week * 7 * DAY for week in range(WEEKS + 1)]
    sums = [_between(start, start + now % DAY).label(f"sent_{n}") for n, start in enumerate(starts)]
    names = {name: scope for scope in scopes for name in (scope, f"lifted:{scope}")}
    query = select(_t.scope, func.min(_t.hour).label("first"), *sums)
    query = query.where(_t.scope.in_(list(names)), _t.hour >= starts[-1] // HOUR)
    rows: dict[str, list[Any]] = {scope: [] for scope in scopes}
    for row in connection.execute(query.group_by(_t.scope)):
        rows[names[row.scope]].append(row)
    return {scope: _weeks(own, starts) for scope, own in rows.items()}


def _between(since: int, until: int) -> Any:
    return func.sum(case((and_(_t.hour >= since // HOUR, _t.hour <= until // HOUR), _t.sent), else_=0))


def _weeks(rows: Sequence[Any], starts: Sequence[int]) -> tuple[int, list[int]]:
    sent = [sum(int(row._mapping[f"sent_{n}"]) for row in rows) for n in range(len(starts))]
    first = min((int(row.first) for row in rows), default=0) * HOUR
    return sent[0], [count for count, start in zip(sent, starts, strict=True) if rows and first <= start < starts[0]]


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
