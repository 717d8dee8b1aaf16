"""Feedback about mail: stored raw once, matched with its delivery, and applied to its state.

A fingerprint makes repeats harmless: of two identical events, on any machines, only one is new.
An event moves a delivery only forward, only as `states` allows, and never while an attempt is
under way: it waits until then. An event that matches no delivery is stored and has no effect.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, bindparam, select, text, tuple_

from relay.store import guard, tallies, volumes
from relay.store import schema as t
from relay.store.attempts import DELIVERED
from relay.store.engine import dumps, loads
from relay.store.events import of_delivery, record
from relay.store.parcel import is_agents
from relay.store.prepared import Prepared, insertion
from relay.store.soft_bounces import USED_UP
from relay.store.states import check_change

_f, _d, _s = t.feedback.c, t.deliveries.c, t.sends.c
Mark = tuple[int, bytes]  # a place among the waiting events: when one was received, and its fingerprint
FIRST: Mark = (0, b"")


class Kept(Struct, frozen=True):
    """One event as stored. `raw` is what it was parsed from."""

    fingerprint: bytes
    source: str
    type: str
    recipient: str
    send_id: str
    event: dict[str, Any]
    raw: bytes
    waiting: bool
    received_at: int


class Clues(Struct, frozen=True):
    """The ids by which deliveries may be found."""

    send_ids: frozenset[str]
    provider_ids: frozenset[str]
    message_ids: frozenset[str]


def known(connection: Connection, fingerprints: Iterable[bytes]) -> set[bytes]:
    """Those of these fingerprints that are stored already."""
    rows = connection.execute(_KNOWN, {"fingerprints": list(fingerprints)}).scalars()
    return {bytes(row) for row in rows}


_KNOWN = select(_f.fingerprint).where(_f.fingerprint.in_(bindparam("fingerprints", expanding=True)))


def keep(connection: Connection, kept: Sequence[Kept]) -> set[bytes]:
    """Store events; returns the fingerprints of the new ones."""
    return {one.fingerprint for one in kept if _KEEP.all(connection, **asdict(one) | {"event": dumps(one.event)})}


_KEEP = insertion("feedback", Kept.__struct_fields__, "ON CONFLICT DO NOTHING RETURNING fingerprint")


def kept_event(connection: Connection, fingerprint: bytes) -> dict[str, Any]:
    """The event stored under a fingerprint, or an empty dict."""
    found = connection.execute(select(_f.event).where(_f.fingerprint == fingerprint)).scalar_one_or_none()
    event: dict[str, Any] = loads(found) if found else {}
    return event


def find(connection: Connection, clues: Clues) -> list[Any]:
    """All deliveries of the submissions found by the clues, with the columns needed of those.

    On PostgreSQL they are locked, after the guards of their mailboxes.
    """
    ids = set(clues.send_ids)
    if clues.provider_ids:
        ids |= set(connection.execute(_BY_PROVIDER_ID, {"ids": sorted(clues.provider_ids)}).scalars())
    if clues.message_ids:
        ids |= set(connection.execute(_BY_MESSAGE_ID, {"ids": sorted(clues.message_ids)}).scalars())
    if not ids:
        return []
    query, given = _FOUND, {"ids": sorted(ids)}
    if connection.dialect.name != "sqlite":
        guard.lock(connection, map(guard.of_mailbox, connection.execute(_MAILBOXES, given).scalars()))
        query = query.with_for_update(of=t.deliveries)
    return list(connection.execute(query, given))


_BY_PROVIDER_ID = select(_d.send_id).where(_d.provider_id != "", _d.provider_id.in_(bindparam("ids", expanding=True)))
_BY_MESSAGE_ID = select(_s.id).where(_s.message_id != "", _s.message_id.in_(bindparam("ids", expanding=True)))
_MAILBOXES = select(_s.mailbox_id).where(_s.id.in_(bindparam("ids", expanding=True))).distinct()
_FOUND = (
    select(t.deliveries, _s.envelope, _s.from_address, _s.message_id, _s.campaign)
    .join(t.sends, _s.id == _d.send_id)
    .where(_d.send_id.in_(bindparam("ids", expanding=True)))
    .order_by(_d.send_id, _d.n)
)


def asked_providers(connection: Connection, send_ids: Iterable[str]) -> set[tuple[str, int, str]]:
    """The providers at which these sends were ever attempted, as (send id, recipient number, provider)."""
    a = t.attempts.c
    query = select(a.send_id, a.n, a.provider).where(a.send_id.in_(sorted(set(send_ids)))).distinct()
    return {(row.send_id, row.n, row.provider) for row in connection.execute(query)}


def happened(connection: Connection, send_id: str, n: int, kind: str) -> bool:
    """Whether an event of this kind is recorded for the delivery."""
    return bool(_HAPPENED.all(connection, send_id=send_id, n=n, kind=kind))


_HAPPENED = Prepared(
    "SELECT seq FROM events WHERE send_id = :send_id AND send_id <> '' AND n = :n AND type = :kind LIMIT 1"
)


def was_delivered(connection: Connection, row: Any, *, now: int, data: dict[str, Any]) -> dict[str, int]:
    """Settle an uncertain delivery that turned out to have been accepted; returns what to count."""
    check_change(row.state, "delivered")
    _change(connection, row, "delivered", now, reason="", reply=row.reply)
    contact = {"tenant": row.tenant_id, "key": row.recipient_key, "mailbox": row.mailbox_id, "at": now}
    DELIVERED.once(connection, **contact)
    record(connection, [of_delivery("delivery.delivered", now, row, data)])
    return {"sent": 1, "delivered": 1}


def was_refused(
    connection: Connection, row: Any, *, now: int, reason: str, reply: str, data: dict[str, Any]
) -> dict[str, int]:
    """Settle a delivered or uncertain delivery that turned out to be refused permanently; returns what to count."""
    check_change(row.state, "bounced")
    _change(connection, row, "bounced", now, reason=reason, reply=reply)
    counted = {"bounced" if data.get("hard") else "deferred" if reason == USED_UP else "refused": 1}
    if row.state == "uncertain" and data.get("hard"):
        counted["sent"] = 1  # a delivered one has been counted as sent already
    record(connection, [of_delivery("delivery.bounced", now, row, data)])
    return counted


_SETTLE = Prepared(
    "UPDATE deliveries SET state = :state, reason = :reason, reply = :reply, due_at = 0, updated_at = :now,"
    " lease_node = '', lease_until = 0, began = 0 WHERE send_id = :send_id AND n = :n AND state = :before"
)
_END_ATTEMPT = text(
    "UPDATE attempts SET ended_at = :at, result = :result WHERE send_id = :send_id AND n = :n AND ended_at = 0"
)


def _change(connection: Connection, row: Any, state: str, now: int, *, reason: str, reply: str) -> None:
    given = {"send_id": row.send_id, "n": row.n, "before": row.state, "state": state, "reason": reason, "reply": reply}
    _SETTLE.once(connection, **given, now=now)
    if row.began:  # an attempt is under way: its outcome no longer matters
        where = {"send_id": row.send_id, "n": row.n, "at": now, "result": state}
        connection.execute(_END_ATTEMPT, where)


def count(connection: Connection, counted: Sequence[tuple[Any, dict[str, int]]], now: int) -> None:
    """Count what came back, all that of a transaction at once, in the hour in which each message was sent."""
    counted = [(row, columns) for row, columns in counted if is_agents(loads(row.envelope))]
    sent = [row for row, columns in counted if "sent" in columns]
    volumes.add(connection, [(row.tenant_id, now, row.mailbox_id, row.provider, row.campaign) for row in sent])
    tallies.add_late(
        connection,
        [
            (
                tallies.scopes(row.tenant_id, row.mailbox_id, row.from_address),
                row.updated_at if row.state == "delivered" else now,
                columns,
            )
            for row, columns in counted
        ],
    )


# -- waiting events -----------------------------------------------------------------------


def waiting(connection: Connection, after: Mark, limit: int) -> list[Any]:
    """The oldest events after a mark that wait until their delivery is settled."""
    place = tuple_(_f.received_at, _f.fingerprint)
    query = select(_f.fingerprint, _f.source, _f.event, _f.received_at).where(_f.waiting, place > after)
    return list(connection.execute(query.order_by(_f.received_at, _f.fingerprint).limit(limit)))


def wait_no_more(connection: Connection, fingerprints: Sequence[bytes]) -> None:
    """Mark events as no longer waiting: applied, or never to be."""
    if fingerprints:
        connection.execute(_DONE, [{"fingerprint": mark} for mark in fingerprints])


_DONE = text("UPDATE feedback SET waiting = false WHERE fingerprint = :fingerprint")
