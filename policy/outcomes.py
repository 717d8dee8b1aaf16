"""What the mail of a period brought and what it cost, in the words of the report.

Money is decimal. Outcomes are counted by their credits, so that those of all mailboxes,
campaigns or providers add up to the total. An event with no touch in its window is credited
to nobody and not counted.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from msgspec import Struct, field

from policy.usage import DAY

MONTH = 30 * DAY  # the time over which a monthly cost is spread

CENT = Decimal("0.01")

GroupBy = Literal["mailbox", "campaign", "provider"]
GROUPS: tuple[GroupBy, ...] = ("mailbox", "campaign", "provider")

# Words that have no plural.
_UNCOUNTED = frozenset({"churn", "revenue"})


class Costs(Struct, frozen=True):
    """What sending costs: per message, the provider's price per message on top, and per month."""

    per_email: Decimal = Decimal(0)
    monthly_fixed: Decimal = Decimal(0)
    per_provider: Mapping[str, Decimal] = field(default_factory=dict)


class Brought(Struct, frozen=True):
    """The sum of some credits: outcomes by event type, and their value."""

    counted: Mapping[str, Decimal] = field(default_factory=dict)
    revenue: Decimal = Decimal(0)


def cost_of(costs: Costs, sent_by_provider: Mapping[str, int], period: int, share: Decimal = Decimal(1)) -> Decimal:
    """What the sends of a period (in milliseconds) cost, including `share` of the fixed cost for that time."""
    variable = sum(
        (
            count * (costs.per_email + costs.per_provider.get(name, Decimal(0)))
            for name, count in sent_by_provider.items()
        ),
        Decimal(0),
    )
    return variable + costs.monthly_fixed * share * period / MONTH


def outcome_name(event_type: str) -> str:
    """The plural under which an event type is counted: `trials_started` for `trial_started`."""
    noun, _, verb = event_type.partition("_")
    return f"{_plural(noun)}_{verb}" if verb else _plural(noun)


def _plural(noun: str) -> str:
    if noun in _UNCOUNTED or noun.endswith("ed") or (noun.endswith("s") and not noun.endswith("ss")):
        return noun
    if noun.endswith(("ss", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


def unit_name(event_type: str, types: Collection[str] = ()) -> str:
    """The name of one outcome when its cost is given: `trial` for `trial_started`, unless that says too little."""
    noun = event_type.partition("_")[0]
    shared = noun.endswith("ed") or any(other != event_type and other.partition("_")[0] == noun for other in types)
    return event_type if shared else noun


def report(
    period: str, total_emails: int, brought: Brought, cost: Decimal, types: Collection[str] = ()
) -> dict[str, Any]:
    """The report of a period, or of a part of it in which only some of the `types` occurred.

    `cost` is what its sends cost; the cost per outcome divides all of it for each type.
    """
    counted = dict(sorted(brought.counted.items()))
    outcomes = by_name(counted)
    outcomes["revenue_attributed"] = brought.revenue.quantize(CENT, ROUND_HALF_EVEN)
    return {
        "period": period,
        "totalEmails": total_emails,
        "outcomes": outcomes,
        "costPerOutcome": {
            unit_name(name, types or counted): (cost / count).quantize(CENT, ROUND_HALF_EVEN)
            for name, count in counted.items()
            if count
        },
    }


def by_name(counted: Mapping[str, Decimal]) -> dict[str, Any]:
    """The counts under the names of the report."""
    found: dict[str, Any] = {}
    for event_type, count in counted.items():
        name = outcome_name(event_type)  # two types may have one: deal_closed, deals_closed
        found[name] = _count(found.get(name, 0) + count)
    return found


def together(parts: Iterable[Brought], types: Iterable[str]) -> Brought:
    """The sum of all parts; each of `types` without credits appears with a count of 0."""
    counted, revenue = dict.fromkeys(types, Decimal(0)), Decimal(0)
    for part in parts:
        revenue += part.revenue
        for name, count in part.counted.items():
            counted[name] = counted.get(name, Decimal(0)) + count
    return Brought(counted, revenue)


def in_cents(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The amounts in whole cents that sum to the rounded total (largest remainder)."""
    cents = {name: amount.quantize(CENT, ROUND_FLOOR) for name, amount in amounts.items()}
    # Shares that do not divide are a little off, which must not decide how a half cent is rounded.
    whole = round(sum(amounts.values(), Decimal(0)), 12).quantize(CENT, ROUND_HALF_EVEN)
    missing = int((whole - sum(cents.values())) / CENT)
    for name in sorted(amounts, key=lambda name: (cents[name] - amounts[name], name))[:missing]:
        cents[name] += CENT
    return cents


def _count(count: Decimal) -> int | Decimal:
    """An int if the count is whole; fractions arise only where credits are grouped."""
    return int(count) if count == count.to_integral_value() else count.normalize()
