"""What happened to submissions: looked up by id, Message-ID, recipient, key, campaign, mailbox or state.

Lists are read from indexes, newest first, whatever the volume; nothing here reads a body.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select, tuple_, union_all

from policy.decision import REFUSED
from relay.store import schema as t
from relay.store.paging import Page, Place, matching
from relay.store.prepared import Prepared
from relay.store.traces import ERASED

_s, _d, _r, _p = t.sends.c, t.deliveries.c, t.refused_recipients.c, t.people.c
_OF_SENDS = select(t.deliveries).where(_d.send_id.in_(bindparam("ids", expanding=True))).order_by(_d.send_id, _d.n)
_REFUSED_OF_SENDS = (
    select(_r.send_id, func.coalesce(_p.address, ERASED).label("recipient"), _r.reason)
    .outerjoin_from(t.refused_recipients, t.people, _p.token == _r.token)
    .where(_r.send_id.in_(bindparam("ids", expanding=True)))
    .order_by(_r.send_id, _p.address)
)
_ATTEMPTS = (
    select(t.attempts)
    .where(t.attempts.c.send_id == bindparam("send_id"))
    .order_by(t.attempts.c.began_at, t.attempts.c.n, t.attempts.c.number)
)
_EVENTS = (
    select(t.events)
    .where(t.events.c.send_id == bindparam("send_id"), t.events.c.send_id != "")  # so that the partial index is used
    .order_by(t.events.c.seq)
)


class Search(Struct, frozen=True):
    """The conditions of a search; empty fields are ignored. `recipient` is a folded key.

    `subject`, `sender`, `to` (matched in part), `decision` and `reason` have no index: only the next
    SCAN submissions are searched for them, and the page says where to continue.
    """

    tenant_id: str = ""
    mailbox_id: str = ""
    message_id: str = ""
    recipient: str = ""
    dedupe_key: str = ""
    campaign: str = ""
    state: str = ""
    decision: str = ""
    reason: str = ""
    subject: str = ""
    sender: str = ""
    to: str = ""
    since: int = 0
    until: int = 0


class Sent(Struct, frozen=True):
    """A submission with its recipients."""

    row: Any
    deliveries: Sequence[Any]
    refused: Sequence[Any]  # those of a submission refused as a whole (`recipient`, `reason`)
    mailbox: str  # the name; "" if there is no such mailbox any more

    @property
    def status(self) -> str:
        """One word for it: the state that most needs attention; `blocked` if nothing was accepted."""
        if self.row.decision in REFUSED:
            return "blocked"
        states = {delivery.state for delivery in self.deliveries}
        return next((state for state in _PRECEDENCE if state in states), "blocked")


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
SCAN = 20_000  # submissions one page reads at most where there is no index
RARE = 2_000  # up to this many deliveries in a state, that state's own index is faster


def search(connection: Connection, what: Search, *, after: Place | None, limit: int) -> Page:
    """A page of submissions, newest first; it may be short yet have a next place, if a scan reached its limit."""
    if what == Search(tenant_id=what.tenant_id, mailbox_id=what.mailbox_id, state=what.state) and (
        what.state not in ("", "blocked")
    ):
        return _in_state(connection, what, after, limit)
    named, walked = _conditions(connection, what)
    order: list[Any] = [_s.received_at, _s.id]
    if after is not None:
        # A row value, not OR, so that both engines use the index.
        named.append(tuple_(*order) < tuple_(after.at, after.id))
    scopes = [_named_scope(what)] if _is_named(what) else _scopes(connection, what)
    floor = _floor(connection, scopes, named) if walked else 0
    if floor:
        walked.append(_s.received_at >= floor)
    if _is_named(what):
        order = [_s.received_at + 0, _s.id]
    rows: list[Any] = []
    for scope in scopes:
        query = select(t.sends).where(*scope, *named, *walked)
        rows += connection.execute(query.order_by(*(column.desc() for column in order)).limit(limit + 1))
    rows.sort(key=lambda row: (row.received_at, row.id), reverse=True)
    if len(rows) > limit:
        return Page(rows[:limit], Place(rows[limit - 1].received_at, rows[limit - 1].id))
    return Page(rows, Place(floor, "") if floor else None)


def _in_state(connection: Connection, what: Search, after: Place | None, limit: int) -> Page:
    """The newest by id, which sorts by time: an index has each mailbox's deliveries by state in that order."""
    found: set[str] = set()
    asked = {"state": what.state, "before": after.id if after is not None else LAST, "limit": limit + 1}
    for mailbox_id in _mailboxes(connection, what):
        found.update(row.send_id for row in _IN_STATE.all(connection, mailbox=mailbox_id, **asked))
    ids = sorted(found, reverse=True)
    rows = {row.id: row for row in connection.execute(select(t.sends).where(_s.id.in_(ids[:limit])))}
    shown = [rows[send_id] for send_id in ids[:limit]]
    return Page(shown, Place(shown[-1].received_at, shown[-1].id) if len(ids) > limit else None)


