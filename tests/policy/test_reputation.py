"""Rates, what they warrant, the trend and the score."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.reputation import assess, bounce_rate, complaint_rate, score, trend, wilson_lower
from policy.settings import Reputation
from policy.state import Rates

RULE = Reputation()


def rates(sent: int, bounced: int = 0, complained: int = 0, window: str = "24h") -> Rates:
    return Rates(window, sent, sent - bounced, bounced, complained)


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        (rates(0), "good"),
        (rates(4, 1), "good"),  # one in four says nothing yet
        (rates(20, 5), "pause"),
        (rates(150, 12), "pause"),
        (rates(20, 4), "good"),  # under five bounces nothing is paused, and 20 sends are too few to warn
        (rates(100, 5), "review"),
        (rates(50, 1), "warn"),
        (rates(49, 1), "good"),
        (rates(1000, 19), "good"),
        (rates(1000, 0, 1), "warn"),
        (rates(1000, 0, 2), "warn"),
        (rates(1000, 0, 3), "review"),
        (rates(100, 0, 3), "pause"),
        (rates(1000, 0, 8), "pause"),
        (rates(3000, 0, 2), "good"),
    ],
)
def test_what_rates_warrant(counts: Rates, status: str) -> None:
    assert assess((counts,), RULE).status == status


@pytest.mark.parametrize(("refused", "status"), [(4, "good"), (5, "warn"), (90, "warn")])
def test_what_providers_refuse_for_its_content_warns_and_never_pauses(refused: int, status: str) -> None:
    counts = Rates("24h", 10, 10, 0, 0, refused=refused)
    standing = assess([counts], RULE)
    assert standing.status == status
    assert standing.warnings == (
        (f"{refused} of {10 + refused} refused by providers in 24 hours",) if status == "warn" else ()
    )
    assert score([counts], RULE, "stable").value == 100


def test_any_window_can_pause_and_names_itself() -> None:
    standing = assess((rates(10), rates(100, 1, window="7d"), rates(150, 12, window="30d")), RULE)
    assert (standing.status, standing.cause) == ("pause", "12 of 150 bounced in 30 days")
    assert len(standing.warnings) == 1


def test_the_scope_of_a_rate_is_named() -> None:
    assert assess((Rates("7d", 20, 15, 5, 0, "tenant"),), RULE).cause == "5 of 20 bounced in 7 days for the tenant"


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_the_lower_bound_never_exceeds_the_rate(trials: int, events: int) -> None:
    events = min(events, trials)
    assert 0 <= wilson_lower(events, trials) <= 100 * events / trials


@given(st.integers(1, 500))
def test_the_lower_bound_grows_with_the_events(trials: int) -> None:
    assert all(a < b for a, b in pairwise(wilson_lower(n, trials) for n in range(min(trials, 40) + 1)))


def test_more_bounces_than_sends_in_a_window_are_no_error() -> None:
    assert assess((rates(2, 7),), RULE).status == "pause"


def test_rates_are_told_in_percent() -> None:
    assert bounce_rate(Rates("24h", 1000, 980, 12, 0)) == pytest.approx(1.2)
    assert complaint_rate(Rates("24h", 2050, 2000, 0, 1)) == pytest.approx(0.05)
    assert complaint_rate(Rates("24h", 0, 0, 0, 0)) == 0


@pytest.mark.parametrize(
    ("today", "before", "expected"),
    [
        (10, (), "unknown"),
        (100, (100, 90, 110), "stable"),
        (140, (100, 100), "rising"),
        (60, (100, 100), "falling"),
        (300, (100, 100), "spike"),
        (30, (10, 10), "rising"),  # three times little is no spike
        (60, (0, 0, 0), "spike"),
        (0, (0,), "stable"),
        (5, (0,), "rising"),
    ],
)
def test_the_trend_compares_with_the_same_weekday(today: int, before: tuple[int, ...], expected: str) -> None:
    assert trend(today, before) == expected


def test_the_score_is_a_hundred_less_its_terms() -> None:
    shown = score((Rates("24h", 10_000, 10_000, 120, 5),), RULE, "stable")
    assert [(t.name, t.points) for t in shown.terms] == [
        ("bounces", 3.0),
        ("complaints", 10.0),
        ("certainty", 0.0),
        ("spike", 0.0),
    ]
    assert shown.value == 87


def test_the_score_knows_its_ends() -> None:
    assert score((), RULE, "unknown").value == 100
    assert score((rates(1000, 500, 100),), RULE, "spike").value == 0


def test_a_few_sends_weigh_little() -> None:
    assert score((rates(1, 1),), RULE, "stable").value > score((rates(50, 2),), RULE, "stable").value - 15
    assert score((rates(5, 1),), RULE, "stable").value == 95
