"""Rule 1: the kill switch of a tenant stops all its mailboxes at once."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken


def test_a_paused_tenant_is_refused_at_mail_and_others_are_not(gate: Gate):
    agent = gate.mailbox(tenant="acme", fromAddress="one@acme.test")
    other = gate.mailbox()
    with agent.connect() as client:
        taken(client.submit(agent.address, ["t1@example.com"], agent.receipt("t1@example.com")))
        gate.pause_tenant("acme", "breach")
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.verdict == (550, "5.7.1", "tenant_paused", "human", "ask_human")
    assert said.detail == "the tenant is paused, breach"
    taken(other.submit("t1@example.com"))
