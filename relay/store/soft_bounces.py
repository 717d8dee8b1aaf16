"""Consecutive messages to one recipient that exhausted a ladder of soft bounces, ours or a provider's.

They are ordered by when they left. A message that arrived ends the row; one that was refused for its content or grew
too old says nothing about the recipient and is skipped. What left before the recipient was last suppressed for such a
row does not count, so counting starts anew once that suppression ends or is removed. Only asked when a ladder has just
been exhausted.
"""

from sqlalchemy import Connection, text

from relay.store.engine import loads
from relay.store.parcel import is_agents

USED_UP = "soft_bounces"  # the reason of such a delivery
NEVER = 2**63 - 1

_LEFT = text("SELECT max(ended_at) FROM attempts WHERE send_id = :send AND n = :n")
# Of all mailboxes, since a suppression caused by one of them binds the whole tenant.
_SUPPRESSED = text("SELECT max(soft_suppressed_at) FROM contacts WHERE tenant_id = :tenant AND key = :key")
_BEGIN_ANEW = text(
    "UPDATE contacts SET soft_suppressed_at = :at WHERE tenant_id = :tenant AND key = :key AND mailbox_id = :mailbox"
)
_ARRIVED = (
    "SELECT updated_at FROM deliveries WHERE tenant_id = :tenant AND recipient_key = :key AND mailbox_id = :mailbox"
    " AND state = 'delivered'"
)
_ARRIVED_BEFORE = text(f"{_ARRIVED} AND updated_at <= :left ORDER BY updated_at DESC LIMIT 1")
_ARRIVED_AFTER = text(f"{_ARRIVED} AND updated_at > :left ORDER BY updated_at LIMIT 1")
_ROW = text(
    "SELECT s.envelope FROM deliveries d"
    " JOIN attempts a ON a.send_id = d.send_id AND a.n = d.n AND a.number = d.attempts"
    " JOIN sends s ON s.id = d.send_id"
    " WHERE d.tenant_id = :tenant AND d.recipient_key = :key AND d.mailbox_id = :mailbox AND d.state = 'bounced'"
    " AND d.reason = :used_up AND d.updated_at > :after AND a.ended_at > :after AND a.ended_at < :before"
)


def in_a_row(connection: Connection, tenant_id: str, mailbox_id: str, key: str, send_id: str, n: int) -> int:
    """The length of the row in which this delivery stands, which exhausted the ladder."""
    left = connection.execute(_LEFT, {"send": send_id, "n": n}).scalar_one() or 0
    whose = {"tenant": tenant_id, "key": key, "mailbox": mailbox_id}
    since = connection.execute(_SUPPRESSED, whose).scalar_one() or 0
    before = connection.execute(_ARRIVED_BEFORE, whose | {"left": left}).scalar() or 0
    after = connection.execute(_ARRIVED_AFTER, whose | {"left": left}).scalar() or NEVER
    row = connection.execute(_ROW, whose | {"after": max(since, before), "before": after, "used_up": USED_UP}).scalars()
    return sum(is_agents(loads(envelope)) for envelope in row)


def begin_anew(connection: Connection, tenant_id: str, mailbox_id: str, key: str, at: int) -> None:
    """Start a new row: only what leaves from now on counts."""
    connection.execute(_BEGIN_ANEW, {"tenant": tenant_id, "key": key, "mailbox": mailbox_id, "at": at})
