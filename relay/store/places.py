"""The places of copies in their sender's limits (`usage`), given back by what never leaves.

Each copy counts at its delivery's `queued_at`. What was to leave later and never will leaves that
place to others; what counted when it was accepted stays counted.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from policy.usage import Usage
from relay.store import guard
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.prepared import Prepared


def give_back(connection: Connection, rows: Sequence[Any], now: int) -> None:
    """What was to leave later and never will: deliveries, as they were."""
    later = [row for row in rows if row.queued_at > now]
    if not later:
        return
    ids = sorted({row.send_id for row in later})
    counting = select(t.sends.c.id).where(t.sends.c.id.in_(ids), t.sends.c.mail_from != "")
    counted = set(connection.execute(counting).scalars())
    scopes = {scope for row in later for scope in _scopes(row)}
    usages = {row.scope: Usage.from_json(loads(row.counts)) for row in guard.lock(connection, scopes)}
    for row in later:
        for scope in _scopes(row) if row.send_id in counted else ():
            usages[scope].take_sent(row.queued_at)
    _KEEP.many(connection, [{"scope": scope, "counts": dumps(usage.as_json())} for scope, usage in usages.items()])


def lock(connection: Connection, rows: Iterable[Any]) -> None:
    """Lock the counts of those whose deliveries these are, before the deliveries themselves are."""
    guard.lock(connection, {scope for row in rows for scope in _scopes(row)})


def _scopes(row: Any) -> tuple[str, str]:
    return guard.of_mailbox(row.mailbox_id), guard.of_tenant(row.tenant_id)


_KEEP = Prepared("UPDATE usage SET counts = :counts WHERE scope = :scope")
