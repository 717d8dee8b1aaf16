"""Credits for business events, stored as rows so that a report is one sum.

Nothing is computed when a delivery is settled. An event is credited after it arrives, and again
when something behind it changes: the journal shows a delivery made or undone, its user id is seen
with another address, a person is erased, or the terms change. Only one process credits at a time
and it sees only committed data, and the journal skips nothing. So when an event and a delivery
arrive together, whichever is later finds the earlier one, and the rows are always those that
would be computed from everything stored.

A touch whose submission has been removed by retention keeps its credits.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, tuple_, update

from config.settings import Settings
from policy.attribution import MODELS, WEIGHT_UNIT, Credit, Event, Model, Touch, credited, shared
from policy.moment import ms_of
from policy.outcomes import Brought, GroupBy
from relay.store import journal, meta, outcomes
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.journal import Mark
from relay.store.nodes import try_alone
from relay.store.paging import matching

PLACE = "attribution"  # key in `meta`: how far the journal was followed, and under which terms
LOCK = 0x6761_7464  # advisory lock for crediting
FOLLOWED = 5_000  # journal events followed per step
CREDITED = 100  # events credited per step: about ten milliseconds
CREDITS = 1_000  # after so many credits a step ends, lest much mail to one person keep all other mail waiting
PAGE = 500
FRACTION = 10  # decimal places of a value; the API accepts no more

_c, _o = t.attributions.c, t.outcomes.c
_WAITING = text(t.NOT_CREDITED)


class Terms(Struct, frozen=True):
    """The settings by which events are credited. Times are milliseconds."""

    windows: Mapping[str, int]
    otherwise: int
    half_life: int

    def window(self, event_type: str) -> int:
        """How long before an event of this type a message may be credited."""
        return self.windows.get(event_type, self.otherwise)

    @property
    def reach(self) -> int:
        """The longest window."""
        return max(self.otherwise, *self.windows.values())

    @property
    def name(self) -> str:
        """A text that identifies these terms."""
        return dumps([sorted(self.windows.items()), self.otherwise, self.half_life])


def terms_of(settings: Settings) -> Terms:
    """The terms set in the configuration."""
    rules = settings.attribution
    windows = {name: ms_of(span) for name, span in settings.attribution_windows.items()}
    return Terms(windows, ms_of(rules.default_window), ms_of(rules.half_life))


class Asked(Struct, frozen=True):
    """Which credits to report: those of events in a time span. `mailbox_id` is "" for the whole tenant."""

    tenant_id: str
    model: Model
    since: int
    until: int
    mailbox_id: str = ""


# -- keeping up -----------------------------------------------------------------------------


async def keep_up(look: Any, write: Any, pause: Callable[[float], Awaitable[None]], terms: Terms) -> None:
    """Credit everything stored by now; raises Unavailable.

    `look` and `write` each run a function with a connection: for reading, and in a write transaction.
    """
    goal = await look(_newest)
    while goal is not None and not await look(lambda c: _is_reached(c, terms, goal)):
        if not await write(lambda c: step(c, terms)):
            await pause(0.02)  # another process is crediting


def step(connection: Connection, terms: Terms) -> bool:
    """Follow the journal and credit some of the waiting events; False if another process is doing so."""
    if not try_alone(connection, LOCK):
        return False
    _follow(connection, terms)
    _credit(connection, terms)
    return True


def _newest(connection: Connection) -> tuple[Mark, str] | None:
    """The newest place in the journal and the newest event id; None if there are no events."""
    newest: str | None = connection.execute(select(func.max(_o.id))).scalar_one()
    return (journal.newest(connection), newest) if newest is not None else None


def _is_reached(connection: Connection, terms: Terms, goal: tuple[Mark, str]) -> bool:
    """Whether the journal was followed and all events are credited, up to `goal`."""
    name, mark = _place(connection)
    waiting = select(_o.id).where(_WAITING, _o.id <= goal[1]).limit(1)
    return name == terms.name and mark >= goal[0] and connection.execute(waiting).first() is None


def _place(connection: Connection) -> tuple[str, Mark]:
    name, txid, seq = loads(meta.recalled(connection, PLACE) or '["", 0, 0]')
    return name, Mark(txid, seq)


def _follow(connection: Connection, terms: Terms) -> None:
    """Find the events whose credits may have changed."""
    name, mark = _place(connection)
    if name != terms.name:
        connection.execute(update(t.outcomes).where(_o.state == outcomes.CREDITED).values(state=outcomes.STALE))
    has_credited = connection.execute(select(_o.id).where(_o.state == outcomes.CREDITED).limit(1)).first()
    if has_credited is None:
        here = journal.newest(connection)
    else:
        here = journal.further(connection, mark, FOLLOWED)
        for tenant_id, key, at in _reached_people(connection, mark, here):
            _doubt(connection, tenant_id, key, at)
    if (name, mark) != (terms.name, here):
        meta.remember(connection, PLACE, dumps([terms.name, here.txid, here.seq]))


_REACHED = (
    "SELECT DISTINCT d.tenant_id, d.recipient_key,"
    " CASE WHEN e.type = 'delivery.bounced' THEN 0 ELSE coalesce(a.ended_at, d.updated_at) END AS at"
    " FROM events e JOIN deliveries d ON d.send_id = e.send_id AND d.n = e.n"
    " LEFT JOIN attempts a ON a.send_id = d.send_id AND a.n = d.n AND a.result = 'delivered'"
    " WHERE {span} AND e.type IN ('delivery.delivered', 'delivery.bounced')"
    " AND EXISTS (SELECT 1 FROM outcomes o WHERE o.tenant_id = d.tenant_id AND o.key = d.recipient_key)"
)
_REACHED_SQLITE = text(_REACHED.format(span="e.seq > :seq AND e.seq <= :to_seq"))
_REACHED_POSTGRESQL = text(
    _REACHED.format(span="(e.txid, e.seq) > (:txid, :seq) AND (e.txid, e.seq) <= (:to_txid, :to_seq)")
)


def _reached_people(connection: Connection, mark: Mark, here: Mark) -> Sequence[Any]:
    """Which people known from events were reached, or turned out not to be, and from when on that counts."""
    span = {"seq": mark.seq, "to_seq": here.seq}
    if connection.dialect.name == "sqlite":
        return connection.execute(_REACHED_SQLITE, span).all()
    return connection.execute(_REACHED_POSTGRESQL, span | {"txid": mark.txid, "to_txid": here.txid}).all()


def _doubt(connection: Connection, tenant_id: str, key: str, since: int) -> None:
    """Mark the events of a person to be credited again, under all their addresses."""
    own = select(_o.user_id).where(_o.tenant_id == tenant_id, _o.key == key, _o.user_id != "").distinct()
    doubted = update(t.outcomes).where(_o.tenant_id == tenant_id, _o.at >= since, _o.state == outcomes.CREDITED)
    connection.execute(doubted.where(_o.key == key).values(state=outcomes.STALE))
    connection.execute(doubted.where(_o.user_id.in_(own)).values(state=outcomes.STALE))


def forget(connection: Connection, tenants: Sequence[str], key: str) -> None:
    """Erase an address: credits of messages to it are deleted; the person's events are credited again."""
    for tenant_id in tenants:
        _doubt(connection, tenant_id, key, 0)
    connection.execute(delete(t.attributions).where(_c.tenant_id.in_(tenants), _c.key == key))


