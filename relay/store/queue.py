"""The queue: what is due, and which node has it.

A delivery waits (queued, deferred, scheduled), is leased by one node, begins an attempt and is
settled (`attempts`). When a node is found dead, its deliveries are free again at once if no attempt
had begun, and uncertain otherwise: nobody can know what the provider accepted.
"""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from relay.store import schema as t
from relay.store.bell import ring
from relay.store.engine import loads
from relay.store.events import Event, of_delivery, record
from relay.store.paging import matching
from relay.store.parcel import Due, Parcel
from relay.store.prepared import Prepared
from relay.store.quota import bury_places
from relay.store.states import WAITING, check_change

# A lease is valid as long as its node lives; this is the limit for a dead node that is never found.
LEASE = 24 * 3_600_000  # milliseconds

UNDER_WAY = 5_000  # milliseconds within which what is leased to a node arrives there

CRASHES = 3  # attempts ending in a crash after which a delivery is given up (faults R13)

_d = t.deliveries.c
_OPEN = text(f"deliveries.{t.OPEN_CONDITION}")


_CLAIMABLE = (
    select(_d.send_id, _d.n)
    .where(
        _OPEN,
        _d.began == 0,  # an attempt under way stays leased, however long it takes, until its node is found dead
        _d.due_at <= bindparam("now"),
        (_d.lease_node == "") | (_d.lease_until < bindparam("now")),
    )
    .order_by(_d.due_at)
    .limit(bindparam("limit"))
)


def claim(connection: Connection, *, node: str, now: int, limit: int) -> list[Parcel]:
    """Lease up to `limit` due deliveries to this node, longest due first; returned without their bytes."""
    query = _CLAIMABLE.with_for_update(skip_locked=True)
    found = connection.execute(query, {"now": now, "limit": limit}).all()
    if not found:
        return []
    until = now + LEASE
    connection.execute(_LEASE, [{"send_id": r.send_id, "n": r.n, "node": node, "until": until} for r in found])
    wanted = {(r.send_id, r.n) for r in found}
    rows = connection.execute(_READ, {"ids": sorted({send_id for send_id, _ in wanted})}).all()
    return _parcels([row for row in rows if (row.send_id, row.n) in wanted], node)


_LEASE = text("UPDATE deliveries SET lease_node = :node, lease_until = :until WHERE send_id = :send_id AND n = :n")
_READ = (
    select(
        t.deliveries,
        t.sends.c.mail_from,
        t.sends.c.from_address,
        t.sends.c.message_class,
        t.sends.c.received_at,
        t.sends.c.campaign,
        t.sends.c.metadata,
        t.sends.c.envelope,
        t.sends.c.plan,
        t.sends.c.size.label("message_size"),
    )
    .join(t.sends, t.sends.c.id == _d.send_id)
    .where(_d.send_id.in_(bindparam("ids", expanding=True)))
    .order_by(_d.send_id, _d.n)
)


def parcels_of(connection: Connection, ids: Sequence[str]) -> list[Parcel]:
    """Submissions with all their deliveries in any state, without bytes, for inspection: nothing is leased."""
    return _parcels(connection.execute(_READ, {"ids": list(ids)}).all(), "")


def parcel_of(connection: Connection, send_id: str) -> Parcel | None:
    """As `parcels_of`, for one submission; None if it no longer exists."""
    return next(iter(parcels_of(connection, [send_id])), None)


def _parcels(rows: Sequence[Any], node: str) -> list[Parcel]:
    by_send: dict[str, list[Any]] = {}
    for row in rows:
        by_send.setdefault(row.send_id, []).append(row)
    return [_parcel(own, node) for own in by_send.values()]


_fields_of_due = attrgetter(*Due.__struct_fields__)


