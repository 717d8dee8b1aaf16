"""Unsubscribing by link: effective at once and repeatable, but with a single entry and event.

Only the person can undo it, by the same link. That removes what the link or its mailto
counterpart made and nothing else: a complaint, a bounce or an operator's entry still binds.
"""

from sqlalchemy import Connection, delete, or_, select

from relay.store import schema as t
from relay.store.consequences import Consequences, Suppress, same_as
from relay.store.events import Event, record

_s = t.suppressions.c
KIND = "unsubscribe"
LINK = "link"
_BY_THE_PERSON = (LINK, "inbound")  # unsubscribes that come in by mail can only be from the mailto link


def unsubscribe(connection: Connection, consequences: Consequences, entry: Suppress, send_id: str) -> bool:
    """Suppress the address from now on; False if it already was."""
    lasts = or_(_s.expires_at == 0, _s.expires_at > entry.at)
    if connection.execute(select(_s.id).where(*same_as(entry), lasts)).first() is not None:
        return False
    consequences.suppress(connection, [entry])
    data = {"scope": entry.scope, "source": entry.source}
    told = Event("delivery.unsubscribed", entry.at, entry.tenant_id, entry.mailbox_id, send_id, 0, entry.address, data)
    record(connection, [told])
    return True


def subscribe_again(connection: Connection, entry: Suppress) -> bool:
    """Remove what the links of this mailbox and tenant made; False if there was nothing."""
    mine = (
        _s.key == entry.key,
        _s.kind == KIND,
        _s.source.in_(_BY_THE_PERSON),
        _s.tenant_id == entry.tenant_id,
        or_(_s.scope == "tenant", _s.mailbox_id == entry.mailbox_id),
    )
    removed = connection.execute(delete(t.suppressions).where(*mine)).rowcount
    if removed:
        data = {"kind": KIND, "by": "recipient"}
        gone = Event("suppression.removed", entry.at, entry.tenant_id, entry.mailbox_id, "", 0, entry.address, data)
        record(connection, [gone])
    return bool(removed)
