"""The cascade: order, modes, several recipients, what cannot be read, and the same bytes twice."""

import dataclasses
import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from policy.decision import Reason
from policy.facts import Defect
from policy.rules.order import RULES
from policy.settings import RULES as SETTINGS_RULES
from policy.settings import PolicySettings
from policy.state import DomainState, RecipientState, State, Suppression, TenantState
from policy.usage import DAY, MINUTE, Usage
from tests.policy.cases import (
    BOB,
    NOW,
    SETTINGS,
    add_sent,
    facts,
    judged,
    outcomes,
    state,
    with_mailbox,
    with_options,
    with_rule,
)

TABLE = Path(__file__).resolve().parents[3] / "shared" / "policy.md"
A, B, C = "a@example.com", "b@example.com", "c@example.com"
SUPPRESSED = RecipientState(suppressions=(Suppression("tenant", "hard_bounce", NOW - DAY),))


def every(mode: str, base: PolicySettings = SETTINGS) -> PolicySettings:
    """The policy with every rule in one mode."""
    changed = dataclasses.replace(base, **{name: dataclasses.replace(rule, mode=mode) for name, rule in base.rules()})
    return with_rule("loop_detection", changed, transactional_mode=mode, fan_out=dataclasses.replace(
        changed.loop_detection.fan_out, mode=mode))  # fmt: skip


def hopeless() -> tuple[object, State]:
    """A message and a state at which nearly every rule fails."""
    message = facts(
        message_class="commercial",
        identity_defects=(Defect("from_twice", "two From fields"),),
        form_defects=(Defect("bare_cr", "bare CR"),),
        ambiguities=(Defect("x", "x"),),
        secrets=({"kind": "jwt"},),
    )
    known = with_mailbox(
        state(SUPPRESSED, tenant=TenantState("default", "paused"), domain=DomainState("acme.test", verified=False)),
        status="paused",
        allowed_classes=(),
        autonomy="human_approved",
    )
    return message, known


def test_the_rules_are_those_of_the_settings_in_their_order() -> None:
    # Fan-out is the second half of loop_detection.
    assert list(dict.fromkeys(rule.name for rule in RULES)) == list(SETTINGS_RULES)


def test_every_reason_is_explained_to_those_who_are_refused() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert [reason for reason in get_args(Reason) if f"{reason}`" not in page] == []