def _parcel(rows: Sequence[Any], node: str) -> Parcel:
    first = rows[0]
    return Parcel(
        send_id=first.send_id,
        tenant_id=first.tenant_id,
        mailbox_id=first.mailbox_id,
        mail_from=first.mail_from,
        from_address=first.from_address,
        message_class=first.message_class,
        size=first.message_size,
        received_at=first.received_at,
        campaign=first.campaign,
        metadata=loads(first.metadata),
        envelope=loads(first.envelope),
        plan=loads(first.plan),
        due=tuple([Due(*_fields_of_due(row)) for row in rows]),
        node=node,
    )


def next_due(connection: Connection) -> int:
    """When the next unleased delivery is due, 0 if none waits."""
    return next((int(row.due_at) for row in _NEXT_DUE.all(connection)), 0)


_NEXT_DUE = Prepared(
    f"SELECT due_at FROM deliveries WHERE {t.OPEN_CONDITION} AND state != 'active' AND lease_node = ''"  # noqa: S608
    " ORDER BY due_at LIMIT 1"
)


def untold(connection: Connection, *, since: int, now: int, limit: int) -> Sequence[Any]:
    """Deliveries without a recorded reason that became due between these times (`send_id`, `n`, `due_at`), in order."""
    return _UNTOLD.all(connection, since=since, now=now, limit=limit)


def tell(connection: Connection, rows: Sequence[Any], reason: str) -> None:
    """Record why these wait, except those that are leased by now or have another reason."""
    _TELL.many(connection, [{"send_id": row.send_id, "n": row.n, "reason": reason} for row in rows])


_QUIET = f"{t.OPEN_CONDITION} AND state IN ('queued', 'scheduled') AND reason = '' AND lease_node = ''"
_UNTOLD = Prepared(
    f"SELECT send_id, n, due_at FROM deliveries WHERE {_QUIET}"  # noqa: S608
    " AND due_at BETWEEN :since AND :now ORDER BY due_at LIMIT :limit"
)
_TELL = Prepared(f"UPDATE deliveries SET reason = :reason WHERE send_id = :send_id AND n = :n AND {_QUIET}")  # noqa: S608


def strays(connection: Connection, *, node: str, now: int) -> set[str]:
    """Submissions leased to this node a while ago without a begun attempt: in its hands, or never arrived there."""
    rows = _IDLE.all(connection, node=node, until=now + LEASE - UNDER_WAY)
    return {str(row.send_id) for row in rows}


def give_back(connection: Connection, *, node: str, now: int, send_ids: Collection[str]) -> None:
    """Put these strays back into the queue."""
    until = now + LEASE - UNDER_WAY
    _GIVE_BACK.many(connection, [{"send_id": send_id, "node": node, "until": until} for send_id in send_ids])


_STRAY = f"{t.OPEN_CONDITION} AND began = 0 AND lease_node = :node AND lease_until < :until"
_IDLE = Prepared(f"SELECT send_id FROM deliveries WHERE {_STRAY}")  # noqa: S608
_GIVE_BACK = Prepared(
    f"UPDATE deliveries SET lease_node = '', lease_until = 0 WHERE send_id = :send_id AND {_STRAY}"  # noqa: S608
)


def let_go(
    connection: Connection, reasons: Collection[str], now: int, *, tenant_id: str = "", mailbox_id: str = ""
) -> None:
    """Make deliveries due at once that wait only for one of these reasons, which are over, not for a set time."""
    own = matching((_d.tenant_id, tenant_id), (_d.mailbox_id, mailbox_id))
    connection.execute(
        update(t.deliveries)
        .where(_OPEN, _d.reason.in_(sorted(reasons)), _d.due_at > now, *own)
        .values(due_at=now, updated_at=now)
    )


