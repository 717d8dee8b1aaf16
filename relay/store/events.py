"""Events: every change of state is one row, written in the transaction that makes the change.

Log, webhooks, console and stream all read this row. Readers never miss a late commit:
on PostgreSQL they order by (transaction id, sequence) and stop below the oldest running
transaction; on SQLite there is one writer at a time, so the sequence is the order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict
from sqlalchemy import Connection

from relay.store.engine import dumps
from relay.store.parcel import Due, Parcel
from relay.store.prepared import insertion


class Event(Struct, frozen=True):
    """One thing that happened. `n` is the recipient's number within the send, 0 for none."""

    type: str
    at: int
    tenant_id: str = ""
    mailbox_id: str = ""
    send_id: str = ""
    n: int = 0
    recipient: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def of_delivery(kind: str, at: int, row: Any, data: Mapping[str, Any]) -> Event:
    """An event about a delivery, given its row."""
    return Event(kind, at, row.tenant_id, row.mailbox_id, row.send_id, row.n, row.recipient, data)


def of_due(kind: str, at: int, parcel: Parcel, due: Due, data: Mapping[str, Any]) -> Event:
    """An event about a delivery on its way out."""
    return Event(kind, at, parcel.tenant_id, parcel.mailbox_id, parcel.send_id, due.n, due.recipient, data)


_INSERT = insertion("events", Event.__struct_fields__)


def record(connection: Connection, happened: Sequence[Event]) -> None:
    """Write events in the caller's transaction."""
    _INSERT.many(
        connection, [asdict(event) | {"data": dumps(dict(event.data)) if event.data else "{}"} for event in happened]
    )
