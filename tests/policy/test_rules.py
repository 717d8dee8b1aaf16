"""One row a rule: what makes it fail, and what is then said."""

import dataclasses
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from policy.facts import Defect, Facts
from policy.settings import PolicySettings
from policy.state import (
    Cluster,
    Consent,
    DomainState,
    Limits,
    Rates,
    Sent,
    State,
    TenantState,
)
from policy.usage import DAY, HOUR, MINUTE, Usage
from tests.policy.cases import (
    BOB,
    MARCH_1,
    NOW,
    SETTINGS,
    SKETCH,
    add_sent,
    facts,
    judged,
    person,
    state,
    suppressed,
    to,
    with_mailbox,
    with_rule,
)

LEFT, ANSWER = {"kind": "placeholder_left", "shown": "[Your Name]"}, {"kind": "false_answer", "shown": "Re:"}


def used(sent: int = 0, *, at: int = NOW, first: int = 0, negative: int = 0, distinct: int = 0) -> Usage:
    """A mailbox that has sent already."""
    usage = Usage()
    if sent:
        add_sent(usage, at, sent)
    usage.add_first_contacts(NOW, first)
    usage.add_negative(NOW, negative)
    for _ in range(distinct):
        usage.move_latest(0, NOW)
    return usage


PLAIN, KNOWN = facts(), state()


@dataclass(frozen=True)
class Row:
    rule: str
    reason: str
    detail: str
    retry: str
    next_step: str
    message: Facts = PLAIN
    known: State = KNOWN
    policy: PolicySettings = SETTINGS
    decision: str = "blocked"
    wait: int = 0


