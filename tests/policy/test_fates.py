"""What becomes of a recipient besides yes and no: replayed, scheduled, held, and the null sender's bucket."""

import pytest
from msgspec.structs import replace

from policy.state import (
    DomainState,
    Earlier,
    Limits,
    RecipientState,
    Sent,
    State,
    Suppression,
    TenantState,
)
from policy.usage import DAY, HOUR, MINUTE, Usage, hourly
from tests.policy.cases import (
    NOW,
    SKETCH,
    add_sent,
    check,
    facts,
    judged,
    outcomes,
    person,
    state,
    with_mailbox,
    with_options,
    with_rule,
)

A, B, C = "a@example.com", "b@example.com", "c@example.com"
THROTTLED = with_rule("recipient_domain_throttle", mode="enforce")
SUPPRESSED = RecipientState(suppressions=(Suppression("tenant", "hard_bounce", NOW - DAY),))
REPEATED = RecipientState(earlier=(Earlier("message_id", "send_FIRST", NOW - MINUTE),))


# -- duplicates -----------------------------------------------------------------------


def earlier(kind: str, ago: int) -> State:
    return state(RecipientState(earlier=(Earlier(kind, "send_FIRST", NOW - ago),)))


@pytest.mark.parametrize(
    ("kind", "ago", "more", "replayed"),
    [
        ("key", 29 * DAY, {}, True),
        ("key", 30 * DAY, {}, False),
        ("message_id", 6 * DAY, {}, True),
        ("message_id", 7 * DAY, {}, False),
        ("content", 59 * MINUTE, {}, True),
        ("content", 60 * MINUTE, {}, False),
        ("content", 59_000, {"message_id": "<new@x>"}, True),
        ("content", 60_000, {"message_id": "<new@x>"}, False),
        ("content", 59 * MINUTE, {"message_id": "<new@x>", "message_class": "commercial"}, True),
    ],
)
def test_a_repeat_is_replayed_inside_its_window(kind: str, ago: int, more: dict[str, str], replayed: bool) -> None:
    decision = judged(facts(**more), earlier(kind, ago))
    assert decision.decision == "approved"
    assert (outcomes(decision) == ["replayed"]) is replayed
    if replayed:
        assert (decision.rule, decision.verdicts[0].first_send, decision.accepted()) == ("duplicate", "send_FIRST", ())


def test_a_repeat_is_answered_before_limits_suppressions_and_reputation_are_asked() -> None:
    known = replace(REPEATED, suppressions=(Suppression("tenant", "complaint", NOW),))
    worn = with_mailbox(state(known, rates=None), tightened=Limits(hourly=0))
    decision = judged(known=worn)
    assert outcomes(decision) == ["replayed"]
    assert not {c.rule for c in decision.checks} & {"suppression_check", "rate_limit_hourly", "reputation"}


def test_a_repeat_does_not_get_past_a_pause_or_a_block_list() -> None:
    assert judged(known=state(REPEATED, tenant=TenantState("default", "paused"))).reason == "tenant_paused"
    blocked = with_rule("recipient_allowed", block_domains=("example.com",))
    assert judged(known=state(REPEATED), policy=blocked).reason == "recipient_not_allowed"


@pytest.mark.parametrize("kind", ["key", "idempotency_key"])
def test_a_request_that_was_answered_is_answered_again_whatever_it_says_now_and_to_whom(kind: str) -> None:
    first = Earlier(kind, "send_FIRST", NOW - 29 * DAY)
    known = state({A: RecipientState(), B: SUPPRESSED}, answered=first, tenant=TenantState("default", "paused"))
    for whole in (True, False):
        decision = judged(facts(A, B, source="http", canaries=("x",)), known, whole=whole)
        assert (decision.decision, decision.rule, outcomes(decision)) == ("approved", "duplicate", ["replayed"] * 2)
        assert {v.first_send for v in decision.verdicts} == {"send_FIRST"}
    late = replace(known, answered=Earlier(kind, "send_FIRST", NOW - 30 * DAY))
    assert judged(facts(A, source="http"), late).reason == "tenant_paused"


