"""Rule 5b: what readers would show differently is held for a person."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, taken, trace

TWO_CHARSETS = "Content-Type: text/plain; charset=utf-8; charset=utf-7"


def test_an_ambiguous_message_is_held_and_the_trace_says_why(gate: Gate):
    agent = gate.mailbox()
    message = agent.receipt("g1@example.com", "X-Name: Zo?").replace(b"Zo?", b"Zo\xeb")
    send = taken(agent.submit("g1@example.com", message), "held for approval")
    told = trace(gate, send)
    assert (told["decision"], told["rule"], told["reason"]) == ("held", "message_ambiguous", "held")
    checked(told, "message_ambiguous", "failed")
    assert events(gate, send) == ["send.held"]


def test_in_mode_warn_it_goes_and_the_trace_says_warned(gate: Gate):
    agent = gate.mailbox({"message_ambiguous": {"mode": "warn"}})
    send = taken(agent.submit("g2@example.com", agent.receipt("g2@example.com", TWO_CHARSETS)))
    checked(trace(gate, send), "message_ambiguous", "warned")
    gate.arrived("g2@example.com")
