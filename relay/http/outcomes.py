"""Outcomes: what people did after mail reached them, and what it brought and cost.

An event is taken once, by its `eventId` or by its content, whatever is repeated or comes
late. The report is computed from what is stored, so asking twice gives the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field, model_validator

from config.durations import parse_duration
from config.settings import Settings
from policy.attribution import Credit, Event, Model, credited, shared
from policy.outcomes import Costs, GroupBy, cost_of, grouped, report
from policy.usage import DAY
from relay.http import csvs
from relay.http.access import Caller, Parts, Reads, Who
from relay.http.house import House
from relay.http.ledger import LEDGERS, half_life_of, windows_of
from relay.http.problems import invalid
from relay.http.reading import StrictRoute
from relay.http.reputation import tenant_of
from relay.http.shapes import Email, Given, Moment, Short, Told, address_of, when
from relay.store import listings, volumes
from relay.store import outcomes as store
from relay.store.engine import canonical, dumps

router = APIRouter(tags=["Analytics"], route_class=StrictRoute)
CENT = Decimal("0.01")
LONGEST = 366 * DAY
USUAL = 30 * DAY


COLUMNS = (
    "eventId",
    "eventType",
    "timestamp",
    "value",
    "sendId",
    "recipient",
    "deliveredAt",
    "mailbox",
    "campaign",
    "provider",
    "weight",
    "credited",
)
Period = Annotated[str, Query(max_length=20, examples=["30d"])]
TenantId = Annotated[str | None, Query(alias="tenantId", max_length=128)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report is meant: times are milliseconds; `mailbox_id` is "" for the whole tenant."""

    tenant_id: str
    period: str
    since: int
    until: int
    model: Model
    mailbox_id: str = ""


def asked_of(parts: House, tenant_id: str, period: str, model: Model | None, mailbox_id: str = "") -> Asked:
    """The report of a period that ends now; raises Problem."""
    try:
        span = int(parse_duration(period).total_seconds() * 1000)
    except ValueError as error:
        raise invalid("period", str(error)) from None
    if not 0 < span <= LONGEST:
        raise invalid("period", "is at most 366d")
    now = parts.clock()
    return Asked(tenant_id, period, now - span, now, model or parts.settings().attribution.model, mailbox_id)


async def _asked(parts: House, who: Caller, period: str, model: Model | None, tenant: str | None) -> Asked:
    tenant_id = await tenant_of(parts, who, tenant)
    own = "" if who.is_operator or who.is_of_tenant else who.mailbox_id or "none"
    return asked_of(parts, tenant_id, period, model, own)


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
    period: Period = "30d",
    group_by: Annotated[GroupBy | None, Query(alias="groupBy")] = None,
    model: Annotated[Model | None, Query()] = None,
    tenant_id: TenantId = None,
) -> Any:
    """Counted by credits; an event no message preceded in time is nobody's."""
    asked = await _asked(parts, who, period, model, tenant_id)
    return await outcomes(parts, asked, group_by)


@router.get("/analytics/outcomes/export", summary="Every credit of a period as CSV", response_class=StreamingResponse)
async def export_outcomes(
    parts: Parts,
    who: Reads,
    period: Period = "30d",
    model: Annotated[Model | None, Query()] = None,
    tenant_id: TenantId = None,
) -> StreamingResponse:
    """One line a credit: of each event the weights sum to 1 and the credits to its value, to the last digit."""
    asked = await _asked(parts, who, period, model, tenant_id)
    events, owed = await _credited(parts, asked)
    names = await parts.look(lambda c: listings.mailbox_names(c, asked.tenant_id))
    by_id = {event.id: event for event in events}
    return csvs.table("outcomes.csv", COLUMNS, (_exported(by_id[c.event_id], c, names) for c in owed))


async def outcomes(parts: House, asked: Asked, group_by: GroupBy | None) -> dict[str, Any]:
    """The report of a period; also for the console and the command line."""
    events, owed = await _credited(parts, asked)
    by_provider, by = await parts.look(
        lambda c: volumes.sent_since(c, asked.tenant_id, asked.since, group_by or "provider", asked.mailbox_id)
    )
    costs = _costs(parts.settings())
    cost = cost_of(costs, by_provider, asked.until - asked.since)
    told: dict[str, Any] = _plain(report(asked.period, sum(by_provider.values()), events, owed, cost))
    told |= {"model": asked.model, "cost": _money(cost)}
    if group_by is not None:
        names = await parts.look(lambda c: listings.mailbox_names(c, asked.tenant_id)) if group_by == "mailbox" else {}
        shared = {n: _share(costs, n if group_by == "provider" else "", cost, by[n], by_provider) for n in by}
        told["groups"] = _groups(asked, events, owed, group_by, by, shared, names)
    return told


