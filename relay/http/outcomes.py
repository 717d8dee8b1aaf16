"""Outcomes: what people did after mail reached them, and what it brought and cost.

An event is taken once, by its `eventId` or by its content, whatever is repeated or comes
late. The report is computed from what is stored, so asking twice gives the same.
"""

import asyncio
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from config.durations import parse_duration
from config.settings import Settings
from policy.attribution import MODELS, Credit, Event, Model, attribute
from policy.outcomes import Costs, GroupBy, cost_of, grouped, report
from policy.usage import DAY
from relay.http.access import Parts, Reads, Who
from relay.http.house import House
from relay.http.problems import invalid
from relay.http.reading import StrictRoute
from relay.http.reputation import tenant_of
from relay.http.shapes import Email, Given, Moment, Short, Told, address_of
from relay.store import outcomes as store
from relay.store import volumes
from relay.store.engine import canonical, dumps

router = APIRouter(tags=["Analytics"], route_class=StrictRoute)
CENT = Decimal("0.01")
LONGEST = 366 * DAY


class NewEvent(Given):
    """Something a person did. `replied` ends the cool-down for that person."""

    event_type: Annotated[Short, Field(min_length=1, max_length=100, examples=["trial_started"])]
    user_id: Short = ""
    email: Email | None = None
    timestamp: Moment | None = Field(default=None, description="Now by default.")
    value: Annotated[Decimal, Field(max_digits=30, decimal_places=10, allow_inf_nan=False)] = Decimal(0)
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=100)
    event_id: Short | None = Field(default=None, description="Makes a repeat harmless; else the content does.")
    tenant: Short = ""

    @model_validator(mode="after")
    def _somebody(self) -> "NewEvent":
        if not self.email and not self.user_id:
            raise ValueError("email: give email or userId")
        return self


class TouchTold(Told):
    """A message the event is owed to, and its share."""

    send_id: str
    weight: float


class Taken(Told):
    """The event was taken."""

    event_id: str
    attributed: bool
    touches: list[TouchTold]


@router.post("/analytics/events", status_code=202, summary="Report a business event", response_model=Taken)
async def take_event(body: NewEvent, parts: Parts, who: Who) -> Any:
    """Taken once; the answer says which messages it credits by now."""
    who.need("manage")
    tenant_id = await tenant_of(parts, who, body.tenant or None)
    new = _outcome(parts, body, tenant_id)

    def job(connection: Any) -> tuple[str, bool]:
        stored = store.record_outcome(connection, new)
        if new.type == store.REPLIED and new.key:
            store.replied(connection, tenant_id, who.mailbox_id, new.key, min(new.at, new.recorded_at))
        return stored

    event_id, _ = await parts.write(job)
    owed = await _credits_of(parts, tenant_id, new, parts.settings().attribution.model)
    if who.mailbox_id:
        owed = tuple(credit for credit in owed if credit.touch.mailbox == who.mailbox_id)
    return {
        "eventId": body.event_id or event_id,
        "attributed": bool(owed),
        "touches": [{"sendId": c.touch.send_id, "weight": float(c.weight)} for c in owed],
    }


@router.get("/analytics/outcomes", summary="What mail brought and cost", response_model=dict[str, Any])
async def show_outcomes(
    parts: Parts,
    who: Reads,
    period: Annotated[str, Query(max_length=20, examples=["30d"])] = "30d",
    group_by: Annotated[GroupBy | None, Query(alias="groupBy")] = None,
    model: Annotated[Model | None, Query()] = None,
    tenant_id: Annotated[str | None, Query(alias="tenantId", max_length=128)] = None,
) -> Any:
    """Counted by credits; an event no message preceded in time is nobody's."""
    try:
        span = int(parse_duration(period).total_seconds() * 1000)
    except ValueError as error:
        raise invalid("period", str(error)) from None
    if not 0 < span <= LONGEST:
        raise invalid("period", "is at most 366d")
    tenant = await tenant_of(parts, who, tenant_id)
    own = "" if who.is_operator or who.is_of_tenant else who.mailbox_id
    return await outcomes(parts, tenant, period, span, group_by, model, own)


async def outcomes(
    parts: House,
    tenant_id: str,
    period: str,
    span: int,
    group_by: GroupBy | None,
    model: Model | None,
    mailbox_id: str = "",
) -> dict[str, Any]:
    """The report of a period; also for the console and the command line."""
    now = parts.clock()
    since = now - span
    settings = parts.settings()
    used = model or settings.attribution.model
    assert used in MODELS
    events, owed = await _credited(parts, tenant_id, since, now, used)
    if mailbox_id:
        owed = [c for c in owed if c.touch.mailbox == mailbox_id]
    scope = f"mailbox:{mailbox_id}" if mailbox_id else f"tenant:{tenant_id}"
    total = await parts.look(lambda c: volumes.sent_between(c, [scope], since, now))
    cost = await _cost(parts, settings, tenant_id, mailbox_id, since, span, total)
    told: dict[str, Any] = _plain(report(period, total, events, owed, cost)) | {"model": used, "cost": _money(cost)}
    if group_by is not None:
        told["groups"] = await _groups(parts, tenant_id, period, since, now, events, owed, group_by, cost, total)
    return told


