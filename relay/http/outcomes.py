"""Outcomes: what people did after mail reached them, and what that brought and cost.

An event is counted once, identified by its `eventId` or its content, however often or late it is reported. A report
is the sum of the credits of all events stored when it is requested.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Query

from config.settings import Settings
from policy.attribution import Credit, Event, Model, credited, shared
from policy.moment import exact
from policy.outcomes import Brought, Costs, GroupBy, by_name, cost_of, in_cents, report, together
from policy.usage import DAY
from relay.http import csvs
from relay.http.access import Caller, Parts, Reads, Who
from relay.http.house import House
from relay.http.meant import tenant_of, whole_tenant_of
from relay.http.outcome_shapes import BusinessEventReceipt, NewBusinessEvent, OutcomeReport
from relay.http.problems import invalid
from relay.http.shapes import address_of
from relay.http.spans import span_of
from relay.http.strict import Resource
from relay.store import attribution, listings, volumes
from relay.store import outcomes as store
from relay.store.engine import canonical, dumps

router = Resource("Analytics")
CENT = Decimal("0.01")
Sent = Mapping[str, Counter[str]]  # by group, and within it by provider


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
    "currency",
)
Period = Annotated[str, Query(max_length=20, description="`30d`, or a month: `2026-11`.", examples=["30d"])]
TenantId = Annotated[str | None, Query(alias="tenantId", max_length=128)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report is requested: of which credits, and what share of a month's fixed cost it bears."""

    period: str
    charged: int
    credits: attribution.Asked


def asked_of(parts: House, tenant_id: str, period: str, model: Model | None, mailbox_id: str = "") -> Asked:
    """The report for a period. Raises Problem."""
    try:
        span = span_of(period, parts.clock())
    except ValueError as error:
        raise invalid("period", str(error)) from None
    used = model or parts.settings().attribution.model
    return Asked(period, span.charged, attribution.Asked(tenant_id, used, span.since, span.until, mailbox_id))


async def _asked(parts: House, who: Caller, period: str, model: Model | None, tenant: str | None) -> Asked:
    return asked_of(parts, await whole_tenant_of(parts, who, tenant), period, model, who.reach)


@router.post(
    "/analytics/events", status_code=202, summary="Report a business event", response_model=BusinessEventReceipt
)
async def report_event(body: NewBusinessEvent, parts: Parts, who: Who) -> Any:
    """Counted once; the answer says which messages it credits so far."""
    who.need("manage")
    if body.currency not in ("", own := parts.settings().costs.currency):
        raise invalid(
            "currency", f"is not {own}, the one of all amounts here" if own else "is none: set costs.currency"
        )
    tenant_id = await tenant_of(parts, who, body.tenant or None)
    new = _outcome(parts, body, tenant_id)

    def job(connection: Any) -> Any:
        stored = store.record_outcome(connection, new)
        if new.type == store.REPLIED and new.key:
            store.replied(connection, tenant_id, who.mailbox_id, new.key, min(new.at, new.recorded_at))
        return stored

    stored = await parts.write(job)
    owed = await _credits_of(parts, stored, parts.settings().attribution.model)
    if who.mailbox_id:
        owed = tuple(credit for credit in owed if credit.touch.mailbox == who.mailbox_id)
    return {
        "eventId": stored.event_id,
        "attributed": bool(owed),
        "touches": [{"sendId": c.touch.send_id, "weight": float(c.weight)} for c in owed],
        "replayed": stored.id != new.id,
    }


@router.get("/analytics/outcomes", summary="What mail brought and cost", response_model=OutcomeReport)
async def show_outcomes(
    parts: Parts,
    who: Reads,
    period: Period = "30d",
    group_by: Annotated[GroupBy | None, Query(alias="groupBy")] = None,
    model: Annotated[Model | None, Query()] = None,
    tenant_id: TenantId = None,
) -> Any:
    """Counted by credits. Events without a message before them in their window are credited to none: `unattributed`."""
    asked = await _asked(parts, who, period, model, tenant_id)
    return await outcomes(parts, asked, group_by)


@router.get("/analytics/outcomes/export", summary="Every credit of a period as CSV", response_class=csvs.Csv)
async def export_outcomes(
    parts: Parts,
    who: Reads,
    period: Period = "30d",
    model: Annotated[Model | None, Query()] = None,
    tenant_id: TenantId = None,
) -> csvs.Csv:
    """One line for each credit: the weights of an event sum to 1 and its credits to its value, to the last digit."""
    asked = await _asked(parts, who, period, model, tenant_id)
    await keep_up(parts)
    names = await parts.look(lambda c: listings.mailbox_names(c, asked.credits.tenant_id))
    currency = parts.settings().costs.currency

    async def rows() -> AsyncIterator[Sequence[Sequence[Any]]]:
        last = None
        while page := await parts.look(partial(attribution.page, asked=asked.credits, after=last)):
            yield [(*_exported(owed, names), currency) for owed in page]
            last = page[-1]

    return csvs.stream("outcomes.csv", COLUMNS, rows())


