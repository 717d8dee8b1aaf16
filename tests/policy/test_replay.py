"""Replay: what a changed policy would have done, in both directions, and under which rule it is counted."""

from datetime import timedelta

import pytest

from policy.decision import Check, Decision
from policy.engine import at_mail, at_rcpt
from policy.replay import Report, replay, replay_at_the_door, summary
from policy.state import Ahead, Earlier, RecipientState, Suppression
from tests.policy.cases import BOB, NOW, SETTINGS, facts, judged, state, with_options, with_rule

ALICE = "alice@example.com"
DAY = 86_400  # seconds: the longest wait that is told as temporary
ALLOWING_ALICE = with_rule("recipient_allowed", addresses=(ALICE,))


def test_a_recipient_refused_before_the_message_is_let_through_by_a_looser_policy():
    envelope, known = facts(message_class=""), state()
    unmet = at_rcpt(ALLOWING_ALICE, envelope, known)
    assert isinstance(unmet, Check)
    before = summary(Decision.at_the_door(unmet, [BOB], DAY))
    assert replay_at_the_door(ALLOWING_ALICE, envelope, known, before).direction == "same"
    change = replay_at_the_door(SETTINGS, envelope, known, before)
    assert (change.direction, change.rule, change.recipients) == ("looser", "recipient_allowed", (BOB,))


def test_what_was_in_the_envelope_before_a_refused_recipient_counts_again():
    strict, ahead = with_rule("first_contact_limit", limit=2), Ahead(2, 2, 2)
    envelope, known = facts(message_class=""), state()
    unmet = at_rcpt(strict, envelope, known, ahead)
    assert isinstance(unmet, Check)
    before = summary(Decision.at_the_door(unmet, [BOB], DAY))
    assert replay_at_the_door(strict, envelope, known, before, ahead=ahead).direction == "same"
    assert replay_at_the_door(SETTINGS, envelope, known, before, ahead=ahead).direction == "looser"


def test_a_sender_refused_for_a_limit_is_let_through_by_a_higher_one():
    strict = with_rule("rate_limit_hourly", limit=0)
    envelope, known = facts(message_class="", recipients=()), state()
    unmet = at_mail(strict, envelope, known)
    assert unmet is not None
    before = summary(Decision.at_the_door(unmet, (), DAY))
    assert replay_at_the_door(strict, envelope, known, before).direction == "same"
    change = replay_at_the_door(SETTINGS, envelope, known, before)
    assert (change.direction, change.rule) == ("looser", "rate_limit_hourly")


def test_a_message_that_passes_in_part_is_counted_under_the_rule_of_the_recipient_that_changed():
    mixed = with_options(with_rule("cooldown", all_mail=True), mixed="deliver_passing")
    message = facts(BOB, ALICE)
    known = state({BOB: RecipientState(last_at=NOW - 1000), ALICE: RecipientState()})
    recorded = summary(judged(message, known, mixed))
    assert (recorded.decision, recorded.rule) == ("approved", "")
    report = Report()
    report.add(replay(with_options(mixed="deliver_passing"), message, known, recorded))
    assert {rule: tally.looser for rule, tally in report.by_rule.items()} == {"cooldown": 1}


@pytest.mark.parametrize("is_put_off_now", [True, False])
def test_what_is_put_off_where_it_was_blocked_goes_in_neither_case(is_put_off_now):
    putting_off = with_rule("cooldown", all_mail=True)
    blocking = with_options(putting_off, max_tempfail=timedelta(0))
    known = state(RecipientState(last_at=NOW - 1000))
    then, now = (blocking, putting_off) if is_put_off_now else (putting_off, blocking)
    recorded, decided = judged(facts(), known, then), judged(facts(), known, now)
    assert {recorded.decision, decided.decision} == {"blocked", "deferred"}
    assert replay(now, facts(), known, summary(recorded)).direction == "reason"


def test_a_recipient_that_is_a_repeat_lets_nothing_through_where_the_rest_is_refused():
    suppressed, message = RecipientState(suppressions=(Suppression("tenant", "manual", NOW - 1000),)), facts(BOB, ALICE)
    strict = with_rule("recipient_allowed", addresses=(BOB,))
    known = state({BOB: suppressed, ALICE: RecipientState(earlier=(Earlier("content", "send_1", NOW - 1000),))})
    recorded = judged(message, known, strict)
    change = replay(SETTINGS, message, known, summary(recorded))
    assert {v.outcome for v in recorded.verdicts} == {"refused"}
    assert dict(change.after.outcomes) == {BOB: "refused", ALICE: "replayed"}
    assert change.direction == "reason"