def release(
    connection: Connection,
    nodes: Sequence[str],
    *,
    now: int,
    uncertain_until: int,
    idempotent: Collection[str] = (),
) -> tuple[int, int]:
    """Free what dead nodes held: deliveries without a begun attempt are due at once, others are uncertain.

    Returns how many of each. Uncertain ones are due at `uncertain_until`, or at once if the provider
    is one of the `idempotent`, which may be asked again without harm.
    """
    query = _HELD_BY.with_for_update()
    held = connection.execute(query, {"nodes": list(nodes)}).all()  # locked: a node taken for dead may be settling
    bury_places(connection, nodes, now)
    if idle := [r for r in held if not r.began and r.state != "active"]:
        connection.execute(_FREE, [{"send_id": r.send_id, "n": r.n} for r in idle])
    begun = [r for r in held if r.began or r.state == "active"]
    if begun:
        connection.execute(_UNFINISHED, [{"send_id": r.send_id, "n": r.n, "number": r.began, "at": now} for r in begun])
    hopeless = [r for r in begun if r.state == "uncertain" and _crashes(connection, r) >= CRASHES - 1]
    if hopeless:  # a message that crashes the process again and again must not do so forever
        change(connection, hopeless, "expired", now=now, kind="delivery.expired", reason="outcome_unknown")
        record(connection, [_given_up(r, now) for r in {r.send_id: r for r in hopeless}.values()])
    if again := [r for r in begun if r not in hopeless]:
        # The crash was ours and says nothing about the message: the same provider is asked again.
        due = {True: now, False: uncertain_until}
        rows = [(r, due[r.provider in idempotent]) for r in again]
        connection.execute(_UNSURE, [{"send_id": r.send_id, "n": r.n, "at": now, "due_at": at} for r, at in rows])
        # Recorded even if it was uncertain before: each attempt may be another copy at the provider.
        record(connection, [_crashed(r, now) for r in again])
    if idle or again:
        ring(connection)
    return sum(r.state in WAITING for r in idle), len(again)


def _crashed(row: Any, now: int) -> Event:
    data = {"reason": "crashed", "provider": row.provider}
    return of_delivery("delivery.uncertain", now, row, data)


def _given_up(row: Any, now: int) -> Event:
    cause = f"the process that delivered it died, {CRASHES} times in a row; {row.send_id} is not tried again"
    data = {"alert": "message_crashes", "cause": cause}
    return Event("alert.raised", now, row.tenant_id, row.mailbox_id, row.send_id, data=data)


def _crashes(connection: Connection, row: Any) -> int:
    """How many earlier attempts at this delivery ended in a crash of ours."""
    found = connection.execute(_CRASHED, {"send_id": row.send_id, "n": row.n, "number": row.began})
    return int(found.scalar_one())


_CRASHED = text(
    "SELECT count(*) FROM attempts WHERE send_id = :send_id AND n = :n AND number < :number AND result = 'uncertain'"
)
_HELD_BY = (
    select(_d.send_id, _d.n, _d.state, _d.began, _d.tenant_id, _d.mailbox_id, _d.recipient, _d.provider)
    .where(_OPEN, _d.lease_node.in_(bindparam("nodes", expanding=True)))
    .order_by(_d.send_id, _d.n)
)
_FREE = text("UPDATE deliveries SET lease_node = '', lease_until = 0 WHERE send_id = :send_id AND n = :n")
_UNSURE = text(
    "UPDATE deliveries SET state = 'uncertain', reason = 'crashed', began = 0, lease_node = '', lease_until = 0,"
    " due_at = :due_at, updated_at = :at WHERE send_id = :send_id AND n = :n"
)
_UNFINISHED = text(
    "UPDATE attempts SET ended_at = :at, result = 'uncertain', scope = 'connection'"
    " WHERE send_id = :send_id AND n = :n AND number = :number"
)


def change(
    connection: Connection,
    rows: Sequence[Any],
    state: str,
    *,
    now: int,
    kind: str,
    reason: str = "",
    due_at: int = 0,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Change the state of deliveries (rows of the table), with an event of this kind for each."""
    for row in rows:
        check_change(row.state, state)
        connection.execute(
            update(t.deliveries)
            .where(_d.send_id == row.send_id, _d.n == row.n, _d.state == row.state)
            .values(
                state=state, reason=reason, due_at=due_at or now, updated_at=now, began=0, lease_node="", lease_until=0
            )
        )
    told = {"reason": reason, **(data or {})} if reason or data else {}
    record(connection, [of_delivery(kind, now, row, told) for row in rows])
    if state == "queued" and rows:
        ring(connection)
