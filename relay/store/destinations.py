"""Managing webhook destinations: URLs, their secrets, and posting an event again.

A destination starts at the end of the journal: it gets only events that happen from now on.
Posting, retries and disabling a dead destination are in `postings` and `relay.feedback.webhooks`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update

from relay.store import schema as t
from relay.store.acts import enact
from relay.store.engine import dumps
from relay.store.errors import Declared
from relay.store.events import Event
from relay.store.journal import newest
from relay.store.postings import VANISHED

_w, _l = t.webhooks.c, t.webhook_deliveries.c


def add(
    connection: Connection,
    *,
    webhook_id: str,
    tenant_id: str,
    url: str,
    events: Sequence[str],
    secret: str,
    by: str,
    now: int,
) -> Any:
    """Add a destination; `secret` is sealed. Returns its row."""
    mark = newest(connection)
    connection.execute(
        insert(t.webhooks),
        {
            "id": webhook_id,
            "tenant_id": tenant_id,
            "url": url,
            "events": dumps(list(events)),
            "secret": secret,
            "cursor_tx": mark.txid,
            "cursor_seq": mark.seq,
            "created_at": now,
        },
    )
    row = connection.execute(select(t.webhooks).where(_w.id == webhook_id)).one()
    _tell(connection, "webhook.added", row, by, now, {"host": _host(url), "events": list(events)})
    return row


def change(
    connection: Connection,
    row: Any,
    *,
    url: str | None,
    events: Sequence[str] | None,
    status: str | None,
    by: str,
    now: int,
) -> None:
    """Change a destination; raises Declared if it is or was in the configuration file.

    Only the status of one that is in the file can be changed.
    """
    if row.managed and (url is not None or events is not None):
        raise Declared("the configuration file declares this webhook")
    if row.cause == VANISHED:
        raise Declared("the configuration file no longer has this webhook")
    values: dict[str, Any] = {}
    if url is not None:
        values["url"] = url
    if events is not None:
        values["events"] = dumps(list(events))
    if status is not None:
        values |= {"status": status, "cause": "", "failing_since": 0}
    if values:
        connection.execute(update(t.webhooks).where(_w.id == row.id).values(**values))
        given = {"host": url and _host(url), "events": events, "status": status}
        changed = {name: value for name, value in given.items() if value is not None}
        _tell(connection, "webhook.changed", row, by, now, {"changed": changed})


def rotate(connection: Connection, row: Any, secret: str, *, by: str, now: int) -> None:
    """Set a new sealed secret; the previous one also signs until the next rotation. Raises Declared."""
    if row.managed:
        raise Declared("the configuration file declares this webhook")
    connection.execute(update(t.webhooks).where(_w.id == row.id).values(secret=secret, previous_secret=row.secret))
    _tell(connection, "webhook.changed", row, by, now, {"changed": {"secret": "rotated"}})


def remove(connection: Connection, row: Any, *, by: str, now: int) -> None:
    """Remove a destination and its log; raises Declared if it is in the configuration file."""
    if row.managed:
        raise Declared("the configuration file declares this webhook")
    connection.execute(delete(t.webhook_deliveries).where(_l.webhook_id == row.id))
    connection.execute(delete(t.webhooks).where(_w.id == row.id))
    _tell(connection, "webhook.removed", row, by, now, {"host": _host(row.url)})


def _tell(connection: Connection, kind: str, row: Any, by: str, now: int, data: Mapping[str, Any]) -> None:
    enact(connection, Event(kind, now, row.tenant_id, data={"webhook": row.id, **data}), by=by)


def _host(url: str) -> str:
    """The part of a URL that cannot hold a secret."""
    return urlsplit(url).netloc.rpartition("@")[2]


def redeliver(connection: Connection, row: Any, now: int) -> None:
    """Make an event due to be posted again, now."""
    connection.execute(
        update(t.webhook_deliveries).where(_l.id == row.id).values(state="pending", attempts=0, due_at=now, done_at=0)
    )


def test(connection: Connection, *, delivery_id: str, webhook_id: str, body: str, now: int) -> None:
    """Queue a test event; its number is negative, so that it never clashes with one of the journal."""
    connection.execute(
        insert(t.webhook_deliveries),
        {
            "id": delivery_id,
            "webhook_id": webhook_id,
            "event_seq": -now,
            "type": "webhook.test",
            "body": body,
            "due_at": now,
            "created_at": now,
        },
    )