async def _groups(
    parts: House,
    tenant_id: str,
    period: str,
    since: int,
    now: int,
    events: list[Event],
    owed: list[Credit],
    by: GroupBy,
    cost: Decimal,
    total: int,
) -> list[dict[str, Any]]:
    """The report of each mailbox or campaign; the cost goes by what each sent."""
    from relay.store import listings

    groups = grouped(owed, by)

    def question(connection: Any) -> tuple[dict[str, int], dict[str, str]]:
        if by == "campaign":
            return store.sent_by_campaign(connection, tenant_id, since), {}
        rows = listings.listed(connection, "mailboxes", {"tenant_id": tenant_id}, limit=1000).rows
        sent = {r.id: volumes.sent_between(connection, [f"mailbox:{r.id}"], since, now) for r in rows}
        return sent, {r.id: r.name for r in rows}

    sent, names = await parts.look(question)
    told = []
    for key in sorted({*groups, *(k for k, n in sent.items() if n)}):
        count = sent.get(key, 0)
        share = cost * count / total if total else Decimal(0)
        own = groups.get(key, [])
        credited = {c.event_id for c in own}
        one = _plain(report(period, count, [e for e in events if e.id in credited], own, share))
        told.append({by: names.get(key, key), **({"mailboxId": key} if by == "mailbox" else {}), **one})
    return told


# -- details --------------------------------------------------------------------------------


def _outcome(parts: House, body: NewEvent, tenant_id: str) -> store.NewOutcome:
    address = address_of(body.email) if body.email else None
    now = parts.clock()
    content: list[Any] = ["id", body.event_id]
    if body.event_id is None:
        key = address.key if address else ""
        content = [body.event_type, body.user_id, key, body.timestamp, str(body.value.normalize()), body.metadata]
    return store.NewOutcome(
        id=parts.ids.new("evt"),
        tenant_id=tenant_id,
        digest=sha256(canonical(content).encode()).hexdigest(),
        type=body.event_type,
        user_id=body.user_id,
        key=address.key if address else "",
        address=address.wire if address else "",
        value=str(body.value),
        metadata=dumps(body.metadata),
        at=body.timestamp if body.timestamp is not None else now,
        recorded_at=now,
    )


def windows_of(settings: Settings) -> dict[str, int]:
    """The attribution window of each type of event, in milliseconds."""
    return {name: int(span.total_seconds() * 1000) for name, span in settings.attribution_windows.items()}


def _attributed(settings: Settings, event: Event, touches: Any, model: Model) -> tuple[Credit, ...]:
    windows = windows_of(settings)
    windows.setdefault(event.type, int(settings.attribution.default_window.total_seconds() * 1000))
    half_life = int(settings.attribution.half_life.total_seconds() * 1000)
    return attribute(event, touches, windows=windows, model=model, half_life=half_life)


async def _credits_of(parts: House, tenant_id: str, new: store.NewOutcome, model: Model) -> tuple[Credit, ...]:
    settings = parts.settings()
    longest = _longest(settings)

    def question(connection: Any) -> tuple[frozenset[str], Any]:
        known = store.keys_of_people(connection, tenant_id, [new.user_id]).get(new.user_id, set())
        keys = frozenset(k for k in (new.key, *known) if k)
        return keys, store.touches(connection, tenant_id, keys, new.at - longest, new.at)

    keys, touches = await parts.look(question)
    event = Event(new.id, new.type, new.at, keys, Decimal(new.value))
    return _attributed(settings, event, touches, model)


async def _credited(
    parts: House, tenant_id: str, since: int, now: int, model: Model
) -> tuple[list[Event], list[Credit]]:
    settings = parts.settings()
    longest = _longest(settings)

    def question(connection: Any) -> tuple[list[Event], Any]:
        rows = store.between(connection, tenant_id, since, now)
        people = store.keys_of_people(connection, tenant_id, (row.user_id for row in rows))
        events = [
            Event(
                row.id,
                row.type,
                row.at,
                frozenset(k for k in (row.key, *people.get(row.user_id, ())) if k),
                Decimal(row.value),
            )
            for row in rows
        ]
        keys = {key for event in events for key in event.keys}
        return events, store.touches(connection, tenant_id, keys, since - longest, now)

    events, touches = await parts.look(question)
    return events, await asyncio.to_thread(_credit_all, settings, events, touches, model)


def _credit_all(settings: Settings, events: list[Event], touches: Any, model: Model) -> list[Credit]:
    by_key: dict[str, list[Any]] = {}
    for touch in touches:
        by_key.setdefault(touch.key, []).append(touch)
    owed: list[Credit] = []
    for event in events:
        own = [touch for key in event.keys for touch in by_key.get(key, ())]
        owed += _attributed(settings, event, own, model)
    return owed


def _longest(settings: Settings) -> int:
    default = int(settings.attribution.default_window.total_seconds() * 1000)
    return max([default, *windows_of(settings).values()])


async def _cost(
    parts: House, settings: Settings, tenant_id: str, mailbox_id: str, since: int, span: int, total: int
) -> Decimal:
    """What the sends of the period cost: a provider's own price where it has one, the general one elsewhere."""
    prices = {p.name: p.price - settings.costs.per_email for p in settings.providers if p.price is not None}
    sent = {"": total}
    if prices:
        sent = await parts.look(lambda c: store.sent_by_provider(c, tenant_id, since, mailbox_id))
    costs = Costs(settings.costs.per_email, settings.costs.monthly_fixed, prices)
    return cost_of(costs, sent, span)


def _money(amount: Decimal) -> float:
    return float(amount.quantize(CENT))


def _plain(value: Any) -> Any:
    """The same with decimals as JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
