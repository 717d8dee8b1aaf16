"""How well a sender's mail is received: rates, what they call for, a trend and a score.

A pause is drastic, so it must rest on certainty: the Wilson lower bound (95 %) of a rate
and a minimum number of events. One bounce in four sends pauses nobody; five in twenty and
twelve in a hundred and fifty do. A warning rests on the plain rate, above a minimum volume.
Rates are in percent. Refusals by providers of the message itself lead to a warning of their
own, which takes no points off the score.

The score is 100 less the sum of four terms, never below 0, rounded half up:

    bounces      5 points for each multiple of the warning rate, 40 at most
    complaints   20 points for each multiple of the warning rate, 40 at most
    certainty    15 points where a review is due, 30 where a pause is
    spike        10 points where today's volume is a spike

A window's rates count in full from the minimum volume for warnings on, and in proportion
below it. The window with the worst rate decides. So 1.2 % bounces and 0.05 % complaints
make 100 - 3 - 10 = 87.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

from msgspec import Struct

from policy.settings import Reputation
from policy.state import Rates

Status = Literal["good", "warn", "review", "pause"]
Trend = Literal["stable", "rising", "falling", "spike", "unknown"]

Z = 1.959963984540054  # two-sided 95 %

BOUNCE_TERM = 5.0
COMPLAINT_TERM = 20.0
TERM_MOST = 40.0
REVIEW_TERM = 15.0
PAUSE_TERM = 30.0
SPIKE_TERM = 10.0

# Today's volume as a multiple of the mean of the same weekday.
SPIKE = 3.0
RISING = 1.3
FALLING = 0.7
SPIKE_VOLUME = 50  # below this volume a multiple means nothing

_RANK: dict[Status, int] = {"good": 0, "warn": 1, "review": 2, "pause": 3}


class Standing(Struct, frozen=True):
    """What the rates call for: the worst status of all windows, its cause, and every warning as a clause."""

    status: Status
    cause: str = ""
    warnings: tuple[str, ...] = ()


class Term(Struct, frozen=True):
    """One deduction from the score: what it measures, the measured value, the points it takes off."""

    name: str
    value: float
    points: float


class Score(Struct, frozen=True):
    """A score from 0 to 100, and the deductions it results from."""

    value: int
    terms: tuple[Term, ...]


def percent(part: int, whole: int) -> float:
    """`part` of `whole` in percent; 0 where there is nothing to divide by."""
    return 100.0 * part / whole if whole else 0.0


def wilson_lower(events: int, trials: int) -> float:
    """The lower bound, in percent, above which the true rate lies with 95 % certainty (Wilson 1927)."""
    if trials <= 0 or events <= 0:
        return 0.0
    # A complaint may be in a window when its delivery is not: a rate above 1 counts as 1.
    rate = min(events / trials, 1.0)
    z2 = Z * Z
    centre = rate + z2 / (2 * trials)
    margin = Z * sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    return max(0.0, 100.0 * (centre - margin) / (1 + z2 / trials))


def bounce_rate(rates: Rates) -> float:
    """Hard bounces in percent of what was sent."""
    return percent(rates.bounced, rates.sent)


def complaint_rate(rates: Rates) -> float:
    """Complaints in percent of what was delivered."""
    return percent(rates.complained, rates.delivered)


def assess(windows: Sequence[Rates], rule: Reputation) -> Standing:
    """What the rates of all windows call for."""
    worst = Standing("good")
    warnings: list[str] = []
    for rates in windows:
        if not (rates.bounced or rates.complained or rates.refused):
            continue
        for status, clause in (_bounces(rates, rule), _complaints(rates, rule), _refusals(rates, rule)):
            if status != "good":
                warnings.append(clause)
            if _RANK[status] > _RANK[worst.status]:
                worst = Standing(status, clause)
    return Standing(worst.status, worst.cause, tuple(warnings))


def _bounces(rates: Rates, rule: Reputation) -> tuple[Status, str]:
    if not rates.bounced:
        return "good", ""
    sure = wilson_lower(rates.bounced, rates.sent) if rates.bounced >= rule.min_bounces else 0.0
    status = _status(sure, rule.review_bounce_rate, rule.pause_bounce_rate)
    if status == "good" and rates.sent >= rule.warn_volume and bounce_rate(rates) >= rule.warn_bounce_rate:
        status = "warn"
    return status, f"{rates.bounced:,} of {rates.sent:,} bounced in {_span(rates)}"


def _complaints(rates: Rates, rule: Reputation) -> tuple[Status, str]:
    if not rates.complained:
        return "good", ""
    sure = wilson_lower(rates.complained, rates.delivered) if rates.complained >= rule.min_complaints else 0.0
    status = _status(sure, rule.review_complaint_rate, rule.pause_complaint_rate)
    if status == "good" and rates.sent >= rule.warn_volume and complaint_rate(rates) >= rule.warn_complaint_rate:
        status = "warn"
    return status, f"{rates.complained:,} of {rates.delivered:,} complained in {_span(rates)}"


def _refusals(rates: Rates, rule: Reputation) -> tuple[Status, str]:
    """Providers' refusals of the content are an early warning; they pause nobody, as no recipient has complained."""
    tried = rates.sent + rates.refused
    often = rates.refused >= rule.min_bounces and percent(rates.refused, tried) >= rule.warn_bounce_rate
    return "warn" if often else "good", f"{rates.refused:,} of {tried:,} refused by providers in {_span(rates)}"


