"""Rule 26: what a mailbox may send without a person."""

from tests.scenarios.gate import INTERNAL, Gate
from tests.scenarios.verdicts import checked, events, refused, states, taken, trace
from tests.support.waiting import until


def test_human_approved_holds_external_mail_and_lets_colleagues_be(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    send = taken(agent.submit("out@example.com"), "held for approval")
    told = trace(gate, send)
    assert (told["decision"], told["rule"], told["reason"]) == ("held", "autonomy_level", "held")
    checked(told, "autonomy_level", "failed", "out@example.com", level="human_approved")
    assert events(gate, send) == ["send.held"]
    inside = f"colleague@{INTERNAL}"
    checked(trace(gate, taken(agent.submit(inside))), "autonomy_level", "skipped", inside)
    gate.arrived(inside)


def test_first_contact_holds_until_something_was_delivered(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="first_contact"), "firstly@example.com"
    send = taken(agent.submit(to), "held for approval")
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    gate.arrived(to)
    until(lambda: states(gate, send)[to] == "delivered", timeout=10)
    taken(agent.submit(to))
    gate.arrived(to, 2)


def test_held_and_passing_recipients_are_split_under_one_id(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    people = ["half@example.com", f"half@{INTERNAL}"]
    send = taken(agent.submit(people), "held for approval")
    gate.arrived(people[1])
    assert {r["recipient"]: r["outcome"] for r in trace(gate, send)["recipients"]} == {
        people[0]: "held",
        people[1]: "queued",
    }


def test_what_policy_blocks_never_reaches_a_person(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    gate.suppress("blocked@example.com", reason="legal")
    said = refused(agent.submit("blocked@example.com"))
    assert said.reason == "suppressed"
    assert not gate.call("GET", f"/v1/approvals?mailboxId={agent.id}")["data"]