@pytest.mark.parametrize("mode", ["off", "shadow", "warn"])
def test_where_the_rule_does_not_bind_an_answered_request_is_judged_anew(mode: str) -> None:
    known = state(answered=Earlier("key", "send_FIRST", NOW - MINUTE))
    policy = with_rule("duplicate", mode=mode)
    assert outcomes(judged(facts(source="http"), known, policy)) == ["queued"]
    paused = replace(known, tenant=TenantState("default", "paused"))
    assert judged(facts(source="http"), paused, policy).reason == "tenant_paused"


def test_a_repeat_beside_a_new_recipient_stays_one_and_spares_the_new_one_no_rule() -> None:
    known = state({A: REPEATED, B: RecipientState()})
    assert (judged(facts(A, B), known).rule, outcomes(judged(facts(A, B), known))) == ("", ["replayed", "queued"])
    for mixed, decision in (("reject_all", "deferred"), ("deliver_passing", "approved")):
        worn = judged(facts(A, B), replace(known, rates=None), with_options(mixed=mixed))
        assert (worn.decision, outcomes(worn)) == (decision, ["replayed", "refused"])


# -- leaving later --------------------------------------------------------------------


def test_send_at_schedules() -> None:
    decision = judged(facts(send_at=NOW + HOUR))
    assert (decision.decision, decision.verdicts[0].outcome, decision.verdicts[0].due) == (
        "approved",
        "scheduled",
        NOW + HOUR,
    )
    assert outcomes(judged(facts(send_at=NOW - HOUR))) == ["queued"]


