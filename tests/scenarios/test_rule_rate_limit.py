"""Rule 20: so much an hour, a day, a month, by the mailbox and by its tenant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.scenarios import letters
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace, waits_for
from tests.support.waiting import until

WORDS = {"hourly": "this hour", "daily": "today", "monthly": "this month"}


@pytest.mark.parametrize(
    ("window", "code", "most"), [("hourly", 451, 3_660), ("daily", 451, 90_000), ("monthly", 550, 2_700_000)]
)
def test_when_nothing_is_left_mail_is_refused_with_the_wait(gate: Gate, window: str, code: int, most: int):
    agent = gate.mailbox({f"rate_limit_{window}": {"limit": 2}})
    for n in range(2):
        told = trace(gate, taken(agent.submit(f"rate{n}@example.com")))
        checked(told, f"rate_limit_{window}", "passed", current=n, limit=2)
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.reason == "rate_limited"
    assert said.detail == f"2 of 2 {WORDS[window]}"
    assert said.next == "wait"
    assert 0 < int(said.retry) <= most
    assert said.code == code


def test_the_hour_slides_and_is_free_again(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1}})
    taken(agent.submit("slide@example.com"))
    said = refused(agent.submit("slide@example.com"))
    assert (said.code, said.enhanced) == (451, "4.7.0")
    gate.later(int(said.retry))
    taken(agent.submit("slide@example.com"))


def test_what_does_not_fit_is_refused_at_rcpt(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 2}})
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        codes = [client.command(f"RCPT TO:<fit{n}@example.com>").code for n in range(3)]
    assert codes == [250, 250, 451]


def test_on_exceed_hold_asks_a_person_and_lets_it_leave_when_there_is_room(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1, "on_exceed": "hold"}})
    taken(agent.submit("hold@example.com"))
    send = taken(agent.submit("hold@example.com"), "held for approval")
    told = trace(gate, send)
    assert (told["decision"], told["rule"]) == ("held", "rate_limit_hourly")
    approved = gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    assert [one["outcome"] for one in approved["ifApproved"]] == ["scheduled"]
    assert events(gate, send) == ["send.held", "send.approved"]
    gate.arrived("hold@example.com", 1)
    gate.later(3700)
    gate.arrived("hold@example.com", 2)


def test_on_exceed_queue_lets_it_leave_when_there_is_room(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1, "on_exceed": "queue"}})
    taken(agent.submit("queue@example.com"))
    send = taken(agent.submit("queue@example.com"))
    told = trace(gate, send)
    assert told["recipients"][0]["outcome"] == "scheduled"
    assert checked(told, "rate_limit_hourly", "passed")["scheduled_for"]
    assert events(gate, send) == ["send.scheduled"]
    gate.arrived("queue@example.com", 1)
    gate.later(3700)
    gate.arrived("queue@example.com", 2)


def test_an_agents_key_may_lower_a_limit_and_never_raise_it(gate: Gate):
    agent = gate.mailbox()
    key = gate.call("POST", "/v1/me/keys", {"label": "own", "scope": f"agent:{agent.address}"}, 201)["key"]
    path = f"/v1/mailboxes/{agent.id}"
    gate.call("PATCH", path, {"rateLimits": {"hourly": 1}}, key=key)
    taken(agent.submit("tight@example.com"))
    said = refused(agent.submit("tight@example.com"))
    assert said.detail == "1 of 1 this hour as tightened for this mailbox"
    told = gate.call("PATCH", path, {"rateLimits": {"hourly": 5}}, 403, key=key)
    assert told["code"] == "human_decision_required"


def test_a_tenants_limit_binds_all_its_mailboxes_together(gate: Gate):
    one = gate.mailbox(tenant="small", fromAddress="one@small.test")
    two = gate.mailbox(tenant="small", fromAddress="two@small.test")
    taken(one.submit("share1@example.com"))
    taken(two.submit("share2@example.com"))
    said = refused(one.submit("share3@example.com"))
    assert said.detail == "2 of 2 this hour for the tenant"


def test_bounces_have_a_bucket_of_their_own(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1}})
    taken(agent.submit("bucket@example.com"))
    bounce = letters.report("mailer-daemon@sender.test", "bucket@example.com", "The mailbox is unknown.")
    with agent.connect() as client:
        taken(client.submit("", ["bucket@example.com"], bounce))


def test_a_clock_set_back_refuses_for_one_window_more_and_no_longer(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 2}})
    gate.later(7 * 86_400)
    taken(agent.submit("back@example.com"))
    taken(agent.submit("back@example.com"))
    gate.later(-7 * 86_400)
    said = refused(agent.submit("back@example.com"))
    assert (said.reason, int(said.retry) <= 3_660) == ("rate_limited", True)
    gate.later(int(said.retry))
    taken(agent.submit("back@example.com"))


def test_scheduled_mail_takes_its_place_in_the_hour_it_leaves_in(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1}})
    tomorrow = datetime.fromtimestamp(gate.clock() // 1000 + 86_400, UTC)

    def ask(to: str, **more: str) -> Any:
        asked = {"mailboxId": agent.id, "to": to, "subject": "Receipt", "text": "Your receipt for order 7."}
        return gate.call("POST", "/v1/send/request", asked | more)

    first = ask("month1@example.com", sendAt=tomorrow.isoformat())
    assert first["status"] == "scheduled"
    full = ask("month2@example.com", sendAt=(tomorrow + timedelta(minutes=30)).isoformat())
    assert (full["status"], full["reason"], full["next"]) == ("blocked", "rate_limited", "wait")
    room = full["detail"].rpartition("room from ")[2]
    assert ask("month2@example.com", sendAt=room)["status"] == "scheduled"
    assert ask("today@example.com")["status"] == "queued"
    gate.arrived("today@example.com")
    gate.later(86_401)
    gate.arrived("month1@example.com")
    assert gate.provider.ledger.copies_for("month2@example.com") == 0
    gate.later(3_700)
    gate.arrived("month2@example.com")


def test_what_people_let_go_together_leaves_at_the_pace_of_the_limit_and_stops_nobody_else(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 2}}, autonomyLevel="human_approved")
    to, sends = [f"let-go{n}@example.com" for n in range(4)], []
    for pair in (to[:2], to[2:]):
        sends += [taken(agent.submit(one), "held for approval") for one in pair]
        gate.later(3_700)
    for send in sends:
        gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    other = gate.mailbox()
    taken(other.submit("besides@example.com"))
    gate.arrived("besides@example.com")
    until(lambda: [waits_for(gate, send) for send in sends] == ["", "", "rate_limited", "rate_limited"])
    assert [gate.provider.ledger.copies_for(one) for one in to] == [1, 1, 0, 0]
    assert events(gate, sends[3]) == ["send.held", "send.approved", "delivery.scheduled"]
    said = refused(agent.submit("over@example.com"))
    assert said.reason == "rate_limited"
    gate.later(3_700)
    gate.arrived(to[2])
    gate.arrived(to[3])


def test_what_is_let_go_late_waits_while_a_limit_is_0(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    send = taken(agent.submit("shut@example.com"), "held for approval")
    gate.later(3_700)
    gate.call("PATCH", f"/v1/mailboxes/{agent.id}", {"rateLimits": {"daily": 0}})
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    until(lambda: waits_for(gate, send) == "rate_limited")
    gate.call("PATCH", f"/v1/mailboxes/{agent.id}", {"rateLimits": {"daily": 5}})
    gate.later(1_000)
    gate.arrived("shut@example.com")
