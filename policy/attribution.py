"""Which messages an outcome is owed to: exact, and the same whenever it is computed.

A touch is a message that reached an address. An event credits the touches to the same
person inside the window of its type and never one after it. Credits are decimal and sum to
the event's value to the last digit; what does not divide goes by the largest remainder, to
the earlier touch first. The answer is a function of the sets of touches and events: order,
repeats and late arrival change nothing, and so a late event is simply computed again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal

from policy.usage import DAY

Model = Literal["last_touch", "first_touch", "linear", "time_decay"]
MODELS: tuple[Model, ...] = ("last_touch", "first_touch", "linear", "time_decay")

HALF_LIFE = 7 * DAY
DEFAULT_WINDOW = 30 * DAY  # for an event whose type has none of its own

# Weights are told to six digits; a value to its own precision, and at least to a hundredth of a cent.
WEIGHT_UNIT = Decimal("0.000001")
VALUE_UNIT = Decimal("0.0001")

_EXACT = Context(prec=60)  # far more than money has


@dataclass(frozen=True, slots=True)
class Touch:
    """A message that reached `key`: delivered, or taken by the provider where delivery is not told."""

    send_id: str
    key: str
    at: int
    mailbox: str = ""
    campaign: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did. `keys` are the addresses the person is known by: its own, and its user id's."""

    id: str
    type: str
    at: int
    keys: frozenset[str]
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Credit:
    """What one touch is owed of one event: `weight` of all the event's credits is 1, `value` its value."""

    event_id: str
    touch: Touch
    weight: Decimal
    value: Decimal


def attribute(
    event: Event,
    touches: Iterable[Touch],
    *,
    windows: Mapping[str, int],
    model: Model = "last_touch",
    half_life: int = HALF_LIFE,
) -> tuple[Credit, ...]:
    """The credits of one event, the oldest touch first; none when nobody was written to in time."""
    window = windows.get(event.type, DEFAULT_WINDOW)
    owed = credited(event, touches, window)
    if not owed:
        return ()
    shares = _shares(owed, model, half_life)
    weights = apportion(Decimal(1), shares, WEIGHT_UNIT)
    values = apportion(event.value, shares, VALUE_UNIT)
    parts = zip(owed, weights, values, strict=True)
    return tuple(Credit(event.id, touch, weight, value) for touch, weight, value in parts if weight or value)


def credited(event: Event, touches: Iterable[Touch], window: int) -> list[Touch]:
    """The touches an event may credit, each once, oldest first."""
    within = {
        (touch.send_id, touch.key): touch
        for touch in sorted(touches, key=_age, reverse=True)  # of one repeated, the earliest stands
        if touch.key in event.keys and event.at - window <= touch.at <= event.at
    }
    return sorted(within.values(), key=_age)


def _age(touch: Touch) -> tuple[int, str, str]:
    return (touch.at, touch.send_id, touch.key)


def _shares(touches: Sequence[Touch], model: Model, half_life: int) -> list[Fraction]:
    """What each touch is owed, in any unit."""
    count = len(touches)
    match model:
        case "last_touch":
            return [Fraction(0)] * (count - 1) + [Fraction(1)]
        case "first_touch":
            return [Fraction(1), *[Fraction(0)] * (count - 1)]
        case "linear":
            return [Fraction(1)] * count
        case "time_decay":
            # Counted from the newest touch, so that an old event does not shrink to nothing.
            newest = touches[-1].at
            return [_half(newest - touch.at, half_life) for touch in touches]


def _half(age: int, half_life: int) -> Fraction:
    """Half for each half-life, by decimal arithmetic: the same on every machine."""
    exponent = _EXACT.divide(Decimal(-age), Decimal(half_life))
    return Fraction(_EXACT.power(Decimal(2), exponent))


def apportion(amount: Decimal, shares: Sequence[Fraction], unit: Decimal) -> list[Decimal]:
    """`amount` split in proportion, in whole units, so that the parts sum to it exactly (largest remainder)."""
    exponent = min(int(unit.as_tuple().exponent), int(amount.as_tuple().exponent))
    units = int(abs(Fraction(amount)) / Fraction(10) ** exponent)
    total = sum(shares, Fraction(0))
    exact = [share * units / total for share in shares]
    whole = [int(part) for part in exact]
    by_remainder = sorted(range(len(shares)), key=lambda n: (whole[n] - exact[n], n))
    for n in by_remainder[: units - sum(whole)]:
        whole[n] += 1
    sign = -1 if amount < 0 else 1
    return [_EXACT.scaleb(Decimal(sign * parts), exponent) for parts in whole]
