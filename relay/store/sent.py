"""What became of submissions: found by id, Message-ID, recipient, key, campaign, mailbox or state, with everything since.

Lists are answered from indexes, newest first, whatever the volume; nothing here reads a body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from relay.store import schema as t
from relay.store.paging import Page, Place, newest_first

REFUSED = ("blocked", "deferred")

_s, _d = t.sends.c, t.deliveries.c
_OF_SENDS = select(t.deliveries).where(_d.send_id.in_(bindparam("ids", expanding=True))).order_by(_d.send_id, _d.n)
_ATTEMPTS = (
    select(t.attempts)
    .where(t.attempts.c.send_id == bindparam("send_id"))
    .order_by(t.attempts.c.began_at, t.attempts.c.n, t.attempts.c.number)
)
_EVENTS = select(t.events).where(t.events.c.send_id == bindparam("send_id")).order_by(t.events.c.seq)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty fields do not matter. `recipient` is a folded key."""

    tenant_id: str = ""
    mailbox_id: str = ""
    message_id: str = ""
    recipient: str = ""
    dedupe_key: str = ""
    campaign: str = ""
    state: str = ""
    reason: str = ""
    since: int = 0
    until: int = 0


def search(connection: Connection, what: Search, *, after: Place | None, limit: int) -> Page:
    """A page of submissions, newest first."""
    query = select(t.sends)
    equal = {
        _s.tenant_id: what.tenant_id,
        _s.mailbox_id: what.mailbox_id,
        _s.dedupe_key: what.dedupe_key,
        _s.campaign: what.campaign,
        _s.reason: what.reason,
    }
    for column, value in equal.items():
        if value:
            query = query.where(column == value)
    # The partial indexes of the store are used only where the query says that the column is not empty.
    if what.dedupe_key:
        query = query.where(_s.dedupe_key != "")
    if what.campaign:
        query = query.where(_s.campaign != "")
    if what.message_id:
        query = query.where(_of_message(what.message_id))
    if what.since:
        query = query.where(_s.received_at >= what.since)
    if what.until:
        query = query.where(_s.received_at < what.until)
    query = _by_delivery(connection, query, what)
    return newest_first(connection, query, _s.received_at, _s.id, after=after, limit=limit)


def _of_message(message_id: str) -> Any:
    """A Message-ID with or without its brackets; one we generated names the send itself."""
    bare = message_id.strip().strip("<>")
    named = and_(_s.message_id.in_((bare, f"<{bare}>")), _s.message_id != "")
    local = bare.partition("@")[0].lower()
    if local.startswith("send_"):
        return or_(named, _s.id == f"send_{local[5:].upper()}")
    return named


def _by_delivery(connection: Connection, query: Select[Any], what: Search) -> Select[Any]:
    if what.state == "blocked":
        query = query.where(_s.decision.in_(REFUSED))
        return query.where(_s.to_header.contains(what.recipient, autoescape=True)) if what.recipient else query
    if not (what.recipient or what.state):
        return query
    found = select(_d.send_id)
    if what.recipient:
        tenants = [what.tenant_id] if what.tenant_id else list(connection.execute(select(t.tenants.c.id)).scalars())
        found = found.where(_d.tenant_id.in_(tenants), _d.recipient_key == what.recipient)
    if what.state:
        found = found.where(_d.state == what.state)
        if not what.recipient:
            found = found.where(_d.mailbox_id.in_(_mailboxes(connection, what)))
    return query.where(_s.id.in_(found))


def _mailboxes(connection: Connection, what: Search) -> list[str]:
    """The mailboxes in question: states are indexed by mailbox."""
    if what.mailbox_id:
        return [what.mailbox_id]
    query = select(t.mailboxes.c.id)
    return list(
        connection.execute(
            query.where(t.mailboxes.c.tenant_id == what.tenant_id) if what.tenant_id else query
        ).scalars()
    )


def one(connection: Connection, send_id: str) -> Any:
    """The row of a submission, None if there is none."""
    return connection.execute(select(t.sends).where(_s.id == send_id)).first()


def deliveries_of(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The deliveries of these submissions."""
    found: dict[str, list[Any]] = {send_id: [] for send_id in ids}
    if ids:
        for row in connection.execute(_OF_SENDS, {"ids": list(ids)}):
            found[row.send_id].append(row)
    return found


def attempts_of(connection: Connection, send_id: str) -> Sequence[Any]:
    """Every attempt at a submission, the first one first."""
    return connection.execute(_ATTEMPTS, {"send_id": send_id}).all()


def events_of(connection: Connection, send_id: str) -> Sequence[Any]:
    """Everything that happened to a submission, in order."""
    return connection.execute(_EVENTS, {"send_id": send_id}).all()


def refusals_of(connection: Connection, send_id: str) -> int:
    """How often the same refusal or replay was given under this id."""
    query = select(t.refusals.c.count).where(t.refusals.c.send_id == send_id)
    return sum(connection.execute(query).scalars())


def names_of(connection: Connection, ids: Sequence[str]) -> Mapping[str, str]:
    """The names of these mailboxes by id."""
    query = select(t.mailboxes.c.id, t.mailboxes.c.name).where(t.mailboxes.c.id.in_(list(ids)))
    return {row.id: row.name for row in connection.execute(query)}


_PRECEDENCE = (
    "held",
    "active",
    "uncertain",
    "queued",
    "deferred",
    "scheduled",
    "bounced",
    "expired",
    "rejected",
    "cancelled",
    "delivered",
)


def status_of(send: Any, deliveries: Sequence[Any]) -> str:
    """One word for a submission: the state that most needs a look; `blocked` where nothing was taken."""
    if send.decision in REFUSED:
        return "blocked"
    states = {d.state for d in deliveries}
    return next((state for state in _PRECEDENCE if state in states), send.decision)
