"""The queue for people: listing what waits, retrying it now, and withdrawing it.

What is under way (`active`, `uncertain`) is shown but never touched: nobody can call back a
message that a provider may have. A delivery held in a server's memory is protected by its
lease: once withdrawn here, the server does not begin it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, case, func, select, update

from relay.store import places, restored
from relay.store import schema as t
from relay.store.approvals import NotWaiting, withdraw
from relay.store.bell import ring
from relay.store.errors import Unknown
from relay.store.paging import matching
from relay.store.queue import change
from relay.store.sends import let_body_go
from relay.store.states import OPEN, WAITING

_d = t.deliveries.c
_RESTORED = (_d.reason == restored.REASON) & _d.state.in_(sorted(OPEN - {"active"}))
_without_restore = case((_d.reason == restored.REASON, ""), else_=_d.reason)


class Which(Struct, frozen=True):
    """Selects deliveries; empty fields are ignored."""

    send_id: str = ""
    mailbox_id: str = ""
    domain: str = ""  # of the recipient
    state: str = ""


def listed(connection: Connection, which: Which, limit: int) -> Sequence[Any]:
    """Open deliveries with subject and mailbox, in order of due time."""
    query = (
        select(t.deliveries, t.sends.c.subject, t.mailboxes.c.name.label("mailbox"))
        .join(t.sends, t.sends.c.id == _d.send_id)
        .outerjoin(t.mailboxes, t.mailboxes.c.id == _d.mailbox_id)
        .where(_d.state.in_(sorted(OPEN)), *_conditions(which))
    )
    return connection.execute(query.order_by(_d.due_at, _d.send_id, _d.n).limit(limit)).all()


def counts(connection: Connection) -> dict[str, int]:
    """The number of open or held deliveries, by state."""
    query = select(_d.state, func.count().label("deliveries")).where(_d.state.in_((*OPEN, "held"))).group_by(_d.state)
    return {row.state: int(row.deliveries) for row in connection.execute(query)}


def try_now(connection: Connection, which: Which, now: int) -> int:
    """Make deliveries due at once that wait for a retry, or after a restore for a person; returns how many.

    Scheduled deliveries keep their time, and so do those that wait for room in a limit.
    """
    values = update(t.deliveries).values(due_at=now, reason=_without_restore, updated_at=now)
    conditions = [_d.state.in_(("queued", "deferred")) | _RESTORED, _d.due_at > now, *_conditions(which)]
    conditions.append(_d.queued_at <= now)
    count = int(connection.execute(values.where(*conditions)).rowcount)
    if count:
        ring(connection)
    return count


def cancel(connection: Connection, send_id: str, *, by: str, note: str, now: int) -> int:
    """Withdraw the deliveries of a send that are held, or wait and have not begun; returns how many. Raises Unknown."""
    own = _d.send_id == send_id
    places.lock(connection, own)
    query = select(t.deliveries).where(own, _d.state.in_(sorted(WAITING)) | _RESTORED)
    rows = connection.execute(query.with_for_update()).all()
    data = {"by": by, "note": note}
    # What was queued in a restored store may have left before: it keeps that reason, and a repeat still counts as one.
    apart = [row for row in rows if row.reason == restored.REASON]
    for reason, some in (("cancelled", [row for row in rows if row not in apart]), (restored.REASON, apart)):
        change(connection, some, "cancelled", now=now, kind="delivery.cancelled", reason=reason, data=data)
    places.give_back(connection, [row for row in rows if row not in apart], now)
    count = len(rows)
    with suppress(NotWaiting):  # nothing of it is held
        count += withdraw(connection, send_id, by=by, note=note, now=now)
    let_body_go(connection, send_id, by=by)
    if not count and not _exists(connection, send_id):
        raise Unknown("send", send_id)
    return count


def never_left(row: Any) -> bool:
    """Whether a delivery certainly has not left and never will, so that a repeat counts as a new message."""
    return row.state in ("cancelled", "rejected") and row.reason != restored.REASON


def _conditions(which: Which) -> list[Any]:
    own = (_d.send_id, which.send_id), (_d.mailbox_id, which.mailbox_id)
    return [*matching(*own, (_d.domain, which.domain), (_d.state, which.state))]


def _exists(connection: Connection, send_id: str) -> bool:
    return connection.execute(select(t.sends.c.id).where(t.sends.c.id == send_id)).first() is not None
