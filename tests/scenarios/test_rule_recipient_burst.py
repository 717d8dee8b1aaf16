"""Rule 19: an agent that writes to a crowd in a few minutes is stopped for a few minutes."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken
from tests.support.smtp import stuffed

RULE = {"recipient_burst": {"limit": 3, "minutes": 5}}


def test_an_agents_burst_is_refused_until_the_window_has_room(gate: Gate):
    agent = gate.mailbox(RULE, role="agent")
    for n in range(3):
        taken(agent.submit(f"burst{n}@example.com"))
    taken(agent.submit("burst0@example.com"))  # not a new one
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command("RCPT TO:<burst3@example.com>"))
    assert said.verdict[:3] == (451, "4.7.0", "recipient_burst")
    assert said.detail == "3 of 3 recipients in 5 minutes"
    gate.later(int(said.retry) + 1)
    taken(agent.submit("burst3@example.com"))


@pytest.mark.parametrize("rule", ["recipient_burst", "first_contact_limit"])
def test_the_limit_is_told_at_rcpt_in_the_middle_of_an_envelope(gate: Gate, rule: str):
    agent = gate.mailbox({rule: {"limit": 3}}, role="agent")
    people = [f"middle{n}@{agent.name}.example" for n in range(4)]
    with agent.connect() as client:
        for _ in range(2):  # the same again is new to nobody, but for the one who was refused
            client.command(f"MAIL FROM:<{agent.address}>")
            assert [client.command(f"RCPT TO:<{person}>").code for person in people] == [250, 250, 250, 451]
            client.command("DATA")
            client.send(stuffed(agent.receipt(people[0])))
            taken(client.reply())


def test_a_bulk_mailbox_has_none(gate: Gate):
    agent = gate.mailbox(RULE, role="bulk")
    for n in range(5):
        taken(agent.submit(f"bulk{n}@example.com"))
