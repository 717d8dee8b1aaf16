"""What has to be posted to destinations: planned from the journal, claimed, and what came of it.

Each destination has its own place in the journal, moved in the transaction that puts the
events before it in line: nothing is skipped and nothing told twice. A posting is claimed
for a while before the call is made, so a crash costs one call and two processes never make
the same one. A destination that failed for days, or says it is gone, is disabled with an
event; its place and what waits for it stay.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, insert, select, text, update

from relay.store import journal
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.events import Event, record

_w, _l = t.webhooks.c, t.webhook_deliveries.c

PLANNED = 2_000  # events a destination is given at a time
CLAIMED_FOR = 60_000  # milliseconds: longer than a batch of calls may take
MINUTE, HOUR = 60_000, 3_600_000
RETRIES = (5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
DISABLED_AFTER = 72 * HOUR
GONE = 410


class Posting(Struct, frozen=True):
    """One event on its way to one destination. Secrets are sealed."""

    id: str
    webhook_id: str
    url: str
    secret: str
    previous_secret: str
    body: str
    attempt: int


class Declared(Struct, frozen=True):
    """A destination of the configuration file. `secret` is plain here, and sealed in the store."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str


def body_of(event: Any, more: Mapping[str, Any], timestamp: Callable[[int], str]) -> str:
    """What is posted of an event: `{type, timestamp, data}` as Standard Webhooks has it."""
    names = {
        "eventId": journal.name_of(journal.of(event)),
        "tenantId": event.tenant_id,
        "mailboxId": event.mailbox_id,
        "sendId": event.send_id,
        "recipient": event.recipient,
    }
    data = {name: value for name, value in names.items() if value}
    return dumps({"type": event.type, "timestamp": timestamp(event.at), "data": {**loads(event.data), **data, **more}})


def plan(connection: Connection, *, now: int, new_id: Callable[[], str], body: Callable[[str, Any], str]) -> int:
    """Put in line what happened since each destination's place; returns how many postings. `body` is of (id, event)."""
    query = select(t.webhooks).where(_w.status == "active").order_by(_w.id).with_for_update(skip_locked=True)
    return sum(_plan_one(connection, row, now, new_id, body) for row in connection.execute(query).all())


def _plan_one(
    connection: Connection, row: Any, now: int, new_id: Callable[[], str], body: Callable[[str, Any], str]
) -> int:
    place = journal.Mark(row.cursor_tx, row.cursor_seq)
    newest = journal.newest(connection)  # before the question: what comes later is found next time
    if newest <= place:
        return 0
    wanted = journal.Wanted(tenant_id=row.tenant_id, types=tuple(loads(row.events)))
    events = journal.after(connection, place, wanted, PLANNED)
    reached = max([newest if len(events) < PLANNED else place, *map(journal.of, events)])
    if events:
        rows = [
            {
                "id": new_id(),
                "webhook_id": row.id,
                "event_seq": event.seq,
                "type": event.type,
                "body": body(row.id, event),
                "due_at": now,
                "created_at": now,
            }
            for event in events
        ]
        connection.execute(insert(t.webhook_deliveries), rows)
    connection.execute(update(t.webhooks).where(_w.id == row.id).values(cursor_tx=reached.txid, cursor_seq=reached.seq))
    return len(events)


def due(connection: Connection, now: int) -> list[str]:
    """The active destinations that something is due for."""
    active = select(_w.id).where(_w.status == "active")
    query = select(_l.webhook_id).where(_l.state == "pending", _l.due_at <= now, _l.webhook_id.in_(active)).distinct()
    return list(connection.execute(query).scalars())