@pytest.mark.skipif(not TABLE.is_file(), reason="the policy's table is missing: policy.md")
def test_the_rules_stand_in_the_order_of_the_policys_table() -> None:
    table = re.findall(
        r"^\| \d+b? \| `(\w+)`(?:, `(_\w+)`, `(_\w+)`)?", TABLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    names: list[str] = []
    for first, *rest in table:
        names += [first, *[first.rpartition("_")[0] + suffix for suffix in rest if suffix]]
    assert [name for name in dict.fromkeys(rule.name for rule in RULES) if name != "content_quality"] == names


def test_the_first_enforced_failure_in_the_order_is_the_reason() -> None:
    message, known = hopeless()
    policy, seen = SETTINGS, []
    while (decision := judged(message, known, policy)).rule:
        seen.append((decision.decision == "held", SETTINGS_RULES.index(decision.rule)))
        policy = with_rule(decision.rule, policy, mode="shadow")
    # What refuses comes before what holds: policy before people.
    assert seen == sorted(seen)
    assert len(seen) == 11


def test_the_whole_cascade_shows_everything_there_is_to_mend() -> None:
    message, known = hopeless()
    failed = {c.rule for c in judged(message, known).checks if c.status == "failed"}
    assert failed >= {
        "tenant_active", "mailbox_active", "sender_identity", "domain_verified", "message_form", "message_ambiguous",
        "content_classification", "compliance_content", "content_safety", "suppression_check", "autonomy_level",
    }  # fmt: skip


@pytest.mark.parametrize(("mode", "status"), [("warn", "warned"), ("shadow", "shadowed")])
def test_a_rule_that_is_not_enforced_stops_nothing(mode: str, status: str) -> None:
    message, known = hopeless()
    decision = judged(message, known, every(mode))
    assert (decision.decision, decision.rule, decision.refusal) == ("approved", "", None)
    assert {c.status for c in decision.checks} == {"passed", "skipped", status}
    assert bool(decision.alerts) is (mode == "warn")


def test_a_rule_that_is_off_is_not_listed() -> None:
    message, known = hopeless()
    assert judged(message, known, every("off")).checks == ()


def test_the_decision_is_a_function_of_its_inputs() -> None:
    message, known = hopeless()
    for policy in (SETTINGS, every("enforce"), every("warn")):
        assert repr(judged(message, known, policy)) == repr(judged(message, known, policy))


def test_a_check_has_the_shape_of_the_brief() -> None:
    usage = Usage()
    add_sent(usage, NOW, 23)
    checks = judged(known=with_mailbox(state(), usage=usage)).checks
    assert next(c.as_json() for c in checks if c.rule == "rate_limit_hourly") == {
        "rule": "rate_limit_hourly",
        "status": "passed",
        "recipient": BOB,
        "current": 23,
        "limit": 100,
        "resets_at": "2026-03-24T11:31:00Z",
    }


@pytest.mark.parametrize("unread", ["suppressions", "earlier", "recent"])
def test_what_cannot_be_read_refuses_for_now_and_says_so(unread: str) -> None:
    decision = judged(facts(sketch=(4, 8)), state(RecipientState(**{unread: None})))
    assert (decision.decision, decision.reason) == ("deferred", "unavailable")
    assert [c.status for c in decision.checks if c.rule == decision.rule and c.recipient] == ["error"]


@pytest.mark.parametrize(
    ("mode", "decision", "statuses", "alerts"),
    [
        ("enforce", "deferred", ["error"], ()),
        ("warn", "approved", ["error"], ("suppression_check",)),
        ("shadow", "approved", ["error"], ()),
        ("off", "approved", [], ()),
    ],
)
def test_what_a_rule_cannot_read_stops_mail_only_where_the_rule_is_enforced(
    mode: str, decision: str, statuses: list[str], alerts: tuple[str, ...]
) -> None:
    told = judged(facts(), state(RecipientState(suppressions=None)), with_rule("suppression_check", mode=mode))
    assert (told.decision, told.alerts) == (decision, alerts)
    assert [c.status for c in told.checks if c.rule == "suppression_check"] == statuses


def test_unreadable_reputation_defers() -> None:
    assert judged(known=state(rates=None)).reason == "unavailable"


def test_a_recipient_nobody_looked_up_is_never_a_pass() -> None:
    decision = judged(facts(sketch=(4, 8), message_class="commercial"), state({}), every("enforce"))
    assert decision.reason == "unavailable"
    assert {c.rule for c in decision.checks if c.status == "error"} >= {
        "suppression_check", "consent_validation", "duplicate", "loop_detection", "cooldown", "recipient_lease",
        "first_contact_limit", "recipient_burst",
    }  # fmt: skip


# -- several recipients ---------------------------------------------------------------


def mixed(*known: RecipientState) -> State:
    return state(dict(zip((A, B, C), known, strict=False)))


def test_different_verdicts_send_nothing_by_default() -> None:
    decision = judged(facts(A, B), mixed(SUPPRESSED, RecipientState()))
    assert (decision.decision, decision.rule, outcomes(decision)) == (
        "blocked",
        "suppression_check",
        ["refused", "refused"],
    )
    innocent = decision.verdicts[1].refusal
    assert innocent is not None
    assert (innocent.reason, innocent.next) == ("other_recipient", "none")
    assert innocent.detail.startswith("not sent because of another recipient")
    assert decision.accepted() == ()


def test_deliver_passing_sends_to_the_others() -> None:
    decision = judged(facts(A, B), mixed(SUPPRESSED, RecipientState()), with_options(mixed="deliver_passing"))
    assert (decision.decision, decision.refusal, outcomes(decision)) == ("approved", None, ["refused", "queued"])


def test_hold_all_holds_the_others_and_no_blocked_one() -> None:
    decision = judged(facts(A, B), mixed(SUPPRESSED, RecipientState()), with_options(mixed="hold_all"))
    assert (decision.decision, decision.reason, outcomes(decision)) == ("held", "held", ["refused", "held"])
    held = decision.verdicts[1]
    assert (held.rule, held.refusal.reason) == ("suppression_check", "held")


@pytest.mark.parametrize("how", ["deliver_passing", "hold_all"])
def test_a_message_that_nobody_may_get_is_blocked_however_mixed_ones_are_treated(how: str) -> None:
    decision = judged(facts(A, B), state(SUPPRESSED), with_options(mixed=how))
    assert (decision.decision, decision.reason, decision.accepted()) == ("blocked", "suppressed", ())


def test_a_recipient_whom_the_envelope_spells_in_two_ways_gets_one_copy() -> None:
    decision = judged(facts("Bob@example.com", BOB, "eve@example.com"))
    assert [found.status for found in decision.checks if found.rule == "duplicate"] == ["passed", "failed", "passed"]
    assert decision.decision == "approved"


def test_one_line_names_as_many_failing_recipients_as_fit_and_counts_the_rest() -> None:
    many = [f"person{n}@example.com" for n in range(20)]
    decision = judged(facts(*many), state(SUPPRESSED))
    detail = decision.refusal.detail
    assert detail == "person0@example.com bounced 2026-03-23, person1@example.com and 18 more"
    three = judged(facts("a@b.test", "c@d.test", "e@f.test"), state(SUPPRESSED)).refusal
    assert three is not None
    assert three.detail == "a@b.test bounced 2026-03-23, c@d.test, e@f.test"
    far = judged(facts("a@b.test", "jürgen@d.test"), state(SUPPRESSED)).refusal  # a reply is ASCII
    assert far is not None
    assert far.detail == "a@b.test bounced 2026-03-23 and 1 more"


def test_one_permanent_verdict_makes_the_answer_permanent() -> None:
    waiting = RecipientState(last_commercial_at=NOW - MINUTE, first_at=1, last_at=NOW)
    message = facts(A, B, message_class="commercial")
    assert judged(message, mixed(waiting, RecipientState())).decision == "deferred"
    both = judged(message, mixed(waiting, SUPPRESSED))
    assert (both.decision, both.rule) == ("blocked", "suppression_check")
    unread = judged(message, mixed(RecipientState(suppressions=None), waiting), with_options(max_tempfail=timedelta()))
    assert (unread.decision, unread.reason) == ("blocked", "cooldown")


def test_of_permanent_refusals_by_one_rule_that_which_no_wait_helps_is_told() -> None:
    usage = Usage()
    add_sent(usage, NOW - 20 * DAY, 1)
    decision = judged(facts(A, B, C), with_mailbox(state(), usage=usage), with_rule("rate_limit_monthly", limit=2))
    assert (decision.decision, decision.refusal.retry, decision.refusal.wait) == ("blocked", "never", 0)


def test_the_longest_wait_is_told() -> None:
    waits = [RecipientState(last_commercial_at=NOW - n * MINUTE, first_at=1, last_at=NOW) for n in (9, 2, 5)]
    decision = judged(facts(A, B, C, message_class="commercial"), mixed(*waits))
    assert (decision.decision, decision.refusal.wait) == ("deferred", 8 * 60)
    usage = Usage()
    usage.add_first_contacts(NOW, 1)
    first = with_mailbox(mixed(waits[0], RecipientState()), usage=usage)
    tomorrow = judged(facts(A, B, message_class="commercial"), first, with_rule("first_contact_limit", limit=1))
    assert (tomorrow.decision, tomorrow.reason) == ("deferred", "cooldown")
    assert tomorrow.refusal.wait > 86_400


def test_a_recipient_who_waits_for_two_rules_is_told_the_longer_wait() -> None:
    known = RecipientState(last_commercial_at=NOW - MINUTE, first_at=1, last_at=NOW)
    usage = Usage()
    add_sent(usage, NOW, 1)
    policy = with_rule("rate_limit_hourly", limit=1)
    decision = judged(facts(message_class="commercial"), with_mailbox(state(known), usage=usage), policy)
    assert (decision.decision, decision.reason, decision.refusal.wait) == ("deferred", "cooldown", 61 * 60)


def test_each_recipient_counts_after_the_one_before() -> None:
    decision = judged(facts(A, B, C), policy=with_rule("rate_limit_hourly", limit=2))
    found = [c for c in decision.checks if c.rule == "rate_limit_hourly"]
    assert [c.evidence["current"] for c in found] == [0, 1, 2]
    assert [c.status for c in found] == ["passed", "passed", "failed"]


def test_a_refused_recipient_does_not_count() -> None:
    policy = with_options(with_rule("rate_limit_hourly", limit=2), mixed="deliver_passing")
    decision = judged(facts(A, B, C), mixed(RecipientState(), SUPPRESSED, RecipientState()), policy)
    assert outcomes(decision) == ["queued", "refused", "queued"]


def test_a_message_larger_than_the_limit_is_told_to_shrink() -> None:
    refusal = judged(facts(A, B, C), policy=with_rule("rate_limit_hourly", limit=2)).refusal
    assert refusal is not None
    assert (refusal.retry, refusal.next) == ("never", "reduce_recipients")


def test_of_the_recipients_before_only_new_ones_count_as_first_contacts() -> None:
    policy = with_rule("first_contact_limit", limit=2)
    for name in (A, B, C):
        known = state({A: RecipientState(), B: RecipientState(), C: RecipientState(), name: RecipientState(first_at=1)})
        assert judged(facts(A, B, C), known, policy).decision == "approved"
    assert judged(facts(A, B, C), policy=policy).reason == "first_contact_limit"


@pytest.mark.parametrize("rule", ["recipient_burst", "first_contact_limit"])
def test_a_crowd_that_no_window_ever_takes_is_told_to_shrink_though_some_of_it_would_fit_later(rule: str) -> None:
    usage = Usage()
    usage.move_latest(0, NOW)
    usage.add_first_contacts(NOW, 1)
    refusal = judged(facts(A, B, C), with_mailbox(state(), usage=usage), with_rule(rule, limit=2)).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.retry, refusal.next) == (rule, "never", "reduce_recipients")


