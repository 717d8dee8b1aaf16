"""Rule 24: a mailbox whose rates are sure to be bad sends nothing until a person lifts the pause."""

from tests.scenarios.gate import Agent, Gate
from tests.scenarios.verdicts import refused, taken, trace
from tests.support.script import Script


def test_five_bounces_of_five_pause_the_mailbox_until_a_person_resumes_it(gate: Gate):
    agent = gate.mailbox()
    gone = [f"dead{n}@example.net" for n in range(5)]
    with gate.provider_says(Script().for_recipient(**dict.fromkeys(gone, "550 5.1.1 no such user"))):
        with agent.connect() as client:
            sends = [taken(client.submit(agent.address, [address], agent.receipt(address))) for address in gone]
        gate.settled(*sends)
    gate.later(61)
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.code == 550
    assert said.reason in ("reputation_paused", "mailbox_paused")
    assert (said.retry, said.next) == ("human", "ask_human")
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    taken(agent.submit("alive@example.net"))


def bounced(gate: Gate, agent: Agent, good: int, bad: int) -> None:
    """Mail of which so much arrived and so much came back."""
    gone = [f"{agent.name}-dead{n}@example.net" for n in range(bad)]
    alive = [f"{agent.name}-alive{n}@example.net" for n in range(good)]
    with gate.provider_says(Script().for_recipient(**dict.fromkeys(gone, "550 5.1.1 no such user"))):
        with agent.connect() as client:
            sends = [taken(client.submit(agent.address, [to], agent.receipt(to))) for to in alive + gone]
        gate.settled(*sends)
    gate.later(61)


def test_a_mailbox_whose_policy_has_the_rule_off_is_not_paused(gate: Gate):
    agent = gate.mailbox({"reputation": {"mode": "off"}})
    bounced(gate, agent, 15, 5)
    taken(agent.submit("alive@example.net"))
    assert gate.call("GET", f"/v1/mailboxes/{agent.id}")["status"] == "active"


def test_a_pause_by_a_mailboxs_own_policy_names_its_cause_and_a_person_lifts_it(gate: Gate):
    agent = gate.mailbox({"reputation": {"min_bounces": 2, "pause_bounce_rate": 1}})
    bounced(gate, agent, 3, 2)
    told = gate.call("GET", f"/v1/mailboxes/{agent.id}")
    assert (told["status"], told["pausedBy"], told["cause"]) == ("paused", "reputation", "2 of 5 bounced in 24 hours")
    assert refused(agent.submit("alive@example.net")).reason == "mailbox_paused"
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    taken(agent.submit("alive@example.net"))


def test_counts_that_a_stricter_policy_condemns_pause_at_the_next_message_and_a_person_lifts_it(gate: Gate):
    agent = gate.mailbox({"reputation": {"min_bounces": 100}})
    bounced(gate, agent, 3, 2)
    taken(agent.submit("alive@example.net"))
    gate.change({"policies": {agent.name: {"rules": {"reputation": {"min_bounces": 2, "pause_bounce_rate": 1}}}}})
    gate.later(2)
    said = refused(agent.submit("alive@example.net"))
    assert said.verdict == (550, "5.7.1", "reputation_paused", "human", "ask_human")
    told = trace(gate, said.send)  # a look that waits for the record
    assert told["reason"] == "reputation_paused"
    assert gate.call("GET", f"/v1/mailboxes/{agent.id}")["pausedBy"] == "reputation"
    alerts = gate.call("GET", f"/v1/events?types=alert.raised&mailboxId={agent.id}")["data"]
    assert [event["data"]["alert"] for event in alerts] == ["reputation_paused"]
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    taken(agent.submit("alive@example.net"))
