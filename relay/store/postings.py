"""Postings of events to webhook destinations: planned from the journal, claimed, and settled.

Each destination has its own place in the journal, which moves in the transaction that queues the
events before it: none is skipped and none repeated. A posting is claimed for a while before the
call is made, so a crash costs one call and two processes never make the same one; an answer that
arrives after another claim began is not written. However many destinations there are, planning,
claiming and settling take a few statements each: a round of the writer handles all claims and
answers. A destination that has failed for days, or says that it is gone, is disabled with an
event; its place and its waiting postings stay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from relay.store import journal
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.events import Event, record
from relay.store.prepared import Prepared, insertion

_w = t.webhooks.c

PLANNED = 2_000  # postings queued at a time, for all destinations together
EACH = 500  # of which at most this many for one destination
CLAIMED_FOR = 60_000  # milliseconds; longer than a batch of calls may take
MINUTE, HOUR = 60_000, 3_600_000
RETRIES = (5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
DISABLED_AFTER = 72 * HOUR
GONE = 410


class Posting(Struct, frozen=True):
    """One event to be posted to one destination. Secrets are sealed."""

    id: str
    webhook_id: str
    url: str
    secret: str
    previous_secret: str
    body: str
    attempt: int


class Declared(Struct, frozen=True):
    """A destination in the configuration file. `secret` is plain here, and sealed in the store."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str


def body_of(event: Any, more: Mapping[str, Any], timestamp: Callable[[int], str]) -> str:
    """The body posted for an event: `{type, timestamp, data}`, as in Standard Webhooks."""
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
    """Queue what happened since each destination's place, first for those furthest behind.

    Returns the number of postings; `body` makes the body from (destination id, event).
    """
    query = select(t.webhooks).where(_w.status == "active").order_by(_w.cursor_tx, _w.cursor_seq, _w.id)
    newest = journal.newest(connection)  # read before the events: later ones are found next time
    asked = cache(lambda place, wanted: journal.after(connection, place, wanted, EACH))  # many ask for the same
    rows: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    for one in connection.execute(query.with_for_update(skip_locked=True)):
        place, room = journal.Mark(one.cursor_tx, one.cursor_seq), min(EACH, PLANNED - len(rows))
        if newest <= place or not room:
            continue
        events = asked(place, journal.Wanted(tenant_id=one.tenant_id, types=tuple(loads(one.events))))[:room]
        rows += [_row(one.id, event, new_id(), body(one.id, event), now) for event in events]
        reached = max([newest if len(events) < room else place, *map(journal.of, events)])
        places.append({"id": one.id, "tx": reached.txid, "seq": reached.seq})
    _PLAN.many(connection, rows)
    _PLACE.many(connection, places)
    return len(rows)


_PLAN = insertion("webhook_deliveries", ("id", "webhook_id", "event_seq", "type", "body", "due_at", "created_at"))
_PLACE = Prepared("UPDATE webhooks SET cursor_tx = :tx, cursor_seq = :seq WHERE id = :id")


def _row(webhook_id: str, event: Any, posting_id: str, body: str, now: int) -> dict[str, Any]:
    row = {"id": posting_id, "webhook_id": webhook_id, "event_seq": event.seq, "type": event.type, "body": body}
    return row | {"due_at": now, "created_at": now}


def due(connection: Connection, now: int) -> list[str]:
    """The active destinations for which something is due."""
    return [row.id for row in _DUE.all(connection, now=now)]


_DUE = Prepared(
    "SELECT id FROM webhooks w WHERE status = 'active' AND EXISTS (SELECT 1 FROM webhook_deliveries d"
    " WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.due_at <= :now)"
)


class Claim(Struct, frozen=True):
    """A request for up to `most` postings that are due for a destination, if it is active."""

    webhook_id: str
    now: int
    most: int


class ClaimHandler:
    """The writer's handler for claims: returns the postings of each, which nobody else gets for a while."""

    order = 8
    is_patient = False

    def guards(self, _items: Sequence[Claim]) -> Iterable[str]:
        """None: rows locked by another process are skipped."""
        return ()

    def __call__(self, connection: Connection, items: Sequence[Claim]) -> Sequence[list[Posting]]:
        """Claim postings for all items."""
        active = {row.id: row for row in _ACTIVE.all(connection, ids=sorted({one.webhook_id for one in items}))}
        return [_claim(connection, active[one.webhook_id], one) if one.webhook_id in active else [] for one in items]


