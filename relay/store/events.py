"""Events: every change of state as one row, written in the transaction that makes the change.

Log line, webhook, console and stream all read this row. Readers never skip a late commit:
on PostgreSQL they order by (transaction id, sequence) and stop below the oldest running
transaction; on SQLite one writer at a time makes the sequence the order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from relay.store.engine import dumps
from relay.store.prepared import insertion

# What may happen, and what it does not mean.
TYPES: Mapping[str, str] = {
    "send.queued": "taken and committed; it has not left",
    "send.held": "waits for a person",
    "send.scheduled": "taken, leaves later",
    "send.blocked": "refused by policy; nothing was stored to send",
    "send.approved": "a person let it go; it was checked again",
    "send.rejected": "a person or the approval's timeout refused it",
    "send.cancelled": "withdrawn before it left",
    "delivery.active": "an attempt began; the provider has not been asked yet",
    "delivery.deferred": "not now; it will be tried again",
    "delivery.delivered": "a provider took it; the recipient may still bounce it",
    "delivery.bounced": "refused for good by the recipient's side",
    "delivery.expired": "tried for too long, or the outcome stayed unknown",
    "delivery.uncertain": "the answer to the final dot was lost: maybe taken",
    "delivery.rejected": "policy changed its mind at departure",
    "delivery.queued": "back in the queue: nothing had begun",
    "delivery.scheduled": "released, leaves later",
    "delivery.cancelled": "withdrawn before it left",
    "delivery.reported": "the provider says the recipient's server took it",
    "delivery.opened": "an image was fetched, by a person or a scanner",
    "delivery.clicked": "a link was followed, by a person or a scanner",
    "delivery.complained": "the recipient called it spam",
    "delivery.unsubscribed": "the recipient wants no more",
    "suppression.created": "an address is refused from now on",
    "suppression.removed": "an address is no longer refused by this entry",
    "mailbox.paused": "the mailbox sends nothing until a person resumes it",
    "mailbox.resumed": "the mailbox sends again",
    "tenant.paused": "the tenant sends nothing until a person resumes it",
    "tenant.resumed": "the tenant sends again",
    "provider.paused": "the provider gets nothing until it is resumed",
    "provider.resumed": "the provider gets mail again",
    "provider.recovered": "the provider that had failed takes mail again",
    "domain.verified": "the domain's ownership is proven",
    "domain.failed": "the domain's proof is gone",
    "domain.key_rotating": "new DKIM keys wait for their records in DNS; the old ones sign",
    "domain.key_rotated": "DNS shows the new DKIM keys and they sign; the old ones sign no more",
    "alert.raised": "something a person should look at",
    "investigation.opened": "a complaint or alert waits to be looked into",
    "investigation.closed": "a person closed it with a note",
    "webhook.disabled": "a destination failed for too long",
}


@dataclass(frozen=True, slots=True)
class Event:
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
