"""Where a rule ends: what it lets pass, what it shows, and whom it exempts."""

import dataclasses
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from policy.moment import END_OF_TIME, milliseconds
from policy.state import Consent, DomainState, Rates, Sent, Suppression, TenantState
from policy.usage import DAY, HOUR, MINUTE, Usage
from tests.policy.cases import (
    BOB,
    MARCH_1,
    NOW,
    SETTINGS,
    SKETCH,
    add_sent,
    check,
    facts,
    judged,
    person,
    state,
    suppressed,
    to,
    with_mailbox,
    with_options,
    with_rule,
)

SALES = facts(message_class="commercial", sketch=SKETCH)


def test_a_plain_message_passes_every_rule() -> None:
    decision = judged()
    assert (decision.decision, decision.rule, decision.refusal, decision.alerts) == ("approved", "", None, ())
    assert {c.status for c in decision.checks} <= {"passed", "skipped"}


def test_a_global_suppression_names_neither_date_nor_kind() -> None:
    decision = judged(SALES, suppressed("global", "unsubscribe"))
    found = check(decision, "suppression_check")
    assert decision.reason == "suppressed"
    assert found.evidence == {"scope": "global"}


def test_an_entry_that_may_be_told_is_told_before_a_global_one() -> None:
    both = (Suppression("global", "complaint", 1), Suppression("tenant", "hard_bounce", MARCH_1))
    assert judged(known=to(suppressions=both)).refusal.detail == "bob@example.com bounced 2026-03-01"


def test_of_two_entries_that_which_binds_all_mail_is_told() -> None:
    both = (Suppression("tenant", "unsubscribe", 1), Suppression("tenant", "hard_bounce", MARCH_1))
    assert judged(SALES, to(suppressions=both)).refusal.detail == "bob@example.com bounced 2026-03-01"


def test_an_unsubscribe_does_not_bind_transactional_mail() -> None:
    assert judged(known=suppressed("tenant", "unsubscribe")).decision == "approved"


def test_consent_is_recorded_where_it_is_not_asked_for() -> None:
    decision = judged(SALES, to(consent=Consent(True, MARCH_1, "express")))
    assert check(decision, "consent_validation").as_json() == {
        "rule": "consent_validation",
        "status": "passed",
        "recipient": BOB,
        "consent_date": "2026-03-01",
        "basis": "express",
    }


def test_transactional_mail_needs_no_consent() -> None:
    decision = judged(known=to(consent=Consent(False, MARCH_1)), policy=with_rule("consent_validation", required=True))
    assert (decision.decision, check(decision, "consent_validation").status) == ("approved", "skipped")


def test_a_law_of_another_country_asks_for_nothing() -> None:
    known = to(consent=Consent(True, MARCH_1, "inquiry", "US"))
    assert judged(SALES, known, with_rule("consent_validation", profiles=("gdpr",))).decision == "approved"
    unknown = to(consent=Consent(True, MARCH_1, "inquiry"))
    assert judged(SALES, unknown, with_rule("consent_validation", profiles=("gdpr",))).reason == "no_consent"


@pytest.mark.parametrize("place", ["EU", "eea", "UK", " de ", "RE", "Germany", "ZZ"])
def test_a_law_protects_by_every_name_of_its_countries_and_where_no_country_was_named(place: str) -> None:
    lacking = to(consent=Consent(True, MARCH_1, "inquiry", place))
    policy = with_rule("consent_validation", profiles=("gdpr",), default_country="us")
    assert judged(SALES, lacking, policy).reason == "no_consent"
    policy = with_rule("consent_validation", profiles=("gdpr",), default_country=place)
    assert judged(SALES, policy=policy).reason == "no_consent"


@pytest.mark.parametrize("place", ["EU", "UK"])
def test_a_law_from_elsewhere_asks_nothing_of_europe(place: str) -> None:
    given = to(consent=Consent(True, MARCH_1, "express", place))
    policy = with_rule("consent_validation", profiles=("casl", "gdpr"))
    assert judged(SALES, given, policy).decision == "approved"
    known = to(consent=Consent(True, MARCH_1, "legitimate_interest", place))
    assert judged(SALES, known, with_rule("consent_validation", profiles=("casl",))).decision == "approved"


