"""A revoked credential ends at the next message, and stays told apart from a wrong one (faults S37)."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken
from tests.support.smtp import Client


def test_a_key_revoked_while_connected_sends_no_further_message(gate: Gate):
    agent, to = gate.mailbox(), "revoked@example.com"
    made = gate.call("POST", "/v1/me/keys", {"label": "k", "scope": f"agent:{agent.address}"}, 201)
    with Client(gate.smtp) as client:
        client.greet()
        assert client.login(agent.address, made["key"]).code == 235
        taken(client.submit(agent.address, [to], agent.receipt(to)))
        gate.call("DELETE", f"/v1/me/keys/{made['id']}", None, 204)
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
        assert said.verdict == (550, "5.7.1", "credential_revoked", "human", "ask_human")
    with Client(gate.smtp) as client:
        client.greet()
        assert client.login(agent.address, made["key"]).enhanced == "5.7.13"
    with Client(gate.smtp) as client:
        client.greet()
        assert client.login(agent.address, made["key"][:-1] + "x").enhanced == "5.7.8"
    gate.arrived(to)


def test_a_key_that_may_only_read_sends_nothing_by_smtp_either(gate: Gate):
    agent = gate.mailbox()
    asked = {"label": "reader", "scope": f"agent:{agent.address}", "permissions": ["read"]}
    made = gate.call("POST", "/v1/me/keys", asked, 201)
    with Client(gate.smtp) as client:
        client.greet()
        assert client.login(agent.address, made["key"]).code == 235
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.verdict == (550, "5.7.1", "permission_missing", "human", "ask_human")