def test_the_wait_is_long_enough_for_the_whole_message() -> None:
    usage = Usage()
    for minutes_ago in (50, 40, 30):
        add_sent(usage, NOW - minutes_ago * MINUTE, 1)
    decision = judged(facts(A, B, C), with_mailbox(state(), usage=usage), with_rule("rate_limit_hourly", limit=4))
    wait = decision.refusal.wait
    later = facts(A, B, C, now=NOW + wait * 1000)
    assert wait == 21 * 60
    assert judged(
        later, with_mailbox(state(), usage=usage), with_rule("rate_limit_hourly", limit=4)
    ).decision == "approved"  # fmt: skip


def test_the_wait_is_no_longer_than_the_limits_that_refuse_ask_for() -> None:
    usage = Usage()
    for minutes_ago in (50, 10):
        add_sent(usage, NOW - minutes_ago * MINUTE, 1)
    policy = with_rule("rate_limit_daily", with_rule("rate_limit_hourly", limit=2), limit=3, on_exceed="hold")
    two = facts("a@example.com", "b@example.com")
    assert judged(two, with_mailbox(state(), usage=usage), policy).refusal.wait == 51 * 60


def test_a_message_to_nobody_is_still_refused_for_what_is_wrong_with_it() -> None:
    message = facts(recipients=(), form_defects=(Defect("nul", "a NUL"),))
    assert (judged(message).reason, judged(message).verdicts) == ("malformed_message", ())