@pytest.mark.parametrize(
    ("basis", "given", "last"),
    [
        ("inquiry", "2026-08-31T10:00", "2027-02-28T09:59:59"),
        ("inquiry", "2027-08-31T10:00", "2028-02-29T09:59:59"),
        ("inquiry", "2026-03-01T10:00", "2026-09-01T09:59:59"),
        ("existing_business", "2027-06-30T10:00", "2029-06-30T09:59:59"),
    ],
)
def test_the_months_of_a_basis_are_those_of_the_calendar(basis: str, given: str, last: str) -> None:
    at, until = (milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (given, last))
    known = to(consent=Consent(True, at, basis, "CA"))
    policy = with_rule("consent_validation", profiles=("casl",))
    moments = (until, until + 1000)
    reasons = [judged(replace(SALES, now=now), known, policy).reason for now in moments]
    assert reasons == ["", "no_consent"]


def test_a_basis_given_at_the_end_of_time_runs_out_no_sooner() -> None:
    known = to(consent=Consent(True, END_OF_TIME - 1, "inquiry", "CA"))
    assert judged(SALES, known, with_rule("consent_validation", profiles=("casl",))).decision == "approved"


@pytest.mark.parametrize("jurisdiction", ["DE", "JP", ""])
@pytest.mark.parametrize("profiles", [("casl",), ("can_spam",), ("gdpr", "casl", "can_spam")])
def test_a_revoked_consent_binds_under_every_profile_wherever_it_was_said(
    profiles: tuple[str, ...], jurisdiction: str
) -> None:
    known = to(consent=Consent(False, MARCH_1, "express", jurisdiction))
    decision = judged(SALES, known, with_rule("consent_validation", profiles=profiles))
    assert (decision.reason, decision.refusal.detail) == ("no_consent", "bob@example.com: consent revoked 2026-03-01")


def test_where_nothing_asks_for_consent_a_revocation_is_only_recorded() -> None:
    decision = judged(SALES, to(consent=Consent(False, MARCH_1)))
    assert (decision.decision, check(decision, "consent_validation").evidence) == (
        "approved",
        {"revoked_date": "2026-03-01"},
    )


def test_an_answer_of_the_recipient_ends_the_cooldown() -> None:
    known = to(last_commercial_at=NOW - 4 * MINUTE, replied_at=NOW - 2 * MINUTE, last_at=NOW, first_at=1)
    assert check(judged(SALES, known), "cooldown").status == "skipped"
    earlier = to(last_commercial_at=NOW - 4 * MINUTE, replied_at=NOW - 6 * MINUTE, last_at=NOW, first_at=1)
    assert judged(SALES, earlier).reason == "cooldown"


@pytest.mark.parametrize(
    ("last", "leaving", "send_at", "wait"),
    [
        (0, (), 0, None),
        (-9, (), 0, 60),
        (-9, (), 2, None),  # it leaves when the ten minutes are over
        (-9, (), 0.5, 60),
        (0, (24 * 60,), 0, None),  # one for tomorrow stands in nobody's way today
        (0, (24 * 60,), 24 * 60 - 10, None),
        (0, (24 * 60,), 24 * 60 - 9, (24 * 60 + 10) * 60),
        (0, (24 * 60,), 24 * 60 + 9, (24 * 60 + 10) * 60),
        (0, (24 * 60,), 24 * 60 + 10, None),
        (0, (9,), 0, 19 * 60),  # accepted before, leaves after
        (0, (5, 18, 24 * 60), 0, 28 * 60),  # each one that would be too near is waited for
        (-9, (24 * 60,), 0, 60),  # and today's are still kept apart
        (0, (-5,), 0, 5 * 60),  # put off, and left by now
    ],
)
def test_the_cooldown_compares_departures(
    last: int, leaving: tuple[int, ...], send_at: float, wait: int | None
) -> None:
    known = to(
        last_commercial_at=NOW + last * MINUTE if last else 0,
        leaving=tuple(NOW + at * MINUTE for at in leaving),
        last_at=NOW,
        first_at=1,
    )
    decision = judged(replace(SALES, send_at=int(NOW + send_at * MINUTE) if send_at else 0), known)
    assert (decision.refusal.wait if decision.reason == "cooldown" else None) == wait


def test_the_cooldown_names_the_message_that_stands_in_the_way() -> None:
    past = to(last_commercial_at=NOW - 4 * MINUTE, last_at=NOW, first_at=1)
    assert judged(SALES, past).refusal.detail == "bob@example.com was written to less than 10 minutes ago"
    coming = judged(SALES, to(leaving=(NOW + 4 * MINUTE,), last_at=NOW, first_at=1))
    assert coming.refusal.detail == (
        "bob@example.com gets other mail at 2026-03-24T10:34:00Z, less than 10 minutes from this"
    )
    assert check(coming, "cooldown").evidence["last"] == "2026-03-24T10:34:00Z"


