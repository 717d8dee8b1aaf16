"""Rule 16: some minutes between two commercial messages to one person."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

RULE = {"cooldown": {"mode": "enforce", "minutes": 10}}


def test_a_second_offer_within_ten_minutes_waits_and_then_passes(gate: Gate):
    agent, to = gate.mailbox(RULE), "cool@example.com"
    taken(agent.submit(to, agent.offer(to)))
    said = refused(agent.submit(to, second := agent.offer(to)))
    assert said.verdict[:3] == (451, "4.7.0", "cooldown")
    assert said.next == "wait"
    assert 590 <= int(said.retry) <= 600
    told = trace(gate, said.send)
    assert (told["decision"], told["reason"]) == ("deferred", "cooldown")
    assert checked(told, "cooldown", "failed", to)["resets_at"]
    assert events(gate, said.send) == ["send.blocked"]
    taken(agent.submit(to))  # transactional mail does not wait
    gate.later(601)
    taken(agent.submit(to, second))


def test_a_wait_longer_than_a_day_is_permanent_and_still_named(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 3000}}), "long@example.com"
    taken(agent.submit(to, agent.offer(to)))
    said = refused(agent.submit(to, agent.offer(to)))
    assert said.verdict[:3] == (550, "5.7.1", "cooldown")
    assert int(said.retry) > 86_400


def test_where_it_is_for_all_mail_it_is_told_at_rcpt(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 10, "all_mail": True}}), "all@example.com"
    taken(agent.submit(to))
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command(f"RCPT TO:<{to}>"))
    assert said.verdict[:3] == (450, "4.7.0", "cooldown")
