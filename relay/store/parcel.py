"""What passes from intake to delivery: a submission with those of its recipients that are due.

New mail is handed over in memory, already leased to the process that will deliver it; after
a crash, or if there is no room in memory, the same value is read from the queue.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from relay.mail.mime import View


class Due(Struct, frozen=True):
    """One leased delivery: its recipient, and a summary of earlier attempts."""

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
    """Whether mail is an agent's own, so that its results count: not a notice of ours or a mail system's return."""
    return envelope.get("source") != "house" and not envelope.get("returned")


class Parcel(Struct, frozen=True):
    """One submission on its way out. `data` is None if the bytes must be read from the store.

    `seen` is their parsed structure if intake has just read it.
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
    envelope: Mapping[str, Any]  # source, helo, peer, tls, smtputf8; `returned` for a mail system's return
    plan: Mapping[str, Any]  # what compliance requires: planned at the decision, applied at departure
    due: tuple[Due, ...]
    node: str = ""  # holder of the lease; empty if the parcel is only inspected
    data: bytes | None = None
    seen: View | None = None
