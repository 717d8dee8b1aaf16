"""Held mail that waits for a person: listing, approving, rejecting, withdrawing and expiring it.

An approval is tied to the bytes, the planned edits and the recipients as they were when the
message was held: what no longer matches is not released. If a recipient is taken out, the
approval covers the others. Policy comes before people: at departure the rules are asked again,
so an approval never overrides a block. Mail that is never released counts as not sent: cooldown
and loop detection forget it, or they would refuse its corrected version. What already counts in
the limits stays used up; places reserved for a later departure are freed.

Each decision is recorded in a chain, like a decision of the policy: who made it and with what
note are stored as a digest, since both may have to be erased (`proof` compares).
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, tuple_, update

from policy.facts import alias_of
from policy.moment import exact
from relay.store import audit, places
from relay.store import schema as t
from relay.store.engine import canonical, dumps, loads
from relay.store.paging import Page, Place, matching, newest_first
from relay.store.queue import change
from relay.store.recollection import Contact
from relay.store.sends import body

_a, _c, _d = t.approvals.c, t.contacts.c, t.deliveries.c
SETTLED = frozenset({"rejected", "approval_timeout", "withdrawn"})  # reasons of held deliveries that never left
_AT_ONCE = 200  # expired sends handled per step
_PENDING, _ORDER = _a.status == "pending", (_a.expires_at, _a.send_id)
CHAIN = "approvals"  # one per tenant, whichever process writes it


class NotWaiting(Exception):
    """The send is not waiting for a decision, or no longer."""


class Changed(Exception):
    """What is stored is not what was held, so nothing is released."""


def bound_digest(data: bytes, plan: Mapping[str, Any], recipients: Sequence[str]) -> str:
    """The digest of what an approval is tied to: the stored bytes, the planned edits and the held recipients."""
    digest = sha256(data)
    digest.update(canonical([dict(plan), sorted(recipients)]).encode())
    return digest.hexdigest()


def status_of(connection: Connection, send_id: str) -> str:
    """pending, approved, rejected, withdrawn or expired; empty for a send that was never held."""
    return str(connection.execute(select(_a.status).where(_a.send_id == send_id)).scalar_one_or_none() or "")


def listed(
    connection: Connection, status: str, *, tenant_id: str = "", mailbox_id: str = "", after: Place | None, limit: int
) -> Page:
    """A page of approvals, newest first."""
    wanted = matching((_a.status, status), (_a.tenant_id, tenant_id), (_a.mailbox_id, mailbox_id))
    query = select(t.approvals).where(*wanted)
    return newest_first(connection, query, _a.requested_at, _a.send_id, after=after, limit=limit)


class Waiting(NamedTuple):
    """Some pending approvals, the first to expire first. `before` and `after` are the neighbouring sends."""

    rows: Sequence[Any]
    skipped: int
    before: str
    after: str
    oldest: int  # since when the longest-waiting of all has waited


def around(connection: Connection, send_id: str, most: int) -> Waiting:
    """The page that contains a send; the first page for a send that was never held.

    Pages are counted from the front, so that opening an entry does not move the page.
    """
    at = _place(connection, send_id)
    total, oldest = connection.execute(select(func.count(), func.min(_a.requested_at)).where(_PENDING)).one()
    ahead = 0
    if at is not None:
        earlier = select(func.count()).where(_PENDING, tuple_(*_ORDER) < tuple_(*at))
        ahead = min(connection.execute(earlier).scalar_one(), max(total - 1, 0))
    skipped = ahead - ahead % most
    query = select(t.approvals).where(_PENDING).order_by(*_ORDER).offset(max(skipped - 1, 0))
    found = connection.execute(query.limit(most + 1 + bool(skipped))).all()
    before, rows = (found[0].send_id, found[1:]) if skipped and found else ("", found)
    return Waiting(rows[:most], skipped, before, rows[most].send_id if len(rows) > most else "", oldest or 0)


def following(connection: Connection, send_id: str) -> str:
    """The pending send after this one in the same order; empty after the last."""
    behind = select(_a.send_id).where(_PENDING).order_by(*_ORDER).limit(1)
    if (at := _place(connection, send_id)) is not None:
        behind = behind.where(tuple_(*_ORDER) > tuple_(*at))
    return connection.execute(behind).scalar_one_or_none() or ""


def _place(connection: Connection, send_id: str) -> Any:
    """The position of a send in the order, now or formerly; None if it was never held."""
    return connection.execute(select(*_ORDER).where(_a.send_id == send_id)).first()


def why(approval: Any, send: Any) -> str:
    """Why it waits, for the person who decides: in the rule's words if it was held on arrival."""
    held_at_once = approval.reason == "held" and send.decision == "held"
    return str(send.detail if held_at_once and send.detail else approval.reason.replace("_", " "))


