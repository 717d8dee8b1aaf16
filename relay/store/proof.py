"""Verifies that no decision was changed: the chains verify, and approvals agree with what was chained of them.

Who approved and with what note may have to be erased, so they are in a row that anybody with access
to the database could rewrite; the chain has a digest of them. If erasing removed words, all but these
are compared. What was decided before the oldest record still kept cannot be compared.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, select

from relay.store import approvals, audit
from relay.store import schema as t
from relay.store.audit import Fault, Verified
from relay.store.engine import loads
from relay.store.traces import ERASED

_a, _d = t.approvals.c, t.decisions.c
_CHAIN = _a.tenant_id + f":{approvals.CHAIN}"
_WITH_RECORD: Select[Any] = (
    select(t.approvals, _CHAIN.label("chain"), _d.position, _d.record)
    .outerjoin(t.decisions, and_(_d.send_id == _a.send_id, _d.chain == _CHAIN))
    .order_by(_a.send_id)
)


def is_as_recorded(connection: Connection, send_id: str) -> bool | None:
    """Whether an approval agrees with what was chained when it was decided.

    None while it waits, if erasing removed words from it, or if the record has been pruned.
    """
    rows = connection.execute(_WITH_RECORD.where(_a.send_id == send_id)).all()
    return _agrees(rows[-1], _kept_since(connection, rows[-1].chain)) if len(rows) == 1 else False  # one record only


def verify(
    connection: Connection,
    *,
    check_signature: Callable[[str, str, str], bool],
    progress: Callable[[int], None] = lambda _count: None,
) -> Verified:
    """The result of `audit.verify`; if all chains verify, also the first approval that disagrees with them."""
    found = audit.verify(connection, check_signature=check_signature, progress=progress)
    if found.fault is not None:
        return found
    since: dict[str, int] = {}
    count = unproven = 0
    with connection.execute(_WITH_RECORD, execution_options=audit.STREAMED) as rows:
        for row in rows:
            if row.chain not in since:
                since[row.chain] = _kept_since(connection, row.chain)
            agrees = _agrees(row, since[row.chain])
            if agrees is False:
                what = "the approval differs from what was recorded of it"
                return msgspec.structs.replace(found, fault=Fault(row.chain, row.position or 0, row.send_id, what))
            count += agrees is True
            unproven += row.record is None and row.status != "pending"
    return msgspec.structs.replace(found, approvals=count, unproven=unproven)


def _agrees(row: Any, since: int) -> bool | None:
    """Whether they agree, or None without a record to compare; records up to `since` may have been pruned."""
    if row.record is None:
        return None if row.status == "pending" or row.decided_at <= since else False
    recorded = loads(row.record)["approval"]
    told = approvals.word(row, row.status, row.decided_by, row.note, row.decided_at)
    if ERASED in row.note or ERASED in row.decided_by:
        return None if recorded | {"said": ""} == told | {"said": ""} else False
    return bool(recorded == told)


def _kept_since(connection: Connection, chain: str) -> int:
    """For a pruned chain, the time of its oldest record, or of the pruning if none is left; else 0.

    Other records with that same time may have been pruned.
    """
    pruned = connection.execute(select(t.anchors.c.at).where(t.anchors.c.chain == chain)).scalar_one_or_none()
    if pruned is None:
        return 0
    oldest = select(_d.at).where(_d.chain == chain).order_by(_d.position).limit(1)
    return int(connection.execute(oldest).scalar_one_or_none() or pruned)