SALES = facts(message_class="commercial", sketch=SKETCH)
ROWS = (
    Row(
        "tenant_active", "tenant_paused", "the tenant is paused, incident 7", "human", "ask_human",
        known=state(tenant=TenantState("default", "paused", "incident 7")),
    ),
    Row(
        "mailbox_active", "mailbox_paused", "sales is paused by its own key", "human", "ask_human",
        known=with_mailbox(state(), status="paused", paused_by="key"),
    ),
    Row(
        "mailbox_active", "mailbox_paused", "sales is paused by the policy, a loop", "human", "ask_human",
        known=with_mailbox(state(), status="paused", paused_by="policy", cause="a loop"),
    ),
    Row(
        "sender_identity", "sender_not_allowed", "two From fields at line 4", "never", "fix_sender",
        facts(identity_defects=(Defect("from_twice", "two From fields at line 4", 4),)),
    ),
    Row(
        "sender_identity", "sender_not_allowed", "ceo@acme.test is not an address of sales, use sales@acme.test",
        "never", "fix_sender",
        facts(sender_addresses=("sales@acme.test", "ceo@acme.test")),
    ),
    Row(
        "sender_identity", "sender_not_allowed", "the message has no From address", "never", "fix_sender",
        facts(from_address=""),
    ),
    Row(
        "domain_verified", "sender_domain_not_verified", "publish the TXT record for acme.test", "human",
        "verify_domain", known=state(domain=DomainState("acme.test", verified=False)),
    ),
    Row(
        "domain_verified", "sender_domain_not_verified", "publish the DNS record for acme.test", "human",
        "verify_domain", known=state(domain=None),
    ),
    Row(
        "message_form", "malformed_message", "bare CR at line 12", "never", "change_content",
        facts(form_defects=(Defect("bare_cr", "bare CR", 12),)),
    ),
    Row(
        "message_form", "mail_loop", "51 Received fields, the message is looping", "never", "change_content",
        facts(form_defects=(Defect("mail_loop", "51 Received fields, the message is looping"),)),
    ),
    Row(
        "message_ambiguous", "held", "mail programs may read it differently: Content-Type twice", "human",
        "change_content", facts(ambiguities=(Defect("content_type_twice", "Content-Type twice"),)), decision="held",
    ),
    Row(
        "recipients_per_message", "too_many_recipients", "3 recipients, 2 allowed in one message", "after",
        "reduce_recipients", facts(BOB, "c@example.com", "d@example.com"),
        policy=with_rule("recipients_per_message", limit=2),
    ),
    Row(
        "content_classification", "class_not_allowed", "sales may send transactional mail, this is commercial", "human",
        "ask_human", SALES, with_mailbox(state(), allowed_classes=("transactional",)),
    ),
    Row(
        "compliance_content", "physical_address_missing", "no postal address is set for acme.test", "human",
        "ask_human", SALES, state(domain=DomainState("acme.test", verified=True)),
    ),
    Row(
        "compliance_content", "held", "may be commercial and acme.test has no postal address", "human",
        "ask_human", replace(SALES, in_doubt=True), state(domain=DomainState("acme.test", verified=True)),
        decision="held",
    ),
    Row(
        "compliance_content", "cannot_inject_footer", "unsubscribe link and postal address cannot be added: signed",
        "human", "change_content", replace(SALES, cannot_inject="signed"),
    ),
    Row(
        "content_safety", "secret_leak", "aws access key in the message", "human", "change_content",
        facts(secrets=({"kind": "aws_access_key", "shown": "AKIA…"},)),
    ),
    Row(
        "content_safety", "canary_violation", "the message contains a planted token", "human", "change_content",
        facts(canaries=("ab…",)),
    ),
    Row(
        "content_quality", "poor_content", "[Your Name] is left in the text (and 1 more)", "never", "change_content",
        facts(flaws=(LEFT, ANSWER)), policy=with_rule("content_quality", mode="enforce"),
    ),
    Row(
        "content_quality", "poor_content", "the subject says Re: but the message answers none", "never",
        "change_content", facts(flaws=(LEFT, ANSWER)),
        policy=with_rule("content_quality", mode="enforce", ignore=("placeholder_left",)),
    ),
    Row(
        "recipient_valid", "recipient_invalid", "x.localhost can never receive mail", "never", "drop_recipient",
        facts("bob@x.localhost"),
    ),
    Row(
        "recipient_valid", "recipient_invalid", "example.com accepts no mail", "never", "drop_recipient",
        facts(recipients=(person(mail_host="null_mx"),)), policy=with_rule("recipient_valid", check_mx=True),
    ),
    Row(
        "recipient_valid", "recipient_invalid", "example.com has no mail host", "never", "drop_recipient",
        facts(recipients=(person(mail_host="none"),)), policy=with_rule("recipient_valid", check_mx=True),
    ),
    Row(
        "recipient_allowed", "recipient_not_allowed", "bob@example.com is not on the allow list", "human",
        "drop_recipient", policy=with_rule("recipient_allowed", domains=("acme.test",)),
    ),
    Row(
        "recipient_allowed", "recipient_not_allowed", "bob@example.com is on the block list", "human",
        "drop_recipient", policy=with_rule("recipient_allowed", block_addresses=("BOB@example.com",)),
    ),
    Row(
        "recipient_allowed", "recipient_not_allowed", "abuse@example.com is a role account", "human",
        "drop_recipient", facts("abuse@example.com"), policy=with_rule("recipient_allowed", role_accounts="block"),
    ),
    Row(
        "suppression_check", "unsubscribed", "bob@example.com unsubscribed 2026-03-01", "never", "drop_recipient",
        SALES, suppressed("tenant", "unsubscribe"),
    ),
    Row(
        "suppression_check", "suppressed", "bob@example.com unsubscribed 2026-03-01", "never", "drop_recipient",
        known=suppressed("tenant", "unsubscribe"), policy=with_rule("suppression_check", unsubscribe_binds_all=True),
    ),
    Row(
        "suppression_check", "suppressed", "bob@example.com bounced 2026-03-01", "never", "drop_recipient",
        known=suppressed("mailbox", "hard_bounce"),
    ),
    Row(
        "suppression_check", "suppressed", "bob@example.com", "never", "drop_recipient",
        known=suppressed("global", "complaint"),
    ),
    Row(
        "consent_validation", "no_consent", "bob@example.com: no consent recorded", "human", "get_consent",
        SALES, policy=with_rule("consent_validation", required=True),
    ),
    Row(
        "consent_validation", "no_consent", "bob@example.com: consent revoked 2026-03-01", "human", "get_consent",
        SALES, to(consent=Consent(False, MARCH_1)), with_rule("consent_validation", profiles=("gdpr",)),
    ),
    Row(
        "consent_validation", "no_consent", "bob@example.com: consent without a basis is not enough for gdpr",
        "human", "get_consent", SALES, to(consent=Consent(True, MARCH_1)),
        with_rule("consent_validation", profiles=("gdpr",)),
    ),
    Row(
        "consent_validation", "no_consent", "bob@example.com: the basis inquiry expired on 2025-12-24", "human",
        "get_consent", SALES, to(consent=Consent(True, NOW - 273 * DAY, "inquiry", "CA")),
        with_rule("consent_validation", profiles=("casl",)),
    ),
    Row(
        "loop_detection", "loop_detected", "4 similar messages to bob@example.com in 24 hours", "human", "ask_human",
        SALES, to(recent=(Sent(NOW - HOUR, SKETCH),) * 3, last_at=NOW - HOUR, first_at=1),
    ),
    Row(
        "loop_detection", "loop_detected", "50 similar messages in 10 minutes", "human", "ask_human", SALES,
        with_mailbox(state(), fan_out=(Cluster(SKETCH, (NOW - MINUTE,) * 49),)),
        with_rule("loop_detection", fan_out=dataclasses.replace(SETTINGS.loop_detection.fan_out, mode="enforce")),
    ),
    Row(
        "cooldown", "cooldown", "bob@example.com was written to less than 10 minutes ago", "after", "wait",
        SALES, to(last_commercial_at=NOW - 4 * MINUTE, last_at=NOW, first_at=1), decision="deferred", wait=360,
    ),
    Row(
        "recipient_lease", "lease_conflict",
        "bob@example.com is reserved for another mailbox until 2026-03-24T10:40:00Z", "after", "wait",
        known=to(leased_by="mbx_2", leased_at=NOW - 20 * MINUTE), policy=with_rule("recipient_lease", mode="enforce"),
        decision="deferred", wait=600,
    ),
    Row(
        "first_contact_limit", "first_contact_limit", "200 of 200 new recipients today", "after", "wait",
        known=with_mailbox(state(), usage=used(first=200)), decision="deferred", wait=24 * 3600 + 1800,
    ),
    Row(
        "recipient_burst", "recipient_burst", "60 of 60 recipients in 5 minutes", "after", "wait",
        known=with_mailbox(state(), usage=used(distinct=60)), decision="deferred", wait=360,
    ),
    Row(
        "rate_limit_hourly", "rate_limited", "100 of 100 this hour", "after", "wait",
        known=with_mailbox(state(), usage=used(100, at=NOW - 40 * MINUTE)), decision="deferred", wait=1260,
    ),
    Row(
        "rate_limit_daily", "rate_limited", "500 of 500 today", "after", "wait",
        known=with_mailbox(state(), usage=used(500, at=NOW - 20 * HOUR)), decision="deferred", wait=16200,
    ),
    Row(
        "rate_limit_monthly", "rate_limited", "3000 of 3000 this month", "after", "wait",
        known=with_mailbox(state(), usage=used(3000, at=NOW - 20 * DAY)), decision="blocked", wait=912600,
    ),
    Row(
        "rate_limit_hourly", "rate_limited", "5 of 5 this hour as tightened for this mailbox", "after", "wait",
        known=with_mailbox(state(), usage=used(5), tightened=Limits(hourly=5)), decision="deferred", wait=3660,
    ),
    Row(
        "rate_limit_daily", "rate_limited", "7 of 7 today for the tenant", "after", "wait",
        known=state(tenant=TenantState("default", limits=Limits(daily=7), usage=used(7, at=NOW - 2 * HOUR))),
        decision="deferred", wait=81000,
    ),
    Row(  # no sooner than every limit has room again
        "rate_limit_hourly", "rate_limited", "100 of 100 this hour", "after", "wait",
        known=with_mailbox(
            state(tenant=TenantState("default", limits=Limits(daily=7), usage=used(7, at=NOW - 2 * HOUR))),
            usage=used(100, at=NOW - 40 * MINUTE),
        ),
        decision="deferred", wait=81000,
    ),
    Row(
        "rate_limit_hourly", "rate_limited", "100 of 100 this hour", "human", "ask_human",
        known=with_mailbox(state(), usage=used(100), tightened=Limits(daily=0)),
    ),
    Row(  # nothing ever leaves the queue of a limit of 0
        "rate_limit_hourly", "rate_limited", "100 of 100 this hour", "human", "ask_human",
        known=with_mailbox(state(), usage=used(100), tightened=Limits(daily=0)),
        policy=with_rule("rate_limit_daily", on_exceed="queue"),
    ),
    Row(
        "rate_limit_hourly", "rate_limited", "100 of 5 this hour as tightened for this mailbox", "after", "wait",
        known=with_mailbox(state(), usage=used(100), tightened=Limits(hourly=5)), decision="deferred", wait=3660,
    ),
    Row(
        "rate_limit_hourly", "rate_limited", "0 of 0 this hour", "human", "ask_human",
        policy=with_rule("rate_limit_hourly", limit=0),
    ),
    Row(
        "warmup", "warmup_limit", "100 of 100 today while acme.test warms up", "after", "wait",
        known=state(domain=DomainState("acme.test", True, "1 Main St", first_sent_at=NOW - DAY, sent_today=100)),
        policy=with_rule("warmup", mode="enforce"), decision="deferred", wait=48600,
    ),
    Row(  # commercial mail has tomorrow's places already
        "warmup", "warmup_limit", "100 of 100 today while acme.test warms up", "after", "wait",
        known=state(domain=DomainState("acme.test", True, "", NOW - DAY, sent_today=100, to_come={1: 100, 2: 99})),
        policy=with_rule("warmup", mode="enforce"), wait=48600 + 86400,
    ),
    Row(
        "negative_signal_budget", "negative_signal_budget", "50 bounces and complaints in 24 hours, 50 allowed",
        "after", "wait", known=with_mailbox(state(), usage=used(negative=50)), decision="deferred", wait=88200,
    ),
    Row(
        "reputation", "reputation_paused", "5 of 20 bounced in 24 hours", "human", "ask_human",
        known=state(rates=(Rates("24h", 20, 15, 5, 0),)),
    ),
    Row(
        "autonomy_level", "held", "mail from sales needs approval", "human", "ask_human",
        known=with_mailbox(state(), autonomy="human_approved"), decision="held",
    ),
    Row(
        "autonomy_level", "held", "mail from sales needs approval", "human", "ask_human",
        known=with_mailbox(state(), tightened_autonomy="human_approved"), decision="held",
    ),
    Row(
        "content_classification", "class_not_allowed", "sales may send commercial mail, this is transactional",
        "human", "ask_human", known=with_mailbox(state(), tightened_classes=("commercial",)),
    ),
    Row(
        "autonomy_level", "held", "first contact with bob@example.com", "human", "ask_human",
        known=with_mailbox(state(), autonomy="first_contact"), decision="held",
    ),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.rule}-{r.detail[:24]}")
