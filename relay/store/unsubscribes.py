"""Unsubscribing by link: effective at once and repeatable, but with a single entry and event."""

from sqlalchemy import Connection, or_, select

from relay.store import schema as t
from relay.store.consequences import Consequences, Suppress, same_as
from relay.store.events import Event, record

_s = t.suppressions.c
KIND = "unsubscribe"
LINK = "link"


def unsubscribe(connection: Connection, consequences: Consequences, entry: Suppress, send_id: str) -> None:
    """Suppress the address from now on, unless it already is."""
    lasts = or_(_s.expires_at == 0, _s.expires_at > entry.at)
    if connection.execute(select(_s.id).where(*same_as(entry), lasts)).first() is not None:
        return
    consequences.suppress(connection, [entry])
    data = {"scope": entry.scope, "source": entry.source}
    told = Event("delivery.unsubscribed", entry.at, entry.tenant_id, entry.mailbox_id, send_id, 0, entry.address, data)
    record(connection, [told])
