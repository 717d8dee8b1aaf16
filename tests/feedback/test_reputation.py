"""What bounces and complaints lead to: a sender is paused by its rates, and a person lets it go on."""

import pytest

from policy.settings import Reputation
from relay.store.accounts import pause_mailbox, resume_mailbox, set_tenant_status
from relay.store.engine import loads
from tests.feedback.ground import MAILBOX, NOW, TENANT, Ground, bounce, event, hard


def test_one_bounce_in_four_pauses_nobody(ground: Ground):
    ground.sent(4)
    bounce(ground, 1)
    assert ground.status() == ("active", "", "")


def _is_told(ground: Ground, **data: str) -> None:
    """Of the pause there is one alert, which says so, and one case with the same evidence."""
    alerts = [loads(row.data) for row in ground.ask("SELECT data FROM events WHERE type = 'alert.raised'")]
    assert [told for told in alerts if told["alert"] == "reputation_paused"] == [{"alert": "reputation_paused", **data}]
    (case,) = ground.ask("SELECT subject, evidence FROM investigations WHERE kind = 'reputation'")
    assert (case.subject, loads(case.evidence)) == (data["cause"], data)


def test_a_review_is_opened_once_for_each_mailbox_and_pauses_nobody(ground: Ground):
    for mailbox_id in (MAILBOX, ground.mailbox("mbx_2", "b@sender.test")):
        ground.sent(300, mailbox_id=mailbox_id)
        bounce(ground, 12, mailbox_id)
        assert ground.status(mailbox_id)[0] == "active"
    cases = ground.ask("SELECT mailbox_id, kind, subject FROM investigations ORDER BY id")
    assert [(case.mailbox_id, case.kind) for case in cases] == [(m, "reputation_review") for m in (MAILBOX, "mbx_2")]
    assert len(ground.events("alert.raised")) == 2
    assert ground.event("alert.raised") == {"alert": "reputation_review", "cause": cases[1].subject}
    ground.ask("UPDATE investigations SET status = 'closed' RETURNING id")
    bounce(ground, 1)
    assert len(ground.ask("SELECT id FROM investigations WHERE mailbox_id = :m", m=MAILBOX)) == 2


def test_twelve_in_a_hundred_and_fifty_pause_and_name_the_cause_and_a_person_lifts_it(ground: Ground):
    ground.sent(150)
    bounce(ground, 12)
    status, by, cause = ground.status()
    assert (status, by) == ("paused", "reputation")
    assert "of 150 bounced in 24 hours" in cause
    _is_told(ground, scope="mailbox", cause=cause)
    ground.do(lambda c: resume_mailbox(c, MAILBOX, rule=Reputation(), by="tim", now=NOW + 1))
    bounce(ground, 1)
    assert ground.status()[0] == "active"


@pytest.mark.parametrize("kind", ["bounced", "complained"])
def test_one_recipient_of_many_messages_counts_once_and_pauses_nobody(ground: Ground, kind: str):
    ground.sent(20)
    sends = [ground.send() for _ in range(6)]
    told = [hard(s, event_id=s) if kind == "bounced" else event(kind, s, event_id=s) for s in sends]
    ground.hook(*told[:2])
    ground.hook(*told[2:])
    assert (ground.status()[0], ground.counts()[kind]) == ("active", 1)
    assert ground.events(f"delivery.{kind}") == [f"delivery.{kind}"] * 6


def test_three_complaints_of_ten_pause_and_their_cases_stay_open(ground: Ground):
    ground.sent(10)
    for n in range(3):
        assert ground.status()[0] == "active"
        ground.hook(event("complained", ground.send((f"p{n}@example.net",)), f"p{n}@example.net"))
    assert ground.status() == ("paused", "reputation", "3 of 10 complained in 24 hours")


def test_what_comes_back_late_of_mail_sent_before_a_pause_was_lifted_does_not_pause_again(ground: Ground):
    ground.sent(20)
    old = [ground.send((f"old{n}@example.net",)) for n in range(10)]
    bounce(ground, 5)
    assert ground.status()[0] == "paused"
    ground.now += 1
    ground.do(lambda c: resume_mailbox(c, MAILBOX, rule=Reputation(), by="tim", now=ground.now))
    ground.sent(20)
    ground.hook(*(hard(send, f"old{n}@example.net", event_id=send) for n, send in enumerate(old)))
    assert (ground.status()[0], ground.counts()) == ("active", {"sent": 20, "delivered": 20})
    assert ground.counts(f"lifted:mailbox:{MAILBOX}")["bounced"] == 15
    bounce(ground, 5)
    assert ground.status()[::2] == ("paused", "5 of 20 bounced in 24 hours")


def test_what_comes_back_late_is_compared_with_the_mail_it_came_back_from(ground: Ground):
    ground.sent(20)
    old = [ground.send((f"old{n}@example.net",)) for n in range(6)]
    ground.now += 3 * 86_400_000
    ground.sent(2)
    ground.hook(*(hard(send, f"old{n}@example.net", event_id=send) for n, send in enumerate(old)))
    assert ground.status()[2] == "6 of 22 bounced in 7 days"