_IN_STATE = Prepared(
    "SELECT DISTINCT send_id FROM deliveries WHERE mailbox_id = :mailbox AND state = :state AND send_id < :before"
    " ORDER BY send_id DESC LIMIT :limit"
)
LAST = "~"  # sorts after every id


def _is_named(what: Search) -> bool:
    """Whether the search is for something selective whose index leads to a few submissions."""
    return bool(what.message_id or what.dedupe_key or what.recipient)


def _named_scope(what: Search) -> list[Any]:
    """Tenant and mailbox conditions as expressions, so that no planner prefers their index to a selective one."""
    asked = ((_s.tenant_id, what.tenant_id), (_s.mailbox_id, what.mailbox_id))
    return [column.concat("") == value for column, value in asked if value]


def _scopes(connection: Connection, what: Search) -> list[list[Any]]:
    """Sets of conditions, each served in order by one index; without a tenant there is one set per tenant."""
    if what.campaign:
        return [_named_scope(what)]
    if what.mailbox_id:
        return [matching((_s.mailbox_id, what.mailbox_id), (_s.tenant_id, what.tenant_id))]
    tenants = [what.tenant_id] if what.tenant_id else connection.execute(select(t.tenants.c.id)).scalars()
    return [[_s.tenant_id == tenant_id] for tenant_id in tenants]


def _floor(connection: Connection, scopes: Sequence[Sequence[Any]], named: Sequence[Any]) -> int:
    """The earliest time a page looks at, read from the index alone; 0 if it can look at everything."""
    found = [0]
    for scope in scopes:
        query = select(_s.received_at).where(*scope, *named).order_by(_s.received_at.desc())
        found.append(connection.execute(query.offset(SCAN - 1).limit(1)).scalar_one_or_none() or 0)
    return max(found)


def _conditions(connection: Connection, what: Search) -> tuple[list[Any], list[Any]]:
    """The conditions that an index answers, and those that have to be checked on each row."""
    named: list[Any] = []
    # The partial indexes are used only if the query says that the column is not empty.
    for column, value in ((_s.dedupe_key, what.dedupe_key), (_s.campaign, what.campaign)):
        if value:
            named += [column == value, column != ""]
    if what.message_id:
        named.append(_of_message(what.message_id))
    if what.since:
        named.append(_s.received_at >= what.since)
    if what.until:
        named.append(_s.received_at < what.until)
    walked: list[Any] = [*matching((_s.reason, what.reason), (_s.decision, what.decision))]
    for column, value in ((_s.subject, what.subject), (_s.from_address, what.sender), (_s.to_header, what.to)):
        if value:
            walked.append(column.icontains(value, autoescape=True))
    _by_delivery(connection, what, named, walked)
    return named, walked


def _of_message(message_id: str) -> Any:
    """Matches a Message-ID with or without brackets; one that Gatepost generated contains the send id."""
    bare = message_id.strip().strip("<>")
    named = and_(_s.message_id.in_((bare, f"<{bare}>")), _s.message_id != "")
    local = bare.partition("@")[0].lower()
    if local.startswith("send_"):
        return or_(named, _s.id == f"send_{local[5:].upper()}")
    return named