def one(connection: Connection, send_id: str) -> Any:
    """The approval of a send, or None if it was never held."""
    return connection.execute(select(t.approvals).where(_a.send_id == send_id)).first()


def is_as_held(connection: Connection, row: Any) -> bool:
    """Whether what is stored now still matches the approval; nothing else is released."""
    return bool(row.bound == _bound(connection, row.send_id, _held(connection, row.send_id)))


def approve(connection: Connection, send_id: str, *, by: str, note: str, now: int) -> None:
    """Release a held send; raises NotWaiting or Changed."""
    row, held = _waiting(connection, send_id)
    if row.expires_at <= now:
        raise NotWaiting(f"the time to approve {send_id} has run out")
    if row.bound != _bound(connection, send_id, held):
        raise Changed("the stored message is not the one that was held")
    told = {"by": by, "note": note}
    change(connection, [d for d in held if d.due_at <= now], "queued", now=now, kind="send.approved", data=told)
    # A copy that leaves now still counts at its planned time; it gets a new place as it leaves (`late`).
    for later in [d for d in held if d.due_at > now]:
        change(connection, [later], "scheduled", now=now, kind="send.approved", due_at=later.due_at, data=told)
    _decided(connection, row, "approved", by, note, now)


def reject(connection: Connection, send_id: str, *, by: str, note: str, now: int, reason: str = "rejected") -> Any:
    """Reject a held send permanently; raises NotWaiting. Returns the approval's row."""
    places.lock(connection, _d.send_id == send_id)
    row, held = _waiting(connection, send_id)
    change(connection, held, "rejected", now=now, kind="send.rejected", reason=reason, data={"by": by, "note": note})
    _forget(connection, held, now)
    places.give_back(connection, held, now)
    _decided(connection, row, "expired" if reason == "approval_timeout" else "rejected", by, note, now)
    return row


def withdraw(connection: Connection, send_id: str, *, by: str, note: str, now: int) -> int:
    """Withdraw a held send; agents may do so too. Returns how many deliveries were held; raises NotWaiting."""
    places.lock(connection, _d.send_id == send_id)
    row, held = _waiting(connection, send_id)
    change(
        connection, held, "cancelled", now=now, kind="send.cancelled", reason="withdrawn", data={"by": by, "note": note}
    )
    _forget(connection, held, now)
    places.give_back(connection, held, now)
    _decided(connection, row, "withdrawn", by, note, now)
    return len(held)


def take_out(connection: Connection, send_id: str, key: str, *, by: str, now: int) -> int:
    """Remove one recipient from a held send; the others can still be approved, if they could be before.

    Returns how many held deliveries were removed; raises NotWaiting.
    """
    row, held = _waiting(connection, send_id)
    gone, others = [d for d in held if d.recipient_key == key], [d for d in held if d.recipient_key != key]
    if others and row.bound == _bound(connection, send_id, held):
        bound = _bound(connection, send_id, others)
        connection.execute(update(t.approvals).where(_a.send_id == send_id).values(bound=bound))
    change(connection, gone, "cancelled", now=now, kind="delivery.cancelled", reason=by)
    places.give_back(connection, gone, now)
    if not others:
        _decided(connection, row, "withdrawn", by, "", now)
    return len(gone)