@pytest.mark.parametrize(
    ("other", "fold", "outcomes"),
    [
        ("bob+news@example.com", True, ["queued", "refused"]),
        ("bob+news@example.com", False, ["queued", "queued"]),
        ("b.ob@example.com", True, ["queued", "queued"]),
        ("bobby@example.com", True, ["queued", "queued"]),
    ],
)
def test_of_two_spellings_in_one_envelope_one_goes_and_no_wait_helps_the_other(
    other: str, fold: bool, outcomes: list[str]
) -> None:
    policy = with_rule("suppression_check", with_options(mixed="deliver_passing"), fold_aliases=fold)
    decision = judged(replace(SALES, recipients=(person(), person(other))), policy=policy)
    assert [v.outcome for v in decision.verdicts] == outcomes
    if "refused" in outcomes:
        refusal = decision.verdicts[1].refusal
        assert (refusal.reason, refusal.retry, refusal.next) == ("cooldown", "never", "drop_recipient")


def test_spellings_in_one_envelope_make_a_loop_together() -> None:
    policy = with_rule("loop_detection", with_rule("cooldown", mode="off"))
    known = to(recent=(Sent(NOW - HOUR, SKETCH),) * 2, first_at=1, last_at=1)
    decision = judged(replace(SALES, recipients=(person(), person("bob+2@example.com"))), known, policy)
    assert [check(decision, "loop_detection", r).evidence["current"] for r in (BOB, "bob+2@example.com")] == [2, 3]
    assert decision.verdicts[1].refusal.reason == "loop_detected"


def test_two_that_the_hours_put_off_do_not_leave_together() -> None:
    policy = with_rule("send_window", mode="enforce", start="11:00", end="12:00")
    opening = NOW + 30 * MINUTE
    assert judged(SALES, policy=policy).verdicts[0].due == opening
    second = judged(SALES, to(leaving=(opening,), last_at=NOW, first_at=1), policy)
    assert (second.reason, second.refusal.wait) == ("cooldown", 40 * 60)


@pytest.mark.parametrize(("on_exceed", "expected"), [("queue", "approved"), ("hold", "held")])
def test_two_that_a_limit_delays_are_compared_where_they_leave(on_exceed: str, expected: str) -> None:
    usage = Usage()
    add_sent(usage, NOW - 10 * MINUTE, 1)
    policy = with_rule("rate_limit_hourly", limit=1, on_exceed=on_exceed)
    known = with_mailbox(to(last_commercial_at=NOW - 5 * MINUTE, last_at=NOW, first_at=1), usage=usage)
    decision = judged(SALES, known, policy)
    assert (decision.decision, decision.verdicts[0].due) == (expected, NOW + 51 * MINUTE)


def test_a_cooldown_of_days_is_permanent_and_names_its_wait() -> None:
    known = to(last_commercial_at=NOW - DAY, last_at=NOW, first_at=1)
    decision = judged(SALES, known, with_rule("cooldown", minutes=3 * 24 * 60))
    assert (decision.decision, decision.refusal.wait) == ("blocked", 2 * 24 * 3600)


def test_loops_of_transactional_mail_only_warn() -> None:
    known = to(recent=(Sent(NOW - HOUR, SKETCH),) * 3)
    decision = judged(facts(sketch=SKETCH), known)
    found = [c for c in decision.checks if c.rule == "loop_detection" and c.recipient]
    assert (decision.decision, [c.status for c in found], decision.alerts) == (
        "approved",
        ["warned"],
        ("loop_detection",),
    )


def test_a_loop_alerts_though_it_is_refused() -> None:
    known = to(recent=(Sent(NOW - HOUR, SKETCH),) * 3, first_at=1, last_at=1)
    assert judged(SALES, known).alerts == ("loop_detection",)


def test_M10_a_domain_without_a_key_is_refused_for_now_and_alerts() -> None:
    decision = judged(facts(unsigned=True))
    assert (decision.decision, decision.rule, decision.reason) == ("deferred", "domain_verified", "unavailable")
    assert check(decision, "domain_verified").status == "error"
    assert decision.alerts == ("domain_verified",)


def test_M10_a_domain_that_is_not_proven_is_refused_as_before() -> None:
    unproven = state(domain=DomainState("acme.test", verified=False))
    assert judged(facts(unsigned=True), unproven).reason == "sender_domain_not_verified"


def test_old_messages_are_no_loop() -> None:
    known = to(recent=(Sent(NOW - 25 * HOUR, SKETCH),) * 3, first_at=1, last_at=1)
    assert judged(SALES, known).decision == "approved"


