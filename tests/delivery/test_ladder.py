"""When a delivery is tried again: tables of arithmetic."""

import pytest

from relay.delivery.ladder import Ladder, after_soft, after_trouble

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
LADDER = Ladder(tuple(m * MINUTE for m in (15, 60, 240)), 3, tuple(m * MINUTE for m in (1, 5, 15, 30, 60)), 4 * DAY)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 15), (2, 60), (3, 240), (4, None)])
def test_soft_failures_climb_their_ladder_and_then_bounce(failures, minutes):
    at = after_soft(LADDER, failures, 0, 1000, 0.5)
    assert at == (None if minutes is None else 1000 + minutes * MINUTE)


def test_the_last_step_repeats_where_more_retries_are_allowed():
    ladder = Ladder((15 * MINUTE,), 5, (MINUTE,), 4 * DAY)
    assert after_soft(ladder, 5, 0, 0, 0.5) == 15 * MINUTE


@pytest.mark.parametrize(
    ("age", "minutes"),
    [(0, 1), (0.7, 1), (0.9, 5), (1, 5), (4, 5), (6, 15), (20, 30), (50, 60), (2000, 60), (5759, 1), (5760, None)],
)
def test_trouble_waits_by_the_age_of_the_message(age, minutes):
    now = int(age * MINUTE)
    at = after_trouble(LADDER, 0, now, 0.5)
    assert at == (None if minutes is None else now + minutes * MINUTE)


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 54), (0.5, 60), (0.99999, 65)])
def test_waits_are_perturbed_so_that_retries_do_not_fall_together(chance, minutes):
    at = after_trouble(LADDER, 0, 3 * 60 * MINUTE, chance)
    assert at is not None
    assert (at - 3 * 60 * MINUTE) // MINUTE == minutes


def test_a_retry_that_came_early_by_chance_still_climbs():
    now, waits = 0, []
    for _ in range(5):
        at = after_trouble(LADDER, 0, now, 0.0)
        assert at is not None
        waits.append(round((at - now) / MINUTE / 0.9))
        now = at
    assert waits == [1, 5, 15, 30, 60]


def test_a_last_try_is_made_when_the_age_runs_out():
    assert after_trouble(LADDER, 0, 4 * DAY - 10 * MINUTE, 0.5) == 4 * DAY


def test_a_clock_set_back_waits_no_longer_than_the_first_step():
    assert after_trouble(LADDER, 10 * DAY, 0, 0.5) == MINUTE
