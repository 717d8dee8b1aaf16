"""Which messages brought about an outcome: exact, and the same whenever it is computed.

A touch is a message that reached an address. An event credits the touches of the same person
within the time window of its type, never a touch after the event. Credits are decimal and sum
to the event's value to the last digit; what does not divide evenly is distributed by largest
remainder, the earlier touch first. The result depends only on the sets of touches and events:
order, repeats and late arrival change nothing, so a late touch or event just means computing again.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from typing import Literal, get_args

from msgspec import Struct

Model = Literal["last_touch", "first_touch", "linear", "time_decay"]
MODELS: tuple[Model, ...] = get_args(Model)


# Weights have six decimal places; a value has its own precision, but at least a hundredth of a cent.
WEIGHT_UNIT = Decimal("0.000001")
VALUE_UNIT = Decimal("0.0001")

_EXACT = Context(prec=60)  # digits; far more than money has
_FINE = Context(prec=30)  # digits, for a weight of six
_LN2 = _FINE.ln(Decimal(2))
_PARTS = 10**24  # parts that make up the newest touch's share


class Touch(Struct, frozen=True):
    """A message that reached `key`: delivered, or accepted by the provider if it does not report delivery."""

    send_id: str
    key: str
    at: int
    mailbox: str = ""
    campaign: str = ""
    provider: str = ""


class Event(Struct, frozen=True):
    """Something a person did. `keys` are the addresses the person is known by: from the event, and from its user id."""

    id: str
    type: str
    at: int
    keys: frozenset[str]
    value: Decimal = Decimal(0)


class Credit(Struct, frozen=True):
    """One touch's share of one event: an event's `weight`s sum to 1, its `value`s to the event's value."""

    event_id: str
    touch: Touch
    weight: Decimal
    value: Decimal


def shared(event: Event, owed: Sequence[Touch], model: Model, half_life: int) -> tuple[Credit, ...]:
    """Shares an event among the touches it may credit, given oldest first."""
    if model == "last_touch":
        owed = owed[-1:]
    elif model == "first_touch":
        owed = owed[:1]
    if not owed:
        return ()
    shares = _shares(owed, half_life if model == "time_decay" else 0)
    weights = apportion(Decimal(1), shares, WEIGHT_UNIT)
    values = apportion(event.value, shares, VALUE_UNIT)
    parts = zip(owed, weights, values, strict=True)
    return tuple(Credit(event.id, touch, weight, value) for touch, weight, value in parts if weight or value)


def credited(event: Event, touches: Iterable[Touch], window: int) -> list[Touch]:
    """The touches an event may credit, each once, oldest first."""
    within = {
        (touch.send_id, touch.key): touch
        for touch in sorted(touches, key=_age, reverse=True)  # of a repeated touch the earliest counts
        if touch.key in event.keys and event.at - window <= touch.at <= event.at
    }
    return sorted(within.values(), key=_age)


def _age(touch: Touch) -> tuple[int, str, str]:
    return (touch.at, touch.send_id, touch.key)


def _shares(touches: Sequence[Touch], half_life: int) -> list[int]:
    """Each touch's relative share: all equal, or halved for each half-life by which it is older."""
    if not half_life:
        return [1] * len(touches)
    newest = touches[-1].at  # ages count from here, so that shares do not shrink to nothing
    return [_half(newest - touch.at, half_life) for touch in touches]


def _half(age: int, half_life: int) -> int:
    """The share halved per half-life, in decimal arithmetic, which is the same on every machine."""
    exponent = _FINE.divide(_FINE.multiply(_LN2, Decimal(-age)), Decimal(half_life))
    return int(_FINE.exp(exponent) * _PARTS)  # `power` is ten times as slow


def apportion(amount: Decimal, shares: Sequence[int], unit: Decimal) -> list[Decimal]:
    """Splits `amount` in proportion to `shares`, in whole units; the parts sum to it exactly (largest remainder)."""
    if len(shares) == 1:
        return [_EXACT.add(amount, unit * 0)]
    exponent = min(int(unit.as_tuple().exponent), int(amount.as_tuple().exponent))
    units = int(_EXACT.scaleb(abs(amount), -exponent))
    total = sum(shares)
    whole = [share * units // total for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda n: (-(shares[n] * units % total), n))
    for n in by_remainder[: units - sum(whole)]:
        whole[n] += 1
    sign = -1 if amount < 0 else 1
    return [_EXACT.scaleb(Decimal(sign * parts), exponent) for parts in whole]
