"""What the mail of a period brought and what it cost, in the words of the report.

Money is decimal. Outcomes are counted by their credits, so that those of all mailboxes,
campaigns or providers add up to the total. An event with no touch in its window is credited
to nobody and not counted.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

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
    plural = noun if noun in _UNCOUNTED else f"{noun}s"
    return f"{plural}_{verb}" if verb else plural


def unit_name(event_type: str, types: Collection[str] = ()) -> str:
    """The name of one outcome when its cost is given: `trial` for `trial_started`, unless two types share the noun."""
    noun = event_type.partition("_")[0]
    shared = any(other != event_type and other.partition("_")[0] == noun for other in types)
    return event_type if shared else noun


def report(period: str, total_emails: int, brought: Brought, cost: Decimal) -> dict[str, Any]:
    """The report of a period. `cost` is what its sends cost; the cost per outcome divides all of it for each type."""
    counted = dict(sorted(brought.counted.items()))
    outcomes: dict[str, Any] = {outcome_name(name): _count(count) for name, count in counted.items()}
    outcomes["revenue_attributed"] = brought.revenue.quantize(CENT, ROUND_HALF_EVEN)
    return {
        "period": period,
        "totalEmails": total_emails,
        "outcomes": outcomes,
        "costPerOutcome": {
            unit_name(name, counted): (cost / count).quantize(CENT, ROUND_HALF_EVEN)
            for name, count in counted.items()
            if count
        },
    }


def together(parts: Iterable[Brought], types: Iterable[str]) -> Brought:
    """The sum of all parts; each of `types` without credits appears with a count of 0."""
    counted, revenue = dict.fromkeys(types, Decimal(0)), Decimal(0)
    for part in parts:
        revenue += part.revenue
        for name, count in part.counted.items():
            counted[name] = counted.get(name, Decimal(0)) + count
    return Brought(counted, revenue)


def in_cents(groups: Mapping[str, Brought]) -> dict[str, Brought]:
    """The groups with revenue in whole cents that sum to the rounded total revenue (largest remainder)."""
    cents = {name: brought.revenue.quantize(CENT, ROUND_FLOOR) for name, brought in groups.items()}
    whole = sum((brought.revenue for brought in groups.values()), Decimal(0)).quantize(CENT, ROUND_HALF_EVEN)
    missing = int((whole - sum(cents.values())) / CENT)
    for name in sorted(groups, key=lambda name: (cents[name] - groups[name].revenue, name))[:missing]:
        cents[name] += CENT
    return {name: replace(brought, revenue=cents[name]) for name, brought in groups.items()}


def _count(count: Decimal) -> int | Decimal:
    """An int if the count is whole; fractions arise only where credits are grouped."""
    return int(count) if count == count.to_integral_value() else count.normalize()
