"""The recorded decisions in order: for replaying a changed policy on them, and for taking them out.

A page is in memory at a time, whatever their number.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from relay.store import schema as t

PAGE = 1000

_c = t.decisions.c
_IN_ORDER = (
    select(_c.seq, _c.chain, _c.position, _c.send_id, _c.at, _c.record, _c.hash)
    .where(_c.at >= bindparam("since"), _c.seq > bindparam("after"))
    .order_by(_c.seq)
    .limit(bindparam("limit"))
)


def pages(connection: Connection, since: int = 0, page: int = PAGE) -> Iterator[Sequence[Any]]:
    """Rows of decisions made since a time, oldest first, a page at a time."""
    after = 0
    while rows := connection.execute(_IN_ORDER, {"since": since, "after": after, "limit": page}).all():
        yield rows
        after = rows[-1].seq


def counted(connection: Connection, since: int = 0) -> int:
    """How many decisions were recorded since a time. All of them are counted by the index, without their records."""
    query = select(func.count()).select_from(t.decisions)
    return int(connection.execute(query.where(_c.at >= since) if since else query).scalar_one())
