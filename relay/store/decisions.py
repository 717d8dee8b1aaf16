"""The recorded decisions in order: for replaying a changed policy on them, and for export.

Only one page is in memory at a time, whatever their number. Older decisions than asked for are
skipped by binary search, not read: decisions are in order of time, except for clock differences.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from policy.moment import precise
from relay.store import schema as t
from relay.store.engine import loads

PAGE = 1000
SKEW = 86_400_000  # milliseconds by which clocks may differ, or may have been set back, between two records

_c = t.decisions.c
_IN_ORDER = (
    select(_c.seq, _c.chain, _c.position, _c.send_id, _c.at, _c.record, _c.hash)
    .where(_c.at >= bindparam("since"), _c.seq > bindparam("after"))
    .order_by(_c.seq)
    .limit(PAGE)
)


_AT = select(_c.at).where(_c.seq > bindparam("after")).order_by(_c.seq).limit(1)


def pages(connection: Connection, since: int = 0) -> Iterator[Sequence[Any]]:
    """The decisions made since a time, oldest first, a page at a time."""
    after = _before(connection, since)
    while rows := page_after(connection, after, since):
        yield rows
        after = rows[-1].seq


def page_after(connection: Connection, after: int, since: int = 0) -> Sequence[Any]:
    """The next rows after a sequence number."""
    return connection.execute(_IN_ORDER, {"since": since, "after": after}).all()


def exported(row: Any) -> dict[str, Any]:
    """A row of a page as an export has it: as recorded, addresses remain tokens."""
    head = {"chain": row.chain, "position": row.position, "sendId": row.send_id, "at": precise(row.at)}
    return head | {"hash": row.hash, "record": loads(row.record)}


def newest(connection: Connection, limit: int, since: int = 0) -> Sequence[Any]:
    """The newest decisions made since a time, at most `limit`; their `record` is JSON text."""
    return connection.execute(select(_c.at, _c.record).order_by(_c.seq.desc()).limit(limit).where(_c.at >= since)).all()


def heads(connection: Connection) -> Sequence[Any]:
    """The head of every chain."""
    return connection.execute(select(t.chains).order_by(t.chains.c.chain)).all()


def counted(connection: Connection, since: int = 0) -> int:
    """How many decisions were recorded since a time; with 0 all are counted from the index, without their records."""
    query = select(func.count()).select_from(t.decisions)
    if since:
        query = query.where(_c.at >= since, _c.seq > _before(connection, since))
    return int(connection.execute(query).scalar_one())


def _before(connection: Connection, since: int) -> int:
    """A sequence number shortly before the first decision made since then."""
    low, high = 0, int(connection.execute(select(func.max(_c.seq))).scalar_one() or 0)
    while since and high - low > PAGE:
        middle = (low + high) // 2
        at = connection.execute(_AT, {"after": middle}).scalar_one_or_none()
        if at is None or at >= since - SKEW:
            high = middle
        else:
            low = middle
    return low
