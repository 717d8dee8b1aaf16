"""What passes from intake to delivery: a submission with those of its recipients that are due.

Fresh mail is handed over in memory, already leased to the process that is to deliver it; after
a crash, or when memory has no room, the same value is read back from the queue.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from relay.mail.mime import View


class Due(Struct, frozen=True):
    """One leased delivery: its recipient, and what was tried before."""

    n: int
    recipient: str
    recipient_key: str
    domain: str
    state: str
    queued_at: int
    attempts: int = 0
    soft_failures: int = 0
    provider: str = ""  # of the last attempt


def is_agents(envelope: Mapping[str, Any]) -> bool:
    """Whether mail is an agent's, and what comes of it counts: no notice of ours, nor what a mail system returned."""
    return envelope.get("source") != "house" and not envelope.get("returned")


class Parcel(Struct, frozen=True):
    """One submission on its way out. `data` is None when the bytes are still in the store.

    `seen` is their structure where it was read on the way in a moment ago.
    """

    send_id: str
    tenant_id: str
    mailbox_id: str
    mail_from: str  # "" is the null sender
    from_address: str
    message_class: str
    size: int
    received_at: int
    campaign: str
    metadata: Mapping[str, Any]
    envelope: Mapping[str, Any]  # source, helo, peer, tls, smtputf8; returned where it is a return
    plan: Mapping[str, Any]  # what compliance requires, planned at decision, applied at departure
    due: tuple[Due, ...]
    node: str = ""  # who holds the lease; nobody does where it is only looked at
    data: bytes | None = None
    seen: View | None = None