def test_a_tenant_is_paused_by_what_its_mailboxes_add_up_to(both: Ground):
    ground = both
    for n in range(6):
        mailbox_id = ground.mailbox(f"mbx_t{n}", f"a{n}@other{n}.test")
        ground.sent(30, mailbox_id=mailbox_id)
        bounce(ground, 3, mailbox_id)
    tenant = ground.ask("SELECT status, cause FROM tenants WHERE id = :t", t=TENANT)[0]
    assert tenant.status == "paused"
    cause = "6 of 60 bounced in 24 hours for the tenant"
    assert tenant.cause == f"reputation: {cause}"
    _is_told(ground, scope="tenant", cause=cause)
    assert {row.status for row in ground.ask("SELECT status FROM mailboxes")} == {"active"}
    ground.do(lambda c: set_tenant_status(c, TENANT, status="active", cause="", by="tim", now=NOW))
    bounce(ground, 1)
    assert ground.ask("SELECT status FROM tenants")[0].status == "active"


def test_a_domain_is_paused_by_pausing_its_mailboxes(both: Ground):
    ground = both
    boxes = [ground.mailbox(f"mbx_d{n}", f"b{n}@sender.test") for n in range(4)]
    other = ground.mailbox("mbx_other", "c@other.test")
    ground.sent(5_000, mailbox_id=other)
    for mailbox_id in boxes:
        ground.sent(30, mailbox_id=mailbox_id)
        bounce(ground, 3, mailbox_id)
    assert {ground.status(mailbox_id)[:2] for mailbox_id in boxes} == {("paused", "reputation")}
    assert ground.status(other)[0] == "active"
    cause = "6 of 60 bounced in 24 hours for the domain"
    assert ground.status(boxes[0])[2] == f"sender.test: {cause}"
    _is_told(ground, scope="domain", domain="sender.test", cause=cause)


def test_what_a_paused_mailbox_did_does_not_pause_its_neighbours(ground: Ground):
    bad = ground.mailbox("mbx_bad", "bad@other.test")
    ground.sent(20, mailbox_id=bad)
    bounce(ground, 6, bad)
    assert ground.status(bad)[0] == "paused"
    ground.sent(100)
    bounce(ground, 1)
    assert ground.status()[0] == "active"
    assert ground.ask("SELECT status FROM tenants")[0].status == "active"


LENIENT = [Reputation(mode="off"), Reputation(mode="warn"), Reputation(pause_bounce_rate=60)]


@pytest.mark.parametrize("rule", LENIENT, ids=["off", "warn", "higher"])
def test_a_mailbox_is_paused_by_its_own_policy_alone_and_so_are_its_domain_and_tenant(both: Ground, rule: Reputation):
    ground = both
    ground.own_rules[MAILBOX] = rule
    ground.sent(20)
    bounce(ground, 5)
    assert ground.counts()["bounced"] == 5
    assert ground.status() == ("active", "", "")
    other = ground.mailbox("mbx_2", "b@sender.test")
    bounce(ground, 1, other)
    assert ground.status(other)[0] == "active"
    assert ground.ask("SELECT status FROM tenants")[0].status == "active"
    assert ground.events("mailbox.paused") == []


def test_a_stricter_policy_pauses_earlier_and_names_the_cause(both: Ground):
    ground = both
    ground.own_rules[MAILBOX] = Reputation(min_bounces=2, pause_bounce_rate=1)
    ground.sent(3)
    bounce(ground, 2)
    assert ground.status() == ("paused", "reputation", "2 of 3 bounced in 24 hours")
    assert ground.event("alert.raised")["cause"] == "2 of 3 bounced in 24 hours"
    assert len(ground.ask("SELECT id FROM investigations WHERE kind = 'reputation'")) == 1


@pytest.mark.parametrize("status", ["active", "paused"])
def test_resuming_begins_the_counts_anew_wherever_the_rule_would_go_on_refusing(both: Ground, status: str):
    ground, strict = both, Reputation(min_bounces=2, pause_bounce_rate=1)
    ground.sent(4)
    bounce(ground, 4)
    if status == "paused":
        ground.do(lambda c: pause_mailbox(c, MAILBOX, by="tim", cause="", now=NOW))
    assert ground.do(lambda c: resume_mailbox(c, MAILBOX, rule=strict, by="tim", now=NOW + 1))
    assert (ground.status()[0], ground.counts()) == ("active", {})
    assert len(ground.events("mailbox.resumed")) == 1


def test_resuming_what_a_person_paused_leaves_good_counts_alone(both: Ground):
    ground = both
    ground.sent(20)
    ground.do(lambda c: pause_mailbox(c, MAILBOX, by="tim", cause="", now=NOW))
    ground.do(lambda c: resume_mailbox(c, MAILBOX, rule=Reputation(), by="tim", now=NOW + 1))
    assert ground.counts() == {"sent": 20, "delivered": 20}
    assert not ground.do(lambda c: resume_mailbox(c, MAILBOX, rule=Reputation(), by="tim", now=NOW + 2))
