"""Rule 2: a paused mailbox sends nothing until a person resumes it."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, states, taken, trace, waits_for
from tests.support.waiting import until


def test_a_paused_mailbox_is_refused_at_mail_with_the_cause(gate: Gate):
    agent = gate.mailbox()
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause", {"cause": "sends nonsense"})
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.verdict == (550, "5.7.1", "mailbox_paused", "human", "ask_human")
    assert said.detail == f"{agent.name} is paused by a person, sends nonsense"


def test_a_pause_holds_for_a_client_that_is_connected_already(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        taken(client.submit(agent.address, ["ann@example.com"], agent.receipt("ann@example.com")))
        gate.call("POST", f"/v1/mailboxes/{agent.id}/pause", {"cause": "stop"})
        assert refused(client.command(f"MAIL FROM:<{agent.address}>")).reason == "mailbox_paused"
        gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
        taken(client.submit(agent.address, ["ann@example.com"], agent.receipt("ann@example.com")))


def test_an_agents_key_pauses_its_own_mailbox_and_cannot_resume_it(gate: Gate):
    agent = gate.mailbox()
    key = gate.call("POST", "/v1/me/keys", {"label": "own", "scope": f"agent:{agent.address}"}, 201)["key"]
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause", {"cause": "I loop"}, key=key)
    assert "by its own key" in refused(agent.submit("bob@example.com")).detail
    told = gate.call("POST", f"/v1/mailboxes/{agent.id}/resume", None, 403, key=key)
    assert told["code"] == "human_decision_required"


def test_pause_reply_hold_takes_the_mail_and_lets_a_person_decide(gate: Gate):
    agent = gate.mailbox(options={"pause_reply": "hold"})
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause")
    send = taken(agent.submit("bob@example.com"), "held for approval")
    told = trace(gate, send)
    assert (told["decision"], told["rule"]) == ("held", "mailbox_active")
    checked(told, "mailbox_active", "failed")
    assert events(gate, send) == ["send.held"]


def test_pause_reply_451_lets_the_client_keep_its_mail(gate: Gate):
    agent = gate.mailbox(options={"pause_reply": "451"})
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause")
    said = refused(agent.submit("bob@example.com"))
    assert said.verdict == (451, "4.7.0", "mailbox_paused", "3600", "ask_human")


@pytest.mark.parametrize("pause_reply", ["550", "451", "hold"])
def test_what_a_pause_keeps_in_the_queue_says_so_and_goes_at_once_when_it_is_lifted(gate: Gate, pause_reply: str):
    agent = gate.mailbox(options={"pause_reply": pause_reply}, autonomyLevel="human_approved")
    to = f"waits-{agent.name}@example.com"
    send = taken(agent.submit(to), "held for approval")
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause", {"cause": "stop"})
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    until(lambda: waits_for(gate, send) == "mailbox_paused")
    assert states(gate, send) == {to: "queued"}
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    gate.arrived(to)