def expire_approvals(connection: Connection, now: int) -> list[str]:
    """Reject up to a step's worth of sends that waited too long; returns their ids."""
    query = (
        select(_a.send_id).where(_a.status == "pending", _a.expires_at <= now).order_by(_a.expires_at).limit(_AT_ONCE)
    )
    # All approvals are locked before the chain: everybody who decides one locks in that order.
    late = list(connection.execute(query.with_for_update()).scalars())
    places.lock(connection, _d.send_id.in_(late))
    for send_id in late:
        reject(connection, send_id, by="timeout", note="", now=now, reason="approval_timeout")
    return late


def _waiting(connection: Connection, send_id: str) -> tuple[Any, Sequence[Any]]:
    row = connection.execute(select(t.approvals).where(_a.send_id == send_id).with_for_update()).first()
    if row is None or row.status != "pending":
        raise NotWaiting(f"{send_id} is not waiting for approval")
    return row, _held(connection, send_id)


def _held(connection: Connection, send_id: str) -> Sequence[Any]:
    held = (
        select(t.deliveries, t.sends.c.received_at.label("accepted_at"))
        .join(t.sends, t.sends.c.id == _d.send_id)
        .where(_d.send_id == send_id, _d.state == "held")
    )
    return connection.execute(held).all()


def _bound(connection: Connection, send_id: str, held: Sequence[Any]) -> str:
    """The digest for an approval of these deliveries as stored now; empty if the bytes are gone."""
    plan = connection.execute(select(t.sends.c.plan).where(t.sends.c.id == send_id)).scalar_one()
    data = body(connection, send_id)
    return "" if data is None else bound_digest(data, loads(plan), [d.recipient for d in held])


def _forget(connection: Connection, held: Sequence[Any], now: int) -> None:
    """Remove deliveries (their rows while held) from what is remembered of their recipients."""
    for row in held:
        keys = (row.recipient_key, alias_of(row.recipient_key))
        these = (_c.tenant_id == row.tenant_id, _c.key.in_(keys), _c.mailbox_id == row.mailbox_id)
        for known in connection.execute(select(_c.key, _c.last_commercial_at, _c.recent).where(*these)).all():
            contact = Contact(last_commercial_at=known.last_commercial_at)
            contact.take_recent(known.recent)
            contact.forget(row.accepted_at, row.queued_at)
            if contact.last_commercial_at == row.queued_at:
                # Mail to other spellings left at least a cooldown earlier, or this one would not have been accepted.
                contact.last_commercial_at = _last_commercial(connection, row, now)
            values = {"last_commercial_at": contact.last_commercial_at, "recent": dumps(contact.as_recent())}
            connection.execute(update(t.contacts).where(*these, _c.key == known.key).values(values))


def _last_commercial(connection: Connection, row: Any, now: int) -> int:
    """When other commercial mail of this mailbox to this recipient last left, or may have left; 0 for never."""
    query = (
        select(func.max(_d.queued_at))
        .join(t.sends, t.sends.c.id == _d.send_id)
        .where(
            _d.tenant_id == row.tenant_id,
            _d.recipient_key == row.recipient_key,
            _d.mailbox_id == row.mailbox_id,
            _d.queued_at <= now,
            _d.reason.not_in(SETTLED),
            t.sends.c.message_class == "commercial",
        )
    )
    return connection.execute(query).scalar_one() or 0


def _decided(connection: Connection, row: Any, status: str, by: str, note: str, now: int) -> None:
    decided = {"status": status, "decided_at": now, "decided_by": by, "note": note}
    connection.execute(update(t.approvals).where(_a.send_id == row.send_id).values(decided))
    told = {"v": 1, "sendId": row.send_id, "tenant": row.tenant_id, "mailbox": row.mailbox_id}
    decision = {"approval": word(row, status, by, note, now), "timestamp": exact(now)}
    audit.append(connection, [audit.Record(f"{row.tenant_id}:{CHAIN}", row.send_id, now, told | decision)])


def word(row: Any, status: str, by: str, note: str, at: int) -> dict[str, str]:
    """What the chain records of a decision: the kind of decider, the bound digest, a digest of who said what when."""
    said = sha256(canonical([row.send_id, status, by, note, at]).encode()).hexdigest()
    return {"status": status, "by": by.partition(":")[0], "bound": row.bound, "said": said}