def claim(connection: Connection, webhook_id: str, *, now: int, most: int) -> list[Posting]:
    """Up to `most` postings that are due for a destination, if it is active; nobody else gets them for a while."""
    row = connection.execute(select(t.webhooks).where(_w.id == webhook_id, _w.status == "active")).first()
    if row is None:
        return []
    query = (
        select(_l.id, _l.body, _l.attempts)
        .where(_l.webhook_id == row.id, _l.state == "pending", _l.due_at <= now)
        .order_by(_l.due_at, _l.event_seq)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    found = connection.execute(query).all()
    if found:
        connection.execute(_CLAIM, [{"id": one.id, "until": now + CLAIMED_FOR} for one in found])
    return [
        Posting(one.id, row.id, row.url, row.secret, row.previous_secret, one.body, one.attempts + 1) for one in found
    ]


_CLAIM = text("UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = :until WHERE id = :id")


def settle(connection: Connection, posting: Posting, *, code: int, answer: str, now: int) -> None:
    """Write what came of a call; `code` 0 where nobody answered."""
    if 200 <= code < 300:
        _write(connection, posting, "delivered", code, answer, done_at=now)
        query = update(t.webhooks).where(_w.id == posting.webhook_id, _w.failing_since != 0)
        connection.execute(query.values(failing_since=0))
        return
    wait = RETRIES[posting.attempt - 1] if posting.attempt <= len(RETRIES) else 0
    if wait:
        _write(connection, posting, "pending", code, answer, due_at=now + wait)
    else:
        _write(connection, posting, "failed", code, answer, done_at=now)
    _failing(connection, posting, code, answer, now)


def _write(
    connection: Connection, posting: Posting, state: str, code: int, answer: str, *, due_at: int = 0, done_at: int = 0
) -> None:
    values = {"state": state, "code": code, "answer": answer, "due_at": due_at, "done_at": done_at}
    connection.execute(update(t.webhook_deliveries).where(_l.id == posting.id).values(**values))


def _failing(connection: Connection, posting: Posting, code: int, answer: str, now: int) -> None:
    query = select(t.webhooks).where(_w.id == posting.webhook_id)
    row = connection.execute(query.with_for_update()).first()
    if row is None or row.status != "active":
        return
    since = row.failing_since or now
    if code == GONE:
        _disable(connection, row, "it answered 410 Gone", now)
    elif now - since >= DISABLED_AFTER:
        _disable(connection, row, f"it failed for three days: {code or answer}"[:200], now)
    elif not row.failing_since:
        connection.execute(update(t.webhooks).where(_w.id == row.id).values(failing_since=now))


def _disable(connection: Connection, row: Any, cause: str, now: int) -> None:
    connection.execute(update(t.webhooks).where(_w.id == row.id).values(status="disabled", cause=cause))
    data = {"webhook": row.id, "url": row.url, "cause": cause}
    record(connection, [Event("webhook.disabled", now, row.tenant_id, data=data)])


VANISHED = "the configuration file does not name it any more"


def declare(
    connection: Connection,
    declared: Sequence[Declared],
    *,
    now: int,
    seal: Callable[[str], str],
    unseal: Callable[[str], str],
) -> None:
    """Bring the file's destinations into the store: new ones begin now, vanished ones are disabled, never deleted."""
    rows = {row.id: row for row in connection.execute(select(t.webhooks).where(_w.managed.is_(True)))}
    newest = journal.newest(connection)
    for one in declared:
        row = rows.pop(one.id, None)
        if row is None:
            values = {"url": one.url, "events": dumps(list(one.events)), "secret": seal(one.secret), "managed": True}
            place = {"cursor_tx": newest.txid, "cursor_seq": newest.seq, "created_at": now}
            connection.execute(insert(t.webhooks), {"id": one.id, **values, **place})
        else:
            connection.execute(update(t.webhooks).where(_w.id == one.id).values(**_changed(row, one, seal, unseal)))
    for row in rows.values():
        if row.status == "active":
            connection.execute(update(t.webhooks).where(_w.id == row.id).values(status="disabled", cause=VANISHED))


def _changed(row: Any, one: Declared, seal: Callable[[str], str], unseal: Callable[[str], str]) -> dict[str, Any]:
    values: dict[str, Any] = {"events": dumps(list(one.events))}
    if unseal(row.secret) != one.secret:  # both sign until the next change
        values |= {"secret": seal(one.secret), "previous_secret": row.secret}
    if row.status == "disabled" and row.cause == VANISHED:
        values |= {"status": "active", "cause": ""}
    return values