def _by_delivery(connection: Connection, what: Search, named: list[Any], walked: list[Any]) -> None:
    """The conditions on recipients and their states."""
    if what.state == "blocked":
        (named if what.recipient else walked).append(_s.decision.in_(REFUSED))
    if what.recipient:
        named.append(_s.id.in_(_to(connection, what)))
    elif what.state and what.state != "blocked":
        in_state = select(_d.send_id).where(_d.mailbox_id.in_(_mailboxes(connection, what)), _d.state == what.state)
        few = list(connection.execute(in_state.limit(RARE + 1)).scalars())
        if len(few) <= RARE:
            named.append(_s.id.in_(in_state))
        else:
            walked.append(exists().where(_d.send_id == _s.id, _d.state == what.state))


def _to(connection: Connection, what: Search) -> Any:
    """The ids of submissions to a recipient, including refused ones; given a state, those whose delivery is in it."""
    tenants = [what.tenant_id] if what.tenant_id else list(connection.execute(select(t.tenants.c.id)).scalars())
    taken = select(_d.send_id).where(_d.tenant_id.in_(tenants), _d.recipient_key == what.recipient)
    refused = select(_r.send_id).join_from(t.people, t.refused_recipients, _p.token == _r.token)
    refused = refused.where(_p.tenant_id.in_(tenants), _p.key == what.recipient)
    if what.state == "blocked":
        return refused
    return taken.where(_d.state == what.state) if what.state else union_all(taken, refused)


def _mailboxes(connection: Connection, what: Search) -> list[str]:
    """The ids of the mailboxes to look at, because states are indexed by mailbox."""
    if what.mailbox_id:
        return [what.mailbox_id]
    query = select(t.mailboxes.c.id).where(*matching((t.mailboxes.c.tenant_id, what.tenant_id)))
    return list(connection.execute(query).scalars())


def one(connection: Connection, send_id: str) -> Sent | None:
    """A submission, or None."""
    return by_id(connection, [send_id]).get(send_id)


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Sent]:
    """Those of these submissions that are still kept, by id."""
    rows = connection.execute(select(t.sends).where(_s.id.in_(list(ids)))).all() if ids else ()
    return {one.row.id: one for one in with_recipients(connection, rows)}


def with_recipients(connection: Connection, rows: Sequence[Any]) -> list[Sent]:
    """The submissions of these rows, in the same order."""
    deliveries, refused = deliveries_of(connection, [row.id for row in rows]), refused_of(connection, rows)
    names = names_of(connection, (row.mailbox_id for row in rows))
    return [Sent(row, deliveries[row.id], refused[row.id], names.get(row.mailbox_id, "")) for row in rows]


def deliveries_of(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The deliveries of these submissions, by send id."""
    found: dict[str, list[Any]] = {send_id: [] for send_id in ids}
    if ids:
        for row in connection.execute(_OF_SENDS, {"ids": list(ids)}):
            found[row.send_id].append(row)
    return found


def refused_of(connection: Connection, rows: Sequence[Any]) -> dict[str, list[Any]]:
    """By send id, the recipients (`recipient`, `reason`) of those submissions that were refused as a whole."""
    found: dict[str, list[Any]] = {row.id: [] for row in rows}
    if ids := [row.id for row in rows if row.decision in REFUSED]:
        for refused in connection.execute(_REFUSED_OF_SENDS, {"ids": ids}):
            found[refused.send_id].append(refused)
    return found


def attempts_of(connection: Connection, send_id: str) -> Sequence[Any]:
    """All attempts at a submission, oldest first."""
    return connection.execute(_ATTEMPTS, {"send_id": send_id}).all()


def events_of(connection: Connection, send_id: str) -> Sequence[Any]:
    """Everything that happened to a submission, in order."""
    return connection.execute(_EVENTS, {"send_id": send_id}).all()


def repeats_of(connection: Connection, row: Any) -> int:
    """How often the same was sent again and got the same answer; the first refusal does not count as a repeat."""
    query = select(t.refusals.c.count).where(t.refusals.c.send_id == row.id)
    answers = int(sum(connection.execute(query).scalars()))
    return max(0, answers - 1) if row.decision in REFUSED else answers


def names_of(connection: Connection, ids: Iterable[str | None]) -> Mapping[str, str]:
    """The names of these mailboxes, by id; whoever has none may stand among them."""
    wanted = sorted({one for one in ids if one})
    query = select(t.mailboxes.c.id, t.mailboxes.c.name).where(t.mailboxes.c.id.in_(wanted))
    return {row.id: row.name for row in connection.execute(query)}
