"""Credits: exact to the last digit, and the same whatever came late, twice or out of order."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.attribution import MODELS, Credit, Event, Model, Touch, apportion, credited, shared
from policy.outcomes import Brought, Costs, cost_of, in_cents, outcome_name, report, together, unit_name
from policy.usage import DAY

NOW = 1_774_348_200_000
WINDOW = HALF_LIFE = 7 * DAY
KEY = "prospect@example.com"


def touch(days_ago: float, send: str = "", key: str = KEY, **more: str) -> Touch:
    return Touch(send or f"send_{days_ago}", key, NOW - int(days_ago * DAY), **more)


def event(value: str = "99.00", *keys: str) -> Event:
    return Event("evt_1", "trial_started", NOW, frozenset(keys or (KEY,)), Decimal(value))


def owed(one: Event, found: list[Touch], model: Model = "last_touch", window: int = WINDOW) -> tuple[Credit, ...]:
    return shared(one, credited(one, found, window), model, HALF_LIFE)


touches = st.lists(
    st.builds(
        Touch,
        send_id=st.integers(0, 12).map(lambda n: f"send_{n}"),
        key=st.sampled_from([KEY, "other@example.com", "alias@example.com"]),
        at=st.integers(NOW - 40 * DAY, NOW + 2 * DAY),
    ),
    max_size=15,
)
values = st.decimals(min_value=-10_000, max_value=10_000_000, places=2, allow_nan=False)
models = st.sampled_from(MODELS)


@given(touches, values, models)
def test_credits_sum_to_the_event_exactly(found: list[Touch], value: Decimal, model: Model) -> None:
    credits_ = owed(event(str(value)), found, model)
    if credits_:
        assert sum(c.weight for c in credits_) == 1
        assert sum(c.value for c in credits_) == value
        assert all(c.touch.at <= NOW and c.touch.at >= NOW - 7 * DAY and c.touch.key == KEY for c in credits_)


@given(touches, models, st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(found: list[Touch], model: Model, chance: Random) -> None:
    again = [*found, *found]
    chance.shuffle(again)
    assert owed(event(), again, model) == owed(event(), found, model)


@given(touches, models)
def test_a_touch_after_the_event_or_of_another_person_changes_nothing(found: list[Touch], model: Model) -> None:
    near = [t for t in found if t.at <= NOW and t.key == KEY]
    late = [Touch(f"late_{t.send_id}", t.key, NOW + 1) for t in near]
    foreign = [Touch(f"foreign_{t.send_id}", "stranger@example.com", t.at) for t in near]
    assert owed(event(), near, model) == owed(event(), [*late, *near, *foreign], model)


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("last_touch", {"send_1": "1"}),
        ("first_touch", {"send_6": "1"}),
        ("linear", {"send_6": "0.333334", "send_3": "0.333333", "send_1": "0.333333"}),
    ],
)
def test_each_model_credits_whom_it_says(model: Model, weights: dict[str, str]) -> None:
    credits_ = owed(event(), [touch(1), touch(3), touch(6)], model)
    assert {c.touch.send_id: str(c.weight.normalize()) for c in credits_} == weights


def test_a_touch_a_half_life_older_is_owed_half() -> None:
    older, newer = owed(event("90.00"), [touch(8), touch(1)], "time_decay", 30 * DAY)
    assert (older.value, newer.value) == (Decimal("30.0000"), Decimal("60.0000"))
    assert (str(older.weight), str(newer.weight)) == ("0.333333", "0.666667")


def test_the_window_holds_its_last_moment() -> None:
    assert owed(event(), [touch(8)]) == ()
    assert owed(event(), [touch(7)]) != ()


def test_a_person_known_by_two_addresses_is_one() -> None:
    both = event("10", KEY, "alias@example.com")
    credits_ = owed(both, [touch(1, key="alias@example.com"), touch(2)], "linear")
    assert len(credits_) == 2


def test_two_touches_of_one_moment_are_told_apart_by_their_ids() -> None:
    at_once = [touch(1, "send_b"), touch(1, "send_a")]
    (only,) = owed(event(), at_once)
    assert only.touch.send_id == "send_b"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**9, min_value=-(10**9)),
       st.lists(st.integers(0, 50), min_size=1).filter(any))  # fmt: skip
def test_what_does_not_divide_goes_by_the_largest_remainder(amount: Decimal, shares: list[int]) -> None:
    parts = apportion(amount, shares, Decimal("0.01"))
    assert sum(parts) == amount
    total = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        assert abs(Fraction(part) - Fraction(amount) * share / total) < Fraction(1, 100)


# -- the report -----------------------------------------------------------------------


def test_the_report_speaks_in_the_words_of_the_brief() -> None:
    brought = Brought({"trial_started": Decimal("2.000000"), "deal_closed": Decimal(1)}, Decimal("12750.0000"))
    assert report("30d", 2847, brought, Decimal("76.94")) == {
        "period": "30d",
        "totalEmails": 2847,
        "outcomes": {"deals_closed": 1, "trials_started": 2, "revenue_attributed": Decimal("12750.00")},
        "costPerOutcome": {"deal": Decimal("76.94"), "trial": Decimal("38.47")},
    }


def test_an_event_nobody_wrote_before_is_counted_but_owed_to_nobody() -> None:
    shown = report("30d", 0, together([], ["trial_started"]), Decimal(0))
    assert (shown["outcomes"], shown["costPerOutcome"]) == (
        {"trials_started": 0, "revenue_attributed": Decimal("0.00")},
        {},
    )


def test_the_groups_add_up_to_the_whole() -> None:
    third = Decimal("0.333333")
    parts = [Brought({"trial_started": third * 2}, Decimal("0.1")), Brought({"trial_started": 1 - third * 2}, third)]
    assert together(parts, ()) == Brought({"trial_started": Decimal(1)}, Decimal("0.433333"))


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**9, min_value=-(10**9))))
def test_revenue_in_cents_adds_up_whatever_the_parts(revenues: list[Decimal]) -> None:
    groups = {str(n): revenue for n, revenue in enumerate(revenues)}
    shown = in_cents(groups)
    whole = together((Brought({}, revenue) for revenue in revenues), ())
    assert sum(shown.values()) == report("30d", 0, whole, Decimal(0))["outcomes"]["revenue_attributed"]
    assert all(abs(shown[name] - groups[name]) <= Decimal("0.01") for name in groups)


@pytest.mark.parametrize(
    ("event_type", "plural", "unit"),
    [
        ("trial_started", "trials_started", "trial"),
        ("meeting_booked", "meetings_booked", "meeting"),
        ("deal_closed", "deals_closed", "deal"),
        ("churn_prevented", "churn_prevented", "churn"),
        ("purchase", "purchases", "purchase"),
        ("reply_received", "replies_received", "reply"),
        ("survey", "surveys", "survey"),
        ("business_won", "businesses_won", "business"),
        ("signed_up", "signed_up", "signed_up"),
        ("deals_closed", "deals_closed", "deals"),
    ],
)
def test_outcomes_are_named_after_their_events(event_type: str, plural: str, unit: str) -> None:
    assert (outcome_name(event_type), unit_name(event_type)) == (plural, unit)


def test_two_types_of_one_name_are_counted_together() -> None:
    counted = {"deal_closed": Decimal(1), "deals_closed": Decimal(2)}
    assert report("30d", 0, Brought(counted), Decimal(0))["outcomes"]["deals_closed"] == 3


def test_two_types_with_one_noun_keep_their_costs_apart() -> None:
    assert unit_name("trial_started", ("trial_started", "trial_ended")) == "trial_started"


def test_the_cost_of_a_period_is_what_its_sends_and_its_share_of_the_month_cost() -> None:
    costs = Costs(Decimal("0.0008"), Decimal(300), {"postmark": Decimal("0.001")})
    assert cost_of(costs, {"postmark": 1000, "lab": 500}, 15 * DAY) == Decimal("152.2")
