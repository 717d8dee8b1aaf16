"""Unsubscribing by link: at once, as often as one likes, with one entry and one event.

Only the person takes it back, by the same link: it removes what the link or its mailto twin
made and nothing else, so a complaint, a bounce, or what an operator wrote down goes on refusing.
"""

from typing import Any

from sqlalchemy import Connection, delete, or_, select

from relay.store import schema as t
from relay.store.consequences import Consequences, Suppress
from relay.store.events import Event, record

_s = t.suppressions.c
KIND = "unsubscribe"
LINK = "link"
_BY_THE_PERSON = (LINK, "inbound")  # of this kind nothing but the mailto link comes in by mail


def sender(connection: Connection, mailbox_id: str) -> Any:
    """The mailbox a link names, None when it is gone."""
    return connection.execute(select(t.mailboxes).where(t.mailboxes.c.id == mailbox_id)).first()


def unsubscribe(connection: Connection, consequences: Consequences, entry: Suppress, send_id: str) -> bool:
    """Refuse from now on; False when it was so already."""
    lasts = or_(_s.expires_at == 0, _s.expires_at > entry.at)
    if connection.execute(select(_s.id).where(*_made(entry), lasts)).first() is not None:
        return False
    consequences.suppress(connection, [entry])
    data = {"scope": entry.scope, "source": entry.source}
    told = Event("delivery.unsubscribed", entry.at, entry.tenant_id, entry.mailbox_id, send_id, 0, entry.address, data)
    record(connection, [told])
    return True


def subscribe_again(connection: Connection, entry: Suppress) -> bool:
    """Take back what links of this sender and tenant made; False when there was nothing."""
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


def _made(entry: Suppress) -> tuple[Any, ...]:
    mailbox = entry.mailbox_id if entry.scope == "mailbox" else ""
    return (
        _s.key == entry.key,
        _s.scope == entry.scope,
        _s.tenant_id == entry.tenant_id,
        _s.mailbox_id == mailbox,
        _s.kind == KIND,
    )
