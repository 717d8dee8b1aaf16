"""Rule 21: where it is on, one domain gets so much an hour and the rest follows at that pace."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, taken, trace


def test_what_is_too_much_for_a_domain_is_put_off_and_not_refused(gate: Gate):
    agent = gate.mailbox({"recipient_domain_throttle": {"mode": "enforce", "limit": 100, "domains": {"slow.test": 1}}})
    taken(agent.submit("a@slow.test"))
    send = taken(agent.submit("b@slow.test"))
    told = trace(gate, send)
    assert told["recipients"][0]["outcome"] == "scheduled"
    assert checked(told, "recipient_domain_throttle", "passed", current=1, limit=1, domain="slow.test")["scheduled_for"]
    assert events(gate, send) == ["send.scheduled"]
    gate.later(3601)
    gate.arrived("b@slow.test")
