"""Rule 4: mail leaves only from a domain whose ownership is proven."""

from tests.scenarios.gate import UNPROVEN, Gate
from tests.scenarios.verdicts import checked, refused, taken, trace


def test_an_unproven_domain_is_refused_at_mail_and_told_what_to_publish(gate: Gate):
    agent = gate.mailbox(fromAddress=f"dora@{UNPROVEN}")
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.verdict == (550, "5.7.1", "sender_domain_not_verified", "human", "verify_domain")
    assert said.detail == f"publish the TXT record for {UNPROVEN}"


def test_a_header_from_an_unproven_domain_is_refused_at_the_dot(gate: Gate):
    agent = gate.mailbox(aliases=[f"dan@{UNPROVEN}"])
    alias = f"dan@{UNPROVEN}"
    said = refused(
        agent.submit("d1@example.com", agent.receipt("d1@example.com").replace(agent.address.encode(), alias.encode()))
    )
    assert said.verdict == (550, "5.7.1", "sender_domain_not_verified", "human", "verify_domain")
    checked(trace(gate, said.send), "domain_verified", "failed", domain=UNPROVEN)


def test_a_proven_domain_passes_and_the_trace_names_it(gate: Gate):
    agent = gate.mailbox()
    checked(trace(gate, taken(agent.submit("d2@example.com"))), "domain_verified", "passed", domain="sender.test")


def test_the_proof_of_one_tenant_is_none_for_another(gate: Gate):
    agent = gate.mailbox(fromAddress="early@late.test")
    domains = [*gate.tree["domains"], {"domain": "late.test", "tenant": "acme", "verification": "trusted"}]
    gate.change({"domains": domains})
    said = refused(agent.submit("p4@example.com"))
    assert said.reason == "sender_domain_not_verified"