# -- crediting ------------------------------------------------------------------------------


def _credit(connection: Connection, terms: Terms) -> None:
    """Credit the first of the waiting events: new ones, then those that they and others make stale."""
    query = select(t.outcomes).where(_WAITING).order_by(_o.state, _o.id).limit(CREDITED)
    rows = connection.execute(query.with_for_update()).all()
    for tenant_id in sorted({row.tenant_id for row in rows}):
        _credit_of(connection, terms, tenant_id, [row for row in rows if row.tenant_id == tenant_id])


def _credit_of(connection: Connection, terms: Terms, tenant_id: str, rows: Sequence[Any]) -> None:
    people = outcomes.keys_of_people(connection, tenant_id, (row.user_id for row in rows))
    events = {row.id: event_of(row, people.get(row.user_id, ())) for row in rows if row.type != outcomes.REPLIED}
    by_key: dict[str, list[Touch]] = {}
    for touch in _touches(connection, terms, tenant_id, list(events.values())):
        by_key.setdefault(touch.key, []).append(touch)
    ids: list[str] = []
    found: list[dict[str, Any]] = []
    for row in rows:
        if len(found) >= CREDITS:
            break
        ids.append(row.id)
        if event := events.get(row.id):
            found += [_row(tenant_id, event, model, c) for model, c in _shares(event, by_key, terms)]
    _meet(connection, tenant_id, rows[: len(ids)])
    connection.execute(delete(t.attributions).where(_c.outcome_id.in_(ids)))
    if found:
        connection.execute(insert(t.attributions), found)
    connection.execute(update(t.outcomes).where(_o.id.in_(ids)).values(state=outcomes.CREDITED))


def _meet(connection: Connection, tenant_id: str, rows: Sequence[Any]) -> None:
    """A new event may reveal another address of its user id; the user's earlier events are then credited again."""
    new = {(row.user_id, row.key) for row in rows if row.state == outcomes.NEW and row.user_id and row.key}
    query = select(_o.user_id, _o.key).where(
        _o.tenant_id == tenant_id, _o.user_id.in_({user_id for user_id, _ in new}), _o.state != outcomes.NEW
    )
    known = {tuple(row) for row in connection.execute(query.distinct())}
    seen = Counter(user_id for user_id, _ in known)
    met = {user_id for user_id, _ in new - known if seen[user_id] <= outcomes.MANY}
    if met:
        again = update(t.outcomes).where(_o.tenant_id == tenant_id, _o.user_id.in_(met), _o.state == outcomes.CREDITED)
        connection.execute(again.values(state=outcomes.STALE))


