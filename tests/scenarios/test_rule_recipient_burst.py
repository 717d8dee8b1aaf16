"""Rule 19: an agent that writes to a crowd in a few minutes is stopped for a few minutes."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken

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


def test_a_bulk_mailbox_has_none(gate: Gate):
    agent = gate.mailbox(RULE, role="bulk")
    for n in range(5):
        taken(agent.submit(f"bulk{n}@example.com"))
