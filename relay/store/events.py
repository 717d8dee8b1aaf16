"""Events: every change of state as one row, written in the transaction that makes the change.

Log line, webhook, console and stream all read this row. Readers never skip a late commit:
on PostgreSQL they order by (transaction id, sequence) and stop below the oldest running
transaction; on SQLite one writer at a time makes the sequence the order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection

from relay.store.engine import dumps
from relay.store.prepared import insertion


class Event(Struct, frozen=True):
    """One thing that happened. `n` is the recipient's number within the send, 0 where none is meant."""

    type: str
    at: int
    tenant_id: str = ""
    mailbox_id: str = ""
    send_id: str = ""
    n: int = 0
    recipient: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


_INSERT = insertion("events", ("at", "tenant_id", "mailbox_id", "send_id", "n", "type", "recipient", "data"))


def record(connection: Connection, happened: Sequence[Event]) -> None:
    """Write events in the caller's transaction."""
    _INSERT.many(
        connection,
        [
            {
                "at": e.at,
                "tenant_id": e.tenant_id,
                "mailbox_id": e.mailbox_id,
                "send_id": e.send_id,
                "n": e.n,
                "type": e.type,
                "recipient": e.recipient,
                "data": dumps(dict(e.data)) if e.data else "{}",
            }
            for e in happened
        ],
    )