async def outcomes(parts: House, asked: Asked, group_by: GroupBy | None) -> dict[str, Any]:
    """The report for a period; also used by the console and the command line."""
    await keep_up(parts)
    by: GroupBy = group_by or "provider"
    of = asked.credits

    def question(connection: Any) -> tuple[dict[str, int], dict[str, Brought], Sent]:
        span = of.tenant_id, of.since, of.until
        # Of one mailbox only what its mail brought: the rest is the others' business.
        events = {} if of.mailbox_id else store.counted_between(connection, *span)
        sent = volumes.sent_between(connection, *span, by, of.mailbox_id)
        return events, attribution.brought(connection, of, by), sent

    events, groups, sent = await parts.look(question)
    own, costs = sum(sent.values(), Counter[str]()), _costs(parts.settings(), asked)
    cost_of_own = partial(_cost, costs, asked, own.total())
    cost = cost_of(costs, own, asked.charged)
    whole = together(groups.values(), events)
    told: dict[str, Any] = _plain(report(asked.period, own.total(), whole, cost))
    told |= {"model": of.model, "cost": _money(cost), "currency": parts.settings().costs.currency or None}
    if not of.mailbox_id:
        told["unattributed"] = by_name({n: left for n, count in events.items() if (left := count - whole.counted[n])})
    if group_by is not None:
        names = await parts.look(lambda c: listings.mailbox_names(c, of.tenant_id)) if group_by == "mailbox" else {}
        told["groups"] = _groups(asked, groups, group_by, sent, cost_of_own, names, whole.counted)
    return told


async def keep_up(parts: House) -> None:
    """Compute the credits of everything stored so far."""
    await attribution.keep_up(parts.look, parts.write, parts.pause, attribution.terms_of(parts.settings()))


def _groups(
    asked: Asked,
    groups: Mapping[str, Brought],
    by: GroupBy,
    sent: Sent,
    cost: Callable[[Counter[str]], Decimal],
    names: Mapping[str, str],
    types: Collection[str],
) -> list[dict[str, Any]]:
    """The report for each mailbox, campaign or provider; revenue and costs sum to those of the whole."""
    told = []
    keys = sorted({*groups, *sent})
    costs = {key: cost(sent.get(key, Counter[str]())) for key in keys}
    revenues = in_cents({key: groups.get(key, Brought()).revenue for key in keys})
    shown = in_cents(costs)
    for key in keys:
        brought = Brought(groups.get(key, Brought()).counted, revenues[key])
        own = sent.get(key, Counter[str]())
        one = _plain(report(asked.period, own.total(), brought, costs[key], types)) | {"cost": _money(shown[key])}
        told.append({by: names.get(key, key), **({"mailboxId": key} if by == "mailbox" else {}), **one})
    return told


def _costs(settings: Settings, asked: Asked) -> Costs:
    """A provider's own price if it has one, otherwise the general one."""
    # A mailbox's own key does not see the fixed cost: its share would reveal how much the whole tenant sends.
    fixed = Decimal(0) if asked.credits.mailbox_id else settings.costs.monthly_fixed
    prices = {p.name: p.price - settings.costs.per_email for p in settings.providers if p.price is not None}
    return Costs(settings.costs.per_email, fixed, prices)


def _cost(costs: Costs, asked: Asked, all_sent: int, sent: Counter[str]) -> Decimal:
    """The cost of a part of the tenant's mail: its own prices, plus its share by volume of the fixed cost."""
    share = Decimal(sent.total()) / all_sent if all_sent else Decimal(0)
    return cost_of(costs, sent, asked.charged, share)


# -- details --------------------------------------------------------------------------------


def _outcome(parts: House, body: NewBusinessEvent, tenant_id: str) -> store.NewOutcome:
    address = address_of(body.email) if body.email else None
    now = parts.clock()
    at = now if body.timestamp is None else body.timestamp
    if at > now + DAY:
        raise invalid("timestamp", "is more than a day ahead: report an event once it has happened")
    content: list[Any] = ["id", body.event_id]
    if not body.event_id:
        key = address.key if address else ""
        content = [body.event_type, body.user_id, key, body.timestamp, str(body.value.normalize()), body.metadata]
    own = parts.ids.new("evt")
    return store.NewOutcome(
        id=own,
        tenant_id=tenant_id,
        digest=sha256(canonical(content).encode()).hexdigest(),
        type=body.event_type,
        user_id=body.user_id,
        key=address.key if address else "",
        address=address.wire if address else "",
        value=_digits(body.value),
        metadata=dumps(body.metadata),
        at=at,
        recorded_at=now,
        event_id=body.event_id or own,
    )


async def _credits_of(parts: House, stored: Any, model: Model) -> tuple[Credit, ...]:
    """What an event credits, given what is stored now; a reply is no outcome and credits nothing."""
    if stored.type == store.REPLIED:
        return ()
    terms = attribution.terms_of(parts.settings())
    window = terms.window(stored.type)

    def question(connection: Any) -> tuple[Event, Any]:
        known = store.keys_of_people(connection, stored.tenant_id, [stored.user_id]).get(stored.user_id, set())
        event = attribution.event_of(stored, known)
        return event, store.touches(connection, stored.tenant_id, event.keys, stored.at - window, stored.at)

    event, touches = await parts.look(question)
    return shared(event, credited(event, touches, window), model, terms.half_life)


def _exported(owed: attribution.Owed, names: Mapping[str, str]) -> tuple[Any, ...]:
    credit, touch = owed.credit, owed.credit.touch
    return (
        owed.event_id,
        owed.type,
        exact(owed.at),
        _digits(Decimal(owed.value)),
        touch.send_id,
        touch.key,
        exact(touch.at),
        names.get(touch.mailbox, touch.mailbox),
        touch.campaign,
        touch.provider,
        _digits(credit.weight),
        _digits(credit.value),
    )


def _digits(amount: Decimal) -> str:
    """An exact amount without an exponent, which not every reader of a file knows."""
    return f"{amount.normalize():f}"


def _money(amount: Decimal) -> float:
    return float(amount.quantize(CENT))


def _plain(value: Any) -> Any:
    """The same with decimals as JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
