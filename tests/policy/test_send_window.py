"""Hours by the wall clock, across every change of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.rules.shaping import next_opening
from policy.settings import SendWindow
from policy.state import RecipientState
from tests.policy.cases import NOW, facts, judged, outcomes, state, with_rule

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
clock = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
days = st.lists(st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun")), min_size=1, unique=True).map(tuple)


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def shown(ms: int, zone: str = "UTC") -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%a %H:%M")


WORK = SendWindow()


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-24T09:00", "Tue 09:00"),
        ("2026-03-24T16:59", "Tue 16:59"),
        ("2026-03-24T17:00", "Wed 09:00"),
        ("2026-03-24T03:00", "Tue 09:00"),
        ("2026-03-27T18:00", "Mon 09:00"),
        ("2026-03-29T12:00", "Mon 09:00"),
    ],
)
def test_the_window_opens_when_it_says(now: str, opens: str) -> None:
    opening = next_opening(WORK, ZoneInfo("UTC"), at(now))
    assert opening is not None
    assert shown(opening) == opens


def test_a_window_may_span_midnight() -> None:
    night = SendWindow(days=("fri",), start="22:00", end="02:00")
    zone = ZoneInfo("UTC")
    saturday_one = at("2026-03-28T01:00")
    assert next_opening(night, zone, saturday_one) == saturday_one
    assert shown(next_opening(night, zone, at("2026-03-28T02:00")) or 0) == "Fri 22:00"


def test_no_day_is_never() -> None:
    assert next_opening(SendWindow(days=()), ZoneInfo("UTC"), NOW) is None


@given(st.integers(at("2026-01-01T00:00"), at("2030-12-31T00:00")), st.sampled_from(ZONES), days, clock, clock)
@settings(max_examples=500)
def test_P24_the_window_is_open_when_it_opens_and_shut_until_then_across_every_change_of_the_clocks(
    now: int, name: str, on: tuple[str, ...], start: str, end: str
) -> None:
    rule, zone = SendWindow(days=on, start=start, end=end), ZoneInfo(name)
    opening = next_opening(rule, zone, now)
    assert opening is not None
    assert now <= opening <= now + 16 * 86_400_000
    assert next_opening(rule, zone, opening) == opening
    if opening > now:
        # The skipped hour of a spring night is the only one that may be missed.
        before = opening - int(timedelta(hours=1, minutes=1).total_seconds()) * 1000
        assert before < now or next_opening(rule, zone, before) == opening


def test_commercial_mail_waits_for_the_recipients_morning() -> None:
    policy = with_rule("send_window", mode="enforce")
    early = state(RecipientState(zone="America/New_York"))  # 06:30 there
    decision = judged(facts(message_class="commercial"), early, policy)
    (verdict,) = decision.verdicts
    assert (decision.decision, verdict.outcome, verdict.rule) == ("approved", "scheduled", "send_window")
    assert shown(verdict.due, "America/New_York") == "Tue 09:00"
    assert outcomes(judged(facts(), early, policy)) == ["queued"]


def test_a_zone_nobody_knows_falls_back_to_the_policys() -> None:
    policy = with_rule("send_window", mode="enforce")
    assert outcomes(judged(facts(message_class="commercial"), state(RecipientState(zone="Mars/Base")), policy)) == [
        "queued"
    ]
    broken = with_rule("send_window", mode="enforce", zone="Mars/Base")
    assert judged(facts(message_class="commercial"), policy=broken).reason == "unavailable"


def test_a_wished_time_is_moved_into_the_window() -> None:
    policy = with_rule("send_window", mode="enforce")
    evening = facts(message_class="commercial", send_at=at("2026-03-24T20:00"))
    assert shown(judged(evening, policy=policy).verdicts[0].due) == "Wed 09:00"
