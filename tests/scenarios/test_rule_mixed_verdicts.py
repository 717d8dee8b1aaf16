"""Recipients who fare differently: by default nobody gets the message, so that it can be sent again whole."""

import pytest

from tests.scenarios.gate import INTERNAL, Gate
from tests.scenarios.verdicts import events, refused, states, taken, trace
from tests.support.waiting import until

CONSENT = {"consent_validation": {"required": True}}


def _agreed(gate: Gate, *addresses: str) -> None:
    for address in addresses:
        gate.call("POST", "/v1/consents", {"email": address}, 201)


def test_reject_all_sends_nothing_names_the_culprits_and_a_corrected_message_passes(gate: Gate):
    agent = gate.mailbox(CONSENT)
    good, bad = [f"good{n}@mixed.example" for n in range(2)], [f"bad{n}@mixed.example" for n in range(2)]
    _agreed(gate, *good)
    message = agent.offer(good[0])
    said = refused(agent.submit([*good, *bad], message))
    assert said.verdict == (550, "5.7.1", "no_consent", "human", "get_consent")
    assert bad[0] in said.detail
    assert bad[1] in said.detail
    assert not any(person in said.detail for person in good)
    assert {r["recipient"]: r["outcome"] for r in trace(gate, said.send)["recipients"]} == dict.fromkeys(
        [*good, *bad], "refused"
    )
    assert events(gate, said.send) == ["send.blocked"]
    taken(agent.submit(good, message))
    for person in good:
        gate.arrived(person)


def test_a_crowd_of_culprits_is_counted_where_they_do_not_fit(gate: Gate):
    agent = gate.mailbox(CONSENT)
    people = [f"somebody.with.a.long.name.{n}@a-rather-long-domain.mixed.example" for n in range(20)]
    said = refused(agent.submit(people, agent.offer(people[0])))
    assert people[0] in said.detail
    assert said.detail.endswith("no consent recorded and 19 more")


def test_a_permanent_verdict_outweighs_a_temporary_one(gate: Gate):
    agent = gate.mailbox(CONSENT | {"cooldown": {"mode": "enforce", "minutes": 10}})
    cool, bad = "cool@mixed.example", "never@mixed.example"
    _agreed(gate, cool)
    taken(agent.submit(cool, agent.offer(cool)))
    for people in ([cool, bad], [bad, cool]):
        assert refused(agent.submit(people, agent.offer(cool))).verdict[:3] == (550, "5.7.1", "no_consent")


def test_of_two_waits_the_longer_is_told(gate: Gate):
    agent = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 10}})
    first, second = "wait1@mixed.example", "wait2@mixed.example"
    taken(agent.submit(first, agent.offer(first)))
    gate.later(300)
    taken(agent.submit(second, agent.offer(second)))
    said = refused(agent.submit([first, second], agent.offer(first)))
    assert said.verdict[:3] == (451, "4.7.0", "cooldown")
    assert 590 <= int(said.retry) <= 600


def test_deliver_passing_sends_to_those_who_pass_and_reports_the_line_the_others_would_have_heard(gate: Gate):
    agent = gate.mailbox(
        CONSENT | {"cooldown": {"mode": "enforce", "minutes": 10}}, options={"mixed": "deliver_passing"}
    )
    good, bad, cool = "pass@mixed.example", "fail@mixed.example", "soon@mixed.example"
    _agreed(gate, good, cool)
    taken(agent.submit(cool, agent.offer(cool)))
    send = taken(agent.submit([good, bad, cool], agent.offer(good)))
    gate.arrived(good)
    assert set(states(gate, send)) == {good}
    told = {r["recipient"]: r["outcome"] for r in trace(gate, send)["recipients"]}
    assert told == {good: "queued", bad: "refused", cool: "refused"}
    assert gate.provider.ledger.copies_for(bad) == 0
    report = b" ".join(gate.arrived(agent.address).split()).decode()
    assert f"Status: 5.7.1 Diagnostic-Code: smtp; 550 5.7.1 no_consent: {bad}: no consent recorded;" in report
    assert f"; retry=human next=get_consent send={send}" in report
    assert "Status: 4.7.0 Diagnostic-Code: smtp; 451 4.7.0 cooldown: " in report


def test_hold_all_asks_once_and_nobody_can_approve_past_a_block(gate: Gate):
    agent = gate.mailbox(CONSENT, options={"mixed": "hold_all"})
    good, bad = "hold1@mixed.example", "hold2@mixed.example"
    _agreed(gate, good)
    message = agent.offer(good)
    send = taken(agent.submit([good, bad], message), "held for approval")
    taken(agent.submit([good, bad], message))  # by a client that did not hear the first answer
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    gate.arrived(good)
    gate.settled(send)
    assert gate.provider.ledger.copies_for(bad) == 0


def test_strict_recipients_fails_the_message_for_one_refused_rcpt(gate: Gate):
    agent = gate.mailbox(options={"strict_recipients": True})
    gate.suppress("strict@mixed.example", reason="manual")
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        assert client.command("RCPT TO:<fine@mixed.example>").code == 250
        assert refused(client.command("RCPT TO:<strict@mixed.example>")).reason == "suppressed"
        final = refused(client.command("DATA"))
    assert final.verdict == (550, "5.7.1", "recipient_refused", "never", "drop_recipient")
    found = until(lambda: gate.call("GET", "/v1/sends", params={"reason": "recipient_refused"})["data"])
    assert [one["sendId"] for one in found] == [final.send]
    assert trace(gate, final.send)["reason"] == "recipient_refused"
    assert gate.provider.ledger.copies_for("fine@mixed.example") == 0


@pytest.mark.parametrize("mixed", ["reject_all", "deliver_passing", "hold_all"])
def test_when_all_are_refused_the_message_is_whatever_the_option(gate: Gate, mixed: str):
    agent = gate.mailbox(CONSENT, options={"mixed": mixed})
    people = [f"all{n}.{mixed}@mixed.example" for n in range(2)]
    assert refused(agent.submit(people, agent.offer(people[0]))).reason == "no_consent"


def test_colleagues_are_written_to_while_the_outside_waits(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    people = ["outside@mixed.example", f"colleague2@{INTERNAL}"]
    send = taken(agent.submit(people), "held for approval")
    gate.arrived(people[1])
    assert states(gate, send)[people[0]] == "held"