def test_commercial_mail_of_a_young_domain_waits_for_tomorrow() -> None:
    young = state(domain=DomainState("acme.test", True, "1 Main St", first_sent_at=NOW - DAY, sent_today=100))
    decision = judged(facts(message_class="commercial"), young, with_rule("warmup", mode="enforce"))
    verdict = decision.verdicts[0]
    assert (decision.decision, verdict.outcome, verdict.rule) == ("approved", "scheduled", "warmup")
    assert verdict.due == (NOW // DAY + 1) * DAY
    assert check(decision, "warmup").evidence["scheduled_for"] == "2026-03-25T00:00:00Z"


def test_a_domain_that_has_warmed_up_is_not_limited() -> None:
    old = state(domain=DomainState("acme.test", True, "x", first_sent_at=NOW - 28 * DAY, sent_today=10**6))
    assert outcomes(judged(known=old, policy=with_rule("warmup", mode="enforce"))) == ["queued"]


def test_the_throttle_of_a_domain_shapes_and_refuses_nothing() -> None:
    busy = hourly()
    busy.add(NOW - 10 * MINUTE, 998)
    own = (("other.test", 1), ("example.com", 1000))
    policy = with_rule("recipient_domain_throttle", THROTTLED, limit=1, domains=own)
    decision = judged(facts(A, B, C), state(throttles={"example.com": busy}), policy)
    assert (decision.decision, outcomes(decision)) == ("approved", ["queued", "queued", "scheduled"])
    assert decision.verdicts[2].due == NOW + 51 * MINUTE


def test_the_throttle_leaves_room_alone_that_lies_before_what_is_to_come() -> None:
    planned = hourly()
    planned.add(NOW, 1000, NOW + DAY)
    decision = judged(known=state(throttles={"example.com": planned}), policy=THROTTLED)
    assert outcomes(decision) == ["queued"]
    late = judged(facts(send_at=NOW + DAY), state(throttles={"example.com": planned}), THROTTLED)
    assert late.verdicts[0].due == NOW + DAY + 61 * MINUTE


def test_what_one_rule_puts_off_another_has_room_for_there() -> None:
    full = hourly()
    full.add(NOW, 1000, (NOW // DAY + 1) * DAY)
    young = DomainState("acme.test", True, "1 Main St", first_sent_at=NOW - DAY, sent_today=100)
    policy = with_rule("warmup", THROTTLED, mode="enforce")
    decision = judged(facts(message_class="commercial"), state(domain=young, throttles={"example.com": full}), policy)
    assert decision.verdicts[0].due == (NOW // DAY + 1) * DAY + 61 * MINUTE


def test_warm_up_takes_the_first_day_that_has_room() -> None:
    young = DomainState("acme.test", True, "x", first_sent_at=NOW, sent_today=100, to_come={1: 100, 2: 98, 3: 1})
    message = facts(A, B, C, message_class="commercial")
    decision = judged(message, state(domain=young), with_rule("warmup", mode="enforce"))
    assert [verdict.due // DAY - NOW // DAY for verdict in decision.verdicts] == [2, 2, 3]


def test_a_limit_that_queues_puts_a_message_off_until_it_has_room() -> None:
    usage = Usage()
    add_sent(usage, NOW - 10 * MINUTE, 2)
    policy, known = with_rule("rate_limit_hourly", limit=2, on_exceed="queue"), with_mailbox(state(), usage=usage)
    verdict = judged(known=known, policy=policy).verdicts[0]
    assert (verdict.outcome, verdict.rule, verdict.due) == ("scheduled", "rate_limit_hourly", NOW + 51 * MINUTE)
    assert outcomes(judged(known=known, policy=with_rule("rate_limit_hourly", policy, mode="warn"))) == ["queued"]


def test_a_limit_that_holds_asks_a_person_about_the_place_it_has_room_for() -> None:
    usage = Usage()
    add_sent(usage, NOW, 100)
    policy, known = with_rule("rate_limit_hourly", limit=100, on_exceed="hold"), with_mailbox(state(), usage=usage)
    decision = judged(known=known, policy=policy)
    assert (decision.decision, decision.rule, outcomes(decision)) == ("held", "rate_limit_hourly", ["held"])
    assert (decision.refusal.detail, decision.verdicts[0].due) == ("100 of 100 this hour", NOW + 61 * MINUTE)
    none_at_all = with_rule("rate_limit_hourly", limit=0, on_exceed="hold")
    assert judged(known=known, policy=none_at_all).decision == "blocked"


@pytest.mark.parametrize("on_exceed", ["queue", "hold"])
def test_the_place_at_which_a_limit_has_room_needs_room_in_the_others_as_well(on_exceed: str) -> None:
    usage = Usage()
    add_sent(usage, NOW - 2 * HOUR, 4)
    free = NOW - NOW % HOUR + 23 * HOUR  # when the day has room again
    add_sent(usage, NOW, 1, free)
    policy = with_rule("rate_limit_hourly", with_rule("rate_limit_daily", limit=4, on_exceed=on_exceed), limit=1)
    decision = judged(known=with_mailbox(state(), usage=usage), policy=policy)
    assert (decision.rule, decision.refusal.wait) == ("rate_limit_hourly", (free - NOW) // 1000 + 61 * 60)
    both = with_rule("rate_limit_hourly", policy, on_exceed=on_exceed)
    assert judged(known=with_mailbox(state(), usage=usage), policy=both).verdicts[0].due == free + 61 * MINUTE


@pytest.mark.parametrize(
    ("mode", "on_exceed", "expected"),
    [("off", "reject", "deferred"), ("warn", "reject", "deferred"), ("shadow", "hold", "held")],
)
def test_a_mailboxs_policy_loosens_neither_its_tenant_nor_its_own_tightening(
    mode: str, on_exceed: str, expected: str
) -> None:
    usage = Usage()
    add_sent(usage, NOW, 5)
    policy = with_rule("rate_limit_hourly", mode=mode, limit=1, on_exceed=on_exceed)
    tight = judged(known=with_mailbox(state(), tightened=Limits(hourly=5), usage=usage), policy=policy)
    tenant = judged(known=state(tenant=TenantState("default", limits=Limits(hourly=5), usage=usage)), policy=policy)
    assert (tight.decision, tenant.decision) == (expected, expected)
    shown = [check(decision, "rate_limit_hourly").evidence for decision in (tight, tenant)]
    assert [(one["current"], one["limit"], one["scope"]) for one in shown] == [(5, 5, "mailbox"), (5, 5, "tenant")]
    assert judged(known=with_mailbox(state(), usage=usage), policy=policy).decision == "approved"


def test_of_limits_with_room_the_one_that_is_reached_first_is_shown() -> None:
    usage = Usage()
    add_sent(usage, NOW, 5)
    known = state(tenant=TenantState("default", limits=Limits(hourly=11), usage=usage))
    decision = judged(known=known, policy=with_rule("rate_limit_hourly", limit=10))
    assert check(decision, "rate_limit_hourly").evidence["scope"] == "tenant"


# -- the null sender ------------------------------------------------------------------


def bounce(**more: object) -> object:
    returned = {"mail_from": "", "from_address": "postmaster@acme.test", "sender_addresses": ("postmaster@acme.test",)}
    return facts(**{**returned, "report": True, **more})


def test_a_bounce_draws_from_its_own_bucket_only() -> None:
    usage = Usage()
    add_sent(usage, NOW, 10_000)
    assert judged(bounce(), with_mailbox(state(), usage=usage)).decision == "approved"
    usage.null_sender.add(NOW, 20)
    decision = judged(bounce(), with_mailbox(state(), usage=usage), with_rule("rate_limit_hourly", mode="off"))
    assert (decision.reason, decision.refusal.detail) == ("rate_limited", "20 of 20 this hour from <>")


def test_a_bounce_goes_to_one_recipient() -> None:
    message = replace(bounce(), recipients=(person(A), person(B)))
    assert judged(message, policy=with_rule("recipients_per_message", mode="off")).reason == "too_many_recipients"


def test_a_bounce_is_no_way_round_identity_approval_or_suppression() -> None:
    stranger = replace(bounce(), sender_addresses=("postmaster@other.test",))
    assert judged(stranger).reason == "sender_not_allowed"
    colleague = replace(bounce(), sender_addresses=("ceo@acme.test",))
    assert judged(colleague).reason == "sender_not_allowed"
    held = judged(bounce(), with_mailbox(state(), autonomy="human_approved"))
    assert held.decision == "held"
    assert judged(bounce(), state(SUPPRESSED)).reason == "suppressed"


EXHAUSTED = with_rule("rate_limit_hourly", limit=0)


def test_a_report_is_nobodys_mail() -> None:
    message = bounce(sketch=SKETCH, digest="d")
    known = state(replace(REPEATED, recent=(Sent(NOW, SKETCH),) * 3))
    decision = judged(message, known, EXHAUSTED)
    assert decision.decision == "approved"
    assert {check(decision, rule).status for rule in ("duplicate", "recipient_burst", "rate_limit_daily")} == {
        "skipped"
    }


@pytest.mark.parametrize(
    "more",
    [
        {"report": False},
        {"report": False, "automatic": True},
        {"message_class": "commercial"},
        {"message_class": "commercial", "automatic": True},
    ],
)
def test_anything_else_from_the_null_sender_is_judged_like_any_message(more: dict[str, object]) -> None:
    message = bounce(**{"from_address": "sales@acme.test", "sender_addresses": ("sales@acme.test",), **more})
    assert judged(message, policy=EXHAUSTED).reason == "rate_limited"
    assert outcomes(judged(message, state(REPEATED))) == ["replayed"]
    assert judged(bounce(**more)).reason == "sender_not_allowed"  # postmaster sells nothing


def test_only_a_report_under_a_name_of_mail_systems_speaks_as_one() -> None:
    assert judged(bounce(report_named=True)).reason == "sender_not_allowed"
    own = {"from_address": "sales@acme.test", "sender_addresses": ("sales@acme.test",)}
    assert judged(bounce(report_named=True, **own), policy=EXHAUSTED).decision == "approved"  # a receipt for reading


@pytest.mark.parametrize("on_exceed", ["queue", "hold"])
def test_anything_else_from_the_null_sender_keeps_its_small_bucket_and_its_one_recipient(on_exceed: str) -> None:
    usage = Usage()
    usage.null_sender.add(NOW, 20)
    message = facts(mail_from="", send_at=NOW + 2 * HOUR)  # the small bucket counts when mail is accepted
    policy = with_rule("rate_limit_hourly", limit=1, on_exceed=on_exceed)
    full = judged(message, with_mailbox(state(), usage=usage), policy)
    assert (full.reason, full.refusal.detail) == ("rate_limited", "20 of 20 this hour from <>")
    assert full.refusal.wait == 61 * 60
    assert check(full, "rate_limit_hourly").evidence["scope"] == "null_sender"
    crowd = replace(message, recipients=(person(A), person(B)))
    assert judged(crowd).reason == "too_many_recipients"