def test_a_failing_rule_says_why_and_what_to_do(row: Row) -> None:
    decision = judged(row.message, row.known, row.policy)
    assert decision.refusal is not None
    assert decision.rule == row.rule
    assert (decision.decision, decision.reason, decision.refusal.detail) == (row.decision, row.reason, row.detail)
    assert (decision.refusal.retry, decision.refusal.next, decision.refusal.wait) == (
        row.retry,
        row.next_step,
        row.wait,
    )


def test_without_the_whole_cascade_the_answer_is_the_same() -> None:
    for row in ROWS:
        whole, first = (judged(row.message, row.known, row.policy, whole=whole) for whole in (True, False))
        for field in ("decision", "rule", "refusal", "verdicts"):
            assert getattr(whole, field) == getattr(first, field), row


def test_a_detail_can_stand_in_a_reply() -> None:
    for row in ROWS:
        for refusal in [c.refusal for c in judged(row.message, row.known, row.policy).checks if c.refusal]:
            assert refusal.detail.isascii()
            assert refusal.detail.isprintable()
            assert ";" not in refusal.detail


@pytest.mark.parametrize(("cause", "told"), [("a;b", "a,b"), ("a\r\nb", "a??b"), ("ä~\x7f", "?~?"), ("a b", "a b")])
def test_what_people_wrote_is_told_as_one_clause_of_ascii(cause: str, told: str) -> None:
    paused = judged(known=state(tenant=TenantState("default", "paused", cause)))
    assert paused.refusal.detail == f"the tenant is paused, {told}"
