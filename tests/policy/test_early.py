"""What is answered at MAIL and RCPT, and what is asked again when a message departs."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from policy.decision import Check, Decision, Refusal, failed
from policy.engine import Pause, at_mail, at_rcpt, recheck
from policy.facts import Defect
from policy.state import Ahead, Consent, DomainState, Limits, Rates, RecipientState, State, Suppression, TenantState
from policy.usage import HOUR, MINUTE, Usage
from tests.policy.cases import BOB, NOW, SETTINGS, add_sent, facts, person, state, with_mailbox, with_options, with_rule

ENVELOPE = facts(recipients=(), from_address="", message_class="")
TO_BOB = facts(from_address="", message_class="")


def reason(found: Check | Refusal | Ahead | None) -> str:
    refusal = found.refusal if isinstance(found, Check) else found
    return refusal.reason if isinstance(refusal, Refusal) else ""


def refusal_of(found: Check | Ahead | None) -> Refusal:
    assert isinstance(found, Check)
    assert found.refusal is not None
    return found.refusal


def spent(count: int) -> State:
    usage = Usage()
    add_sent(usage, NOW - 10 * MINUTE, count)
    return with_mailbox(state(), usage=usage)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (state(), ""),
        (state(tenant=TenantState("default", "paused")), "tenant_paused"),
        (with_mailbox(state(), status="paused"), "mailbox_paused"),
        (with_mailbox(state(), addresses=("other@acme.test",)), "sender_not_allowed"),
        (state(domain=DomainState("acme.test", verified=False)), "sender_domain_not_verified"),
        (spent(99), ""),
        (spent(100), "rate_limited"),
        (with_mailbox(state(), tightened=Limits(daily=0)), "rate_limited"),
        (state(rates=(Rates("24h", 20, 15, 5, 0),)), "reputation_paused"),
        (state(rates=None), "unavailable"),
    ],
)
def test_mail_is_answered_as_far_as_it_can_be(known: State, expected: str) -> None:
    assert reason(at_mail(SETTINGS, ENVELOPE, known)) == expected


def test_a_limit_that_queues_or_holds_refuses_nothing_at_mail() -> None:
    for on_exceed in ("queue", "hold"):
        policy = with_rule("rate_limit_hourly", on_exceed=on_exceed)
        assert at_mail(policy, ENVELOPE, spent(100)) is None


def test_a_pause_that_holds_refuses_nothing_at_mail() -> None:
    paused = with_mailbox(state(), status="paused")
    assert at_mail(with_options(pause_reply="hold"), ENVELOPE, paused) is None


def test_a_pause_told_as_temporary_is_so_however_short_the_longest_wait() -> None:
    paused = with_mailbox(state(), status="paused")
    for longest, wait in ((timedelta(hours=24), 3600), (timedelta(minutes=30), 1800)):
        told = refusal_of(at_mail(with_options(pause_reply="451", max_tempfail=longest), ENVELOPE, paused))
        assert (told.wait, told.is_temporary(int(longest.total_seconds()))) == (wait, True)


def test_a_rule_that_only_warns_refuses_nothing_at_mail() -> None:
    policy = with_rule("sender_identity", mode="warn")
    assert at_mail(policy, ENVELOPE, with_mailbox(state(), addresses=())) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (RecipientState(), ""),
        (RecipientState(suppressions=(Suppression("tenant", "complaint", NOW),)), "suppressed"),
        (RecipientState(suppressions=(Suppression("tenant", "unsubscribe", NOW),)), ""),  # hangs on the class
        (RecipientState(suppressions=None), "unavailable"),
        (RecipientState(last_commercial_at=NOW, last_at=NOW, first_at=1), ""),  # so does this
    ],
)
def test_rcpt_is_answered_as_far_as_it_can_be(known: RecipientState, expected: str) -> None:
    assert reason(at_rcpt(SETTINGS, TO_BOB, state(known))) == expected


def test_what_binds_all_mail_is_told_at_rcpt() -> None:
    gone = state(RecipientState(suppressions=(Suppression("tenant", "unsubscribe", NOW),)))
    assert reason(at_rcpt(with_rule("suppression_check", unsubscribe_binds_all=True), TO_BOB, gone)) == "suppressed"
    recent = state(RecipientState(last_at=NOW - MINUTE, first_at=1))
    assert reason(at_rcpt(with_rule("cooldown", all_mail=True), TO_BOB, recent)) == "cooldown"
    leased = state(RecipientState(leased_by="mbx_2", leased_at=NOW))
    assert reason(at_rcpt(with_rule("recipient_lease", mode="enforce"), TO_BOB, leased)) == "lease_conflict"


def test_rcpt_counts_the_recipients_before_it() -> None:
    assert at_rcpt(SETTINGS, TO_BOB, spent(98), Ahead(1)) == Ahead(2, 1, 1)
    found = at_rcpt(SETTINGS, TO_BOB, spent(98), Ahead(2))
    refusal = refusal_of(found)
    assert isinstance(found, Check)
    assert (found.rule, found.status, found.recipient) == ("rate_limit_hourly", "failed", BOB)
    assert (refusal.reason, refusal.retry, refusal.wait) == ("rate_limited", "after", 51 * 60)


@pytest.mark.parametrize(("daily", "wait"), [(None, 61 * 60), (2, 25 * 3600)])
def test_more_than_a_window_takes_still_names_a_wait_at_rcpt(daily: int | None, wait: int) -> None:
    policy, known = with_rule("rate_limit_hourly", limit=2), with_mailbox(state(), tightened=Limits(daily=daily))
    refusal = refusal_of(at_rcpt(policy, TO_BOB, known, Ahead(2)))
    assert (refusal.wait, refusal.is_temporary(86_400)) == (wait, True)
    strict = refusal_of(at_rcpt(with_options(policy, strict_recipients=True), TO_BOB, known, Ahead(2)))
    assert (strict.retry, strict.next) == ("never", "reduce_recipients")  # of whom all leave together, or none
    none = with_mailbox(known, tightened=Limits(daily=0))  # for which no wait is long enough
    assert refusal_of(at_rcpt(policy, TO_BOB, none, Ahead(2))).retry == "human"


@pytest.mark.parametrize(
    ("rule", "window", "ahead", "wait"),
    [
        ("recipient_burst", {}, Ahead(3, 0, 3), 6 * 60),
        ("recipient_burst", {"minutes": 1440}, Ahead(3, 0, 3), 25 * 3600),
        ("first_contact_limit", {}, Ahead(3, 3), 25 * 3600),
    ],
)
def test_new_recipients_before_it_count_at_rcpt_and_leave_before_it(
    rule: str, window: dict[str, int], ahead: Ahead, wait: int
) -> None:
    policy = with_rule(rule, limit=3, **window)
    assert reason(at_rcpt(policy, TO_BOB, state(), Ahead(3))) == ""
    refusal = refusal_of(at_rcpt(policy, TO_BOB, state(), ahead))
    assert (refusal.reason, refusal.next, refusal.is_temporary(86_400)) == (rule, "wait", True)
    assert wait - 3600 <= refusal.wait <= wait
    strict = refusal_of(at_rcpt(with_options(policy, strict_recipients=True), TO_BOB, state(), ahead))
    assert (strict.reason, strict.retry, strict.next) == (rule, "never", "reduce_recipients")


def test_a_recipient_too_many_is_told_when_it_is_named() -> None:
    refusal = refusal_of(at_rcpt(SETTINGS, TO_BOB, state(), Ahead(100)))
    assert (refusal.reason, refusal.wait) == ("too_many_recipients", 0)
    assert reason(at_rcpt(with_options(over_rcpt="reject_all"), TO_BOB, state(), Ahead(100))) == "rate_limited"
    warned = at_rcpt(with_rule("recipients_per_message", limit=5, mode="warn"), TO_BOB, state(), Ahead(5))
    assert reason(warned) == ""


@pytest.mark.parametrize(
    ("refusal", "whole", "expected"),
    [
        (Refusal("cooldown", "", "after", "wait", 120_000), False, "blocked"),
        (Refusal("cooldown", "", "after", "wait", 90_000), False, "blocked"),
        (Refusal("cooldown", "", "after", "wait", 86_400), False, "deferred"),
        (Refusal("cooldown", "", "after", "wait", 1), False, "deferred"),
        (Refusal("rate_limited", "", "after", "wait", 90_000), False, "deferred"),
        (Refusal("suppressed", "", "never", "drop_recipient"), False, "blocked"),
        (Refusal("too_many_recipients", "", "after", "reduce_recipients"), False, "deferred"),
        (Refusal("too_many_recipients", "", "after", "reduce_recipients"), True, "blocked"),
    ],
)
def test_at_the_door_only_what_passes_soon_enough_is_deferred(refusal: Refusal, whole: bool, expected: str) -> None:
    decision = Decision.at_the_door(failed("any", refusal), [BOB], 86_400, whole=whole)
    assert decision.decision == expected
    assert not refusal.is_temporary(0)


def test_what_cannot_be_read_is_for_now_however_short_a_wait_is_allowed() -> None:
    unread = refusal_of(at_mail(SETTINGS, ENVELOPE, state(rates=None)))
    assert Decision.at_the_door(failed("any", unread), (), 1).decision == "deferred"


def test_a_bounce_has_one_recipient_and_its_own_bucket() -> None:
    bounce = replace(TO_BOB, mail_from="", sender_addresses=())
    assert at_mail(SETTINGS, bounce, spent(1000)) is None
    assert reason(at_rcpt(SETTINGS, bounce, spent(1000))) == ""
    assert reason(at_rcpt(SETTINGS, bounce, state(), Ahead(1))) == "too_many_recipients"
    assert reason(at_rcpt(with_options(over_rcpt="reject_all"), bounce, state(), Ahead(1))) == "too_many_recipients"
    usage = Usage()
    usage.null_sender.add(NOW, 20)
    assert reason(at_mail(SETTINGS, bounce, with_mailbox(state(), usage=usage))) == "rate_limited"


# -- departure ------------------------------------------------------------------------

SALES = facts(message_class="commercial")


def test_nothing_new_lets_a_message_leave() -> None:
    assert recheck(SETTINGS, SALES, state(), person()) is None


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        (state(tenant=TenantState("default", "paused")), "tenant_active"),
        (with_mailbox(state(), status="paused"), "mailbox_active"),
        (state(rates=(Rates("24h", 20, 15, 5, 0),)), "reputation"),
        (state(rates=None), "reputation"),
        (state(RecipientState(suppressions=None)), "suppression_check"),
        (state({}), "suppression_check"),
    ],
)
def test_a_pause_keeps_a_message_in_the_queue(known: State, rule: str) -> None:
    stopped = recheck(SETTINGS, SALES, known, person())
    assert isinstance(stopped, Pause)
    assert stopped.rule == rule


@pytest.mark.parametrize("pause_reply", ["550", "451", "hold"])
def test_a_pause_keeps_it_by_its_own_name_however_clients_are_told(pause_reply: str) -> None:
    stopped = recheck(with_options(pause_reply=pause_reply), SALES, with_mailbox(state(), status="paused"), person())
    assert isinstance(stopped, Pause)
    assert stopped.refusal.reason == "mailbox_paused"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (state(domain=DomainState("acme.test", verified=False)), "sender_domain_not_verified"),
        (state(RecipientState(suppressions=(Suppression("tenant", "unsubscribe", NOW),))), "unsubscribed"),
        (state(RecipientState(consent=Consent(False, NOW - HOUR))), "no_consent"),
    ],
)
def test_what_changed_meanwhile_rejects(known: State, expected: str) -> None:
    policy = with_rule("consent_validation", profiles=("gdpr",), default_country="de")
    policy = with_rule("consent_validation", policy, required=expected == "no_consent")
    stopped = recheck(policy, SALES, known, person()) if expected == "no_consent" else recheck(
        SETTINGS, SALES, known, person()
    )  # fmt: skip
    assert isinstance(stopped, Refusal)
    assert stopped.reason == expected


def test_while_a_limit_is_0_what_comes_late_stays_and_what_leaves_in_time_goes() -> None:
    shut = with_mailbox(state(), tightened=Limits(daily=0))
    stopped = recheck(SETTINGS, SALES, shut, person(), late=True)
    assert isinstance(stopped, Pause)
    assert stopped.rule == "rate_limited"
    assert recheck(SETTINGS, SALES, shut, person()) is None
    assert recheck(SETTINGS, SALES, state(), person(), late=True) is None


def test_neither_counts_nor_what_the_message_says_are_asked_about_again() -> None:
    assert recheck(SETTINGS, SALES, spent(10_000), person(BOB)) is None
    assert recheck(SETTINGS, replace(SALES, form_defects=(Defect("nul", "a NUL"),)), state(), person(BOB)) is None