@pytest.mark.parametrize(
    ("entry", "address", "passes"),
    [
        ("example.com", "bob@example.com", True),
        ("example.com", "bob@mail.example.com", False),
        (".example.com", "bob@mail.example.com", True),
        (".example.com", "bob@a.mail.example.com", True),
        (".example.com", "bob@example.com", False),
        (".example.com", "bob@notexample.com", False),
    ],
)
def test_a_leading_dot_names_the_domains_below(entry: str, address: str, passes: bool) -> None:
    decision = judged(facts(address), policy=with_rule("recipient_allowed", domains=(entry,)))
    assert (decision.decision == "approved") is passes


def test_a_look_alike_is_let_in_by_no_allow_list_and_caught_by_every_block_list() -> None:
    kelvin = "\u212aate@example.com"  # its lower-case form is «kate»
    twin = facts(recipients=(replace(person(kelvin), key="kate@example.com"),))
    allowed = with_rule("recipient_allowed", addresses=("kate@example.com",))
    assert judged(twin, policy=allowed).reason == "recipient_not_allowed"
    blocked = with_rule("recipient_allowed", block_addresses=("kate@example.com",))
    assert judged(twin, policy=blocked).reason == "recipient_not_allowed"


ALIASES = [
    ("x+news@example.com", "x@example.com"),
    ("x+news@example.com", "x+other@example.com"),
    ("x@example.com", "X+news@example.com"),
    ("b.ob@gmail.com", "bob@gmail.com"),
    ("B.ob@gmail.com", "b.o.b+x@googlemail.com"),
    ("bob@googlemail.com", "bob@gmail.com"),
]


@pytest.mark.parametrize(("entry", "address"), ALIASES)
def test_a_block_list_names_whoever_shares_an_alias_in_both_directions(entry: str, address: str) -> None:
    rule = with_rule("recipient_allowed", block_addresses=(entry,))
    assert judged(facts(address), policy=rule).reason == "recipient_not_allowed"


@pytest.mark.parametrize(("entry", "address"), ALIASES)
def test_where_aliases_are_not_folded_a_block_list_names_one_spelling(entry: str, address: str) -> None:
    rule = with_rule("recipient_allowed", block_addresses=(entry,))
    apart = with_rule("suppression_check", rule, fold_aliases=False)
    assert judged(facts(address), policy=apart).decision == "approved"
    assert judged(facts(entry), policy=apart).reason == "recipient_not_allowed"


def test_an_alias_of_a_listed_address_is_on_no_allow_list() -> None:
    rule = with_rule("recipient_allowed", addresses=("x+news@example.com",))
    assert judged(facts("x@example.com"), policy=rule).reason == "recipient_not_allowed"
    assert judged(facts("x+news@example.com"), policy=rule).decision == "approved"


def test_a_role_account_with_a_tag_is_one_where_aliases_are_folded() -> None:
    rule = with_rule("recipient_allowed", role_accounts="block")
    assert judged(facts("info+z@example.com"), policy=rule).reason == "recipient_not_allowed"
    apart = with_rule("suppression_check", rule, fold_aliases=False)
    assert judged(facts("info+z@example.com"), policy=apart).decision == "approved"


def test_documentation_domains_are_valid() -> None:
    assert judged(facts("bob@example.com", "a@x.test")).decision == "approved"


def test_internal_recipients_need_no_approval() -> None:
    both = facts(recipients=(person("c@acme.test", internal=True), person()))
    decision = judged(both, with_mailbox(state(), autonomy="human_approved"))
    assert decision.decision == "held"
    assert [v.outcome for v in decision.verdicts] == ["queued", "held"]


def test_who_was_delivered_to_is_no_first_contact() -> None:
    known = with_mailbox(to(delivered_at=1), autonomy="first_contact")
    assert judged(known=known).decision == "approved"


def test_the_classification_is_in_the_trace_with_its_evidence() -> None:
    feature = {"name": "price", "weight": 1.5, "evidence": "$ 10"}
    decision = judged(facts(features=(feature,), score=0.2))
    shown = check(decision, "content_classification").as_json()
    assert (shown["type"], shown["score"], shown["features"]) == ("transactional", 0.2, [feature])


@pytest.mark.parametrize(("reply", "decision"), [("550", "blocked"), ("451", "deferred"), ("hold", "held")])
def test_a_pause_is_told_as_the_operator_chose(reply: str, decision: str) -> None:
    policy = dataclasses.replace(SETTINGS, options=dataclasses.replace(SETTINGS.options, pause_reply=reply))
    for paused in (
        state(tenant=TenantState("default", "paused")),
        with_mailbox(state(), status="paused"),
        state(rates=(Rates("7d", 20, 15, 5, 0),)),
    ):
        assert judged(known=paused, policy=policy).decision == decision
