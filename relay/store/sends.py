"""Stores submissions, their bytes, their deliveries and pending approvals, and reads the bytes back."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, insert, select

from relay.store import schema as t
from relay.store.prepared import Prepared, insertion


class NewDelivery(Struct, frozen=True):
    """One recipient of a submission as it enters the queue; `lease_node` is set if it goes straight to a worker."""

    n: int
    recipient: str
    recipient_key: str
    domain: str
    state: str
    due_at: int
    lease_node: str = ""
    lease_until: int = 0


class NewSend(Struct, frozen=True):
    """One judged submission, ready to be stored. `data` is None if it was refused or its bytes are already stored."""

    row: dict[str, Any]  # columns of `sends`
    deliveries: tuple[NewDelivery, ...]
    data: bytes | None
    refused: tuple[dict[str, str], ...] = ()  # columns of `refused_recipients`


_COLUMNS = tuple([column.name for column in t.sends.columns])
# An SMTP transaction may continue under the id of a refusal at MAIL or RCPT. Its final result counts, whichever of the
# two is written first.
_SENDS = insertion(
    "sends",
    _COLUMNS,
    "ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "id"),
)
_REFUSED = insertion("sends", _COLUMNS, "ON CONFLICT (id) DO NOTHING")
_BODIES = insertion("bodies", ("send_id", "data"))
_DELIVERIES = insertion(
    "deliveries",
    (*NewDelivery.__struct_fields__, "send_id", "tenant_id", "mailbox_id", "queued_at", "size", "updated_at"),
)
_REFUSED_RECIPIENTS = insertion(
    "refused_recipients", ("send_id", "token", "reason"), "ON CONFLICT (send_id, token) DO NOTHING"
)
_APPROVALS = insert(t.approvals)


def insert_sends(connection: Connection, sends: Sequence[NewSend]) -> None:
    """Store submissions in bulk, in the caller's transaction."""
    _SENDS.many(connection, [send.row for send in sends])
    _BODIES.many(connection, [{"send_id": s.row["id"], "data": s.data} for s in sends if s.data is not None])
    _DELIVERIES.many(connection, [_delivery(send.row, delivery) for send in sends for delivery in send.deliveries])
    _REFUSED_RECIPIENTS.many(connection, [row for send in sends for row in send.refused])


def insert_refused(
    connection: Connection,
    on_the_way: Sequence[dict[str, Any]],
    at_the_end: Sequence[dict[str, Any]],
    recipients: Sequence[dict[str, str]],
) -> None:
    """Store submissions refused before they were judged: at MAIL or RCPT, where the transaction may have gone on and
    its final result is kept, and those whose final result this is.
    """
    _REFUSED.many(connection, on_the_way)
    _SENDS.many(connection, at_the_end)
    _REFUSED_RECIPIENTS.many(connection, recipients)


def insert_body(connection: Connection, send_id: str, data: bytes) -> None:
    """Store the bytes of a large message before its intake, to keep the intake batch small."""
    _BODIES.piecewise(connection, "bodies", "data", {"send_id": send_id, "data": data})


def delete_body(connection: Connection, send_id: str) -> None:
    """Delete the bytes of a message that was stored first and then refused."""
    connection.execute(t.bodies.delete().where(t.bodies.c.send_id == send_id))


def let_body_go(connection: Connection, send_id: str, *, by: str) -> None:
    """Delete the bytes of a message that a key took back before any of it left.

    It no longer counts against any limit, so keeping it would let an agent store as much as it likes.
    """
    if by.startswith("key:"):
        _TAKEN_BACK.once(connection, send_id=send_id)


_TAKEN_BACK = Prepared(
    "DELETE FROM bodies WHERE send_id = :send_id AND NOT EXISTS (SELECT 1 FROM deliveries d"
    " WHERE d.send_id = :send_id AND d.state NOT IN ('cancelled', 'rejected'))"
)


def insert_approvals(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store approvals, which wait for a person."""
    if rows:
        connection.execute(_APPROVALS, list(rows))


def body(connection: Connection, send_id: str) -> bytes | None:
    """The original bytes of a submission, or None if they are gone."""
    data = connection.execute(select(t.bodies.c.data).where(t.bodies.c.send_id == send_id)).scalar_one_or_none()
    return None if data is None else bytes(data)


def _delivery(send: dict[str, Any], delivery: NewDelivery) -> dict[str, Any]:
    return asdict(delivery) | {
        "send_id": send["id"],
        "tenant_id": send["tenant_id"],
        "mailbox_id": send["mailbox_id"],
        "queued_at": max(send["received_at"], delivery.due_at),  # scheduled mail ages only from its due time
        "size": send["size"],
        "updated_at": send["received_at"],
    }
