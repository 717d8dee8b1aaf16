"""Rule 7: every message has a class with its reasons, and a mailbox may be bound to one."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace


def test_a_receipt_is_transactional_and_an_offer_commercial_with_reasons(gate: Gate):
    agent = gate.mailbox()
    one = checked(trace(gate, taken(agent.submit("k1@example.com"))), "content_classification", "passed")
    other = taken(agent.submit("k1@example.com", agent.offer("k1@example.com")))
    two = checked(trace(gate, other), "content_classification", "passed")
    assert (one["type"], two["type"]) == ("transactional", "commercial")
    assert one["score"] < 0.5 < two["score"]
    assert all(feature["name"] and feature["weight"] for feature in one["features"] + two["features"])


def test_a_mailbox_for_transactional_mail_refuses_an_offer(gate: Gate):
    agent = gate.mailbox(allowedClasses=["transactional"])
    said = refused(agent.submit("k2@example.com", agent.offer("k2@example.com")))
    assert said.verdict == (550, "5.7.1", "class_not_allowed", "human", "ask_human")
    assert said.detail == f"{agent.name} may send transactional mail, this is commercial"
    checked(trace(gate, said.send), "content_classification", "failed", type="commercial")
    assert events(gate, said.send) == ["send.blocked"]
    taken(agent.submit("k2@example.com"))


def test_a_client_may_only_make_the_class_stricter(gate: Gate):
    agent = gate.mailbox()
    claimed = agent.receipt("k3@example.com", "X-Gatepost-Class: commercial")
    checked(
        trace(gate, taken(agent.submit("k3@example.com", claimed))),
        "content_classification",
        "passed",
        type="commercial",
        claim="commercial",
    )
    denied = agent.offer("k3@example.com", "X-Gatepost-Class: transactional")
    checked(
        trace(gate, taken(agent.submit("k3@example.com", denied))),
        "content_classification",
        "passed",
        type="commercial",
    )
    assert b"X-Gatepost" not in gate.arrived("k3@example.com", 2)