def _claim(connection: Connection, to: Any, claim: Claim) -> list[Posting]:
    found = _WAITING.all(connection, id=to.id, now=claim.now, most=claim.most)
    _CLAIM.many(connection, [{"id": row.id, "until": claim.now + CLAIMED_FOR} for row in found])
    return [Posting(row.id, to.id, to.url, to.secret, to.previous_secret, row.body, row.attempts + 1) for row in found]


_ACTIVE = Prepared("SELECT id, url, secret, previous_secret FROM webhooks WHERE status = 'active' AND id IN :ids[]")
_WAITING = Prepared(
    "SELECT id, body, attempts FROM webhook_deliveries WHERE webhook_id = :id AND state = 'pending' AND due_at <= :now"
    " ORDER BY due_at, event_seq LIMIT :most",
    lock="FOR UPDATE SKIP LOCKED",
)
_CLAIM = Prepared("UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = :until WHERE id = :id")


class Answered(Struct, frozen=True):
    """The result of a call; a `code` of 0 means no answer."""

    posting: Posting
    code: int
    answer: str
    at: int

    @property
    def is_taken(self) -> bool:
        """Whether the destination accepted the event."""
        return 200 <= self.code < 300


class SettleHandler:
    """The writer's handler for answers."""

    order = 7
    is_patient = True  # until it is written the posting stays claimed, as if the process had died

    def guards(self, _items: Sequence[Answered]) -> Iterable[str]:
        """None: destinations are locked in order of id, after everything that has a guard."""
        return ()

    def __call__(self, connection: Connection, items: Sequence[Answered]) -> Sequence[None]:
        """Write the answers, and which destinations fail or have recovered."""
        _SETTLE.many(connection, sorted(map(_settled, items), key=lambda row: row["id"]))
        well = {one.posting.webhook_id for one in items if one.is_taken}
        _WELL.many(connection, [{"id": webhook_id} for webhook_id in sorted(well)])
        failed = [one for one in items if not one.is_taken and one.posting.webhook_id not in well]
        gone = [one for one in items if one.code == GONE]
        failing = {one.posting.webhook_id: one for one in [*failed, *gone]}
        for webhook_id in sorted(failing):
            _failing(connection, failing[webhook_id])
        return [None] * len(items)


_SETTLE = Prepared(
    "UPDATE webhook_deliveries SET state = :state, code = :code, answer = :answer, due_at = :due_at, done_at = :done_at"
    " WHERE id = :id AND state = 'pending' AND attempts = :attempts"
)
_WELL = Prepared("UPDATE webhooks SET failing_since = 0 WHERE id = :id AND failing_since <> 0")


def _settled(one: Answered) -> dict[str, Any]:
    posting = one.posting
    row = {"id": posting.id, "attempts": posting.attempt, "code": one.code, "answer": one.answer}
    if not one.is_taken and posting.attempt <= len(RETRIES):
        return row | {"state": "pending", "due_at": one.at + RETRIES[posting.attempt - 1], "done_at": 0}
    return row | {"state": "delivered" if one.is_taken else "failed", "due_at": 0, "done_at": one.at}


def _failing(connection: Connection, one: Answered) -> None:
    query = select(t.webhooks).where(_w.id == one.posting.webhook_id)
    row = connection.execute(query.with_for_update()).first()
    if row is None or row.status != "active":
        return
    since = row.failing_since or one.at
    if one.code == GONE:
        _disable(connection, row, "it answered 410 Gone", one.at)
    elif one.at - since >= DISABLED_AFTER:
        _disable(connection, row, f"it failed for three days: {one.code or one.answer}"[:200], one.at)
    elif not row.failing_since:
        connection.execute(update(t.webhooks).where(_w.id == row.id).values(failing_since=one.at))


def _disable(connection: Connection, row: Any, cause: str, now: int) -> None:
    connection.execute(update(t.webhooks).where(_w.id == row.id).values(status="disabled", cause=cause))
    data = {"webhook": row.id, "url": row.url, "cause": cause}
    record(connection, [Event("webhook.disabled", now, row.tenant_id, data=data)])


VANISHED = "it was removed from the configuration file"


def declare(
    connection: Connection,
    declared: Sequence[Declared],
    *,
    now: int,
    seal: Callable[[str], str],
    unseal: Callable[[str], str],
) -> None:
    """Bring the file's destinations into the store: new ones start now, missing ones are disabled, never deleted."""
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
    if unseal(row.secret) != one.secret:  # both secrets sign until the next change
        values |= {"secret": seal(one.secret), "previous_secret": row.secret}
    if row.status == "disabled" and row.cause == VANISHED:
        values |= {"status": "active", "cause": ""}
    return values