def _touches(connection: Connection, terms: Terms, tenant_id: str, events: Sequence[Event]) -> list[Touch]:
    """The touches that may have reached these people in time, including those that retention has removed."""
    if not events:
        return []
    keys = {key for event in events for key in event.keys}
    since, until = min(event.at for event in events) - terms.reach, max(event.at for event in events)
    gone = connection.execute(_GONE, {"ids": [event.id for event in events]})
    return [
        *outcomes.touches(connection, tenant_id, keys, since, until),
        *(Touch(r.send_id, r.key, r.touched_at, r.mailbox_id, r.campaign, r.provider) for r in gone),
    ]


_GONE = (
    select(t.attributions)
    .where(_c.outcome_id.in_(bindparam("ids", expanding=True)), _c.model == "linear")
    .where(~select(t.sends.c.id).where(t.sends.c.id == _c.send_id).exists())
)


def _shares(event: Event, by_key: Mapping[str, Sequence[Touch]], terms: Terms) -> Iterable[tuple[Model, Credit]]:
    found = (touch for key in event.keys for touch in by_key.get(key, ()))
    owed = credited(event, found, terms.window(event.type))
    return ((model, credit) for model in MODELS for credit in shared(event, owed, model, terms.half_life))


def event_of(row: Any, known_as: Iterable[str]) -> Event:
    """The event of a stored or new row; `known_as` are further addresses of the person."""
    keys = frozenset(key for key in (row.key, *known_as) if key)
    return Event(row.id, row.type, row.at, keys, Decimal(row.value))


def _row(tenant_id: str, event: Event, model: Model, credit: Credit) -> dict[str, Any]:
    touch, whole = credit.touch, int(credit.value)
    return {
        "tenant_id": tenant_id,
        "model": model,
        "at": event.at,
        "outcome_id": event.id,
        "send_id": touch.send_id,
        "key": touch.key,
        "type": event.type,
        "touched_at": touch.at,
        "mailbox_id": touch.mailbox,
        "campaign": touch.campaign,
        "provider": touch.provider,
        "weight": int(credit.weight / WEIGHT_UNIT),
        "whole": whole,
        "fraction": int((credit.value - whole).scaleb(FRACTION)),
    }


# -- reports --------------------------------------------------------------------------------


def brought(connection: Connection, asked: Asked, by: GroupBy) -> dict[str, Brought]:
    """The sums of the credits of each mailbox, campaign or provider that has any."""
    name = {"mailbox": _c.mailbox_id, "campaign": _c.campaign, "provider": _c.provider}[by]
    sums = [func.sum(column) for column in (_c.weight, _c.whole, _c.fraction)]
    query = select(name, _c.type, *sums).where(*_asked(asked)).group_by(name, _c.type).order_by(name, _c.type)
    found: dict[str, Brought] = {}
    for group, event_type, weight, whole, fraction in connection.execute(query):
        before = found.get(group, Brought())
        counted = {**before.counted, event_type: int(weight) * WEIGHT_UNIT}
        found[group] = Brought(counted, before.revenue + _joined(whole, fraction))
    return found


class Owed(Struct, frozen=True):
    """One credit, with the event's own value and the id by which the caller knows it."""

    credit: Credit
    type: str
    at: int
    value: str
    event_id: str


def page(connection: Connection, asked: Asked, after: Owed | None) -> list[Owed]:
    """The next credits after `after`, in the order of their events."""
    place = (_c.at, _c.outcome_id, _c.send_id, _c.key)
    query = select(t.attributions, _o.value, _o.event_id).join(t.outcomes, _o.id == _c.outcome_id).where(*_asked(asked))
    if after is not None:
        touch = after.credit.touch
        here = (after.at, after.credit.event_id, touch.send_id, touch.key)
        query = query.where(tuple_(*place) > tuple_(*here))
    return [_owed(row) for row in connection.execute(query.order_by(*place).limit(PAGE))]


def _asked(asked: Asked) -> list[Any]:
    own = matching((_c.mailbox_id, asked.mailbox_id))
    return [_c.tenant_id == asked.tenant_id, _c.model == asked.model, _c.at.between(asked.since, asked.until), *own]


def _owed(row: Any) -> Owed:
    touch = Touch(row.send_id, row.key, row.touched_at, row.mailbox_id, row.campaign, row.provider)
    credit = Credit(row.outcome_id, touch, row.weight * WEIGHT_UNIT, _joined(row.whole, row.fraction))
    return Owed(credit, row.type, row.at, row.value, row.event_id)


def _joined(whole: Any, fraction: Any) -> Decimal:
    return Decimal(int(whole)) + Decimal(int(fraction)).scaleb(-FRACTION)