def _status(sure: float, review: float, pause: float) -> Status:
    if sure <= 0:
        return "good"
    if sure >= pause:
        return "pause"
    return "review" if sure >= review else "good"


_SPANS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}


def _span(rates: Rates) -> str:
    span = _SPANS.get(rates.window, rates.window)
    return span if rates.scope == "mailbox" else f"{span} for the {rates.scope}"


def trend(today: int, same_weekday: Sequence[int]) -> Trend:
    """Compares today's volume with the mean of the same weekday in earlier weeks (up to this hour of the day)."""
    if not same_weekday:
        return "unknown"
    mean = sum(same_weekday) / len(same_weekday)
    if today >= SPIKE_VOLUME and today >= SPIKE * mean:
        return "spike"
    if mean == 0:
        return "stable" if today == 0 else "rising"
    if today >= RISING * mean:
        return "rising"
    return "falling" if today <= FALLING * mean else "stable"


def score(windows: Sequence[Rates], rule: Reputation, volume: Trend, status: Status | None = None) -> Score:
    """The score with all its terms; `status` overrides the one assessed from these rates alone."""
    bounces = max((bounce_rate(r) * _weight(r, rule) for r in windows), default=0.0)
    complaints = max((complaint_rate(r) * _weight(r, rule) for r in windows), default=0.0)
    status = status or assess(windows, rule).status
    terms = (
        Term("bounces", round(bounces, 4), _points(bounces, rule.warn_bounce_rate, BOUNCE_TERM)),
        Term("complaints", round(complaints, 4), _points(complaints, rule.warn_complaint_rate, COMPLAINT_TERM)),
        Term("certainty", float(_RANK[status]), {"review": REVIEW_TERM, "pause": PAUSE_TERM}.get(status, 0.0)),
        Term("spike", float(volume == "spike"), SPIKE_TERM if volume == "spike" else 0.0),
    )
    left = 100.0 - sum(term.points for term in terms)
    return Score(int(max(0.0, left) + 0.5), terms)


def _weight(rates: Rates, rule: Reputation) -> float:
    return min(1.0, rates.sent / rule.warn_volume)


def _points(rate: float, warning: float, term: float) -> float:
    if rate <= 0:
        return 0.0
    return round(min(TERM_MOST, term * rate / warning), 4) if warning > 0 else TERM_MOST