async def keep_up(parts: House) -> None:
    """Credit the events of the usual period, a day at a time, so that a report finds them credited."""
    now, model = parts.clock(), parts.settings().attribution.model
    for tenant_id in await parts.look(lambda c: store.busiest(c, now - USUAL, LEDGERS // 2)):
        for until in range(now, now - USUAL, -DAY):
            await _credited(parts, Asked(tenant_id, "1d", until - DAY, until, model))


def _groups(
    asked: Asked,
    events: Sequence[Event],
    owed: Sequence[Credit],
    by: GroupBy,
    sent: Mapping[str, int],
    shared: Mapping[str, Decimal],
    names: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The report of each mailbox, campaign or provider."""
    groups, by_id = grouped(owed, by), {event.id: event for event in events}
    told = []
    for key in sorted({*groups, *sent}):
        own = groups.get(key, [])
        credited = [by_id[event_id] for event_id in dict.fromkeys(c.event_id for c in own)]
        one = _plain(report(asked.period, sent.get(key, 0), credited, own, shared.get(key, Decimal(0))))
        told.append({by: names.get(key, key), **({"mailboxId": key} if by == "mailbox" else {}), **one})
    return told


def _costs(settings: Settings) -> Costs:
    """A provider's own price where it has one, the general one elsewhere."""
    prices = {p.name: p.price - settings.costs.per_email for p in settings.providers if p.price is not None}
    return Costs(settings.costs.per_email, settings.costs.monthly_fixed, prices)


def _share(costs: Costs, provider: str, cost: Decimal, sent: int, by_provider: Mapping[str, int]) -> Decimal:
    """A group's part of the cost: by what it sent; a provider's own price is the provider's."""
    total = sum(by_provider.values())
    if not total:
        return Decimal(0)
    if not provider:
        return cost * sent / total
    fixed = cost - cost_of(replace(costs, monthly_fixed=Decimal(0)), by_provider, 0)
    return cost_of(replace(costs, monthly_fixed=Decimal(0)), {provider: sent}, 0) + fixed * sent / total


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


async def _credits_of(parts: House, tenant_id: str, new: store.NewOutcome, model: Model) -> tuple[Credit, ...]:
    settings = parts.settings()
    window = windows_of(settings)[new.type]

    def question(connection: Any) -> tuple[frozenset[str], Any]:
        known = store.keys_of_people(connection, tenant_id, [new.user_id]).get(new.user_id, set())
        keys = frozenset(k for k in (new.key, *known) if k)
        return keys, store.touches(connection, tenant_id, keys, new.at - window, new.at)

    keys, touches = await parts.look(question)
    event = Event(new.id, new.type, new.at, keys, Decimal(new.value))
    return shared(event, credited(event, touches, window), model, half_life_of(settings))


async def _credited(parts: House, asked: Asked) -> tuple[list[Event], list[Credit]]:
    """The events of the period and what they credit; of one mailbox only what it is owed."""
    ledger = parts.ledgers.of(asked.tenant_id, parts.settings())
    async with ledger.lock:
        told = await parts.look(lambda c: ledger.told(c, asked.tenant_id, asked.since, asked.until))
        owed = await asyncio.to_thread(ledger.keep, told, asked.model, parts.clock())
    found = [credit for _, own in owed for credit in own]
    own = [c for c in found if c.touch.mailbox == asked.mailbox_id] if asked.mailbox_id else found
    return [event for event, _ in owed], own


def _exported(event: Event, credit: Credit, names: Mapping[str, str]) -> tuple[Any, ...]:
    touch = credit.touch
    return (
        event.id,
        event.type,
        when(event.at),
        event.value,
        touch.send_id,
        touch.key,
        when(touch.at),
        names.get(touch.mailbox, touch.mailbox),
        touch.campaign,
        touch.provider,
        credit.weight,
        credit.value,
    )


def _money(amount: Decimal) -> float:
    return float(amount.quantize(CENT))


def _plain(value: Any) -> Any:
    """The same with decimals as JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
