"""What a mode makes of a finding: enforce refuses, warn and shadow let pass and say so, off does not look."""

from typing import Any

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

RULES: dict[str, dict[str, Any]] = {
    "recipient_allowed": {"domains": ["nowhere.example"]},
    "suppression_check": {},
    "consent_validation": {"required": True},
    "cooldown": {},
    "rate_limit_hourly": {"limit": 0},
    "first_contact_limit": {"limit": 0},
    "content_safety": {"canaries": ["planted-token"]},
    "message_form": {"max_fields": 20},
}


@pytest.mark.parametrize("rule", RULES)
def test_the_same_message_under_every_mode(gate: Gate, rule: str):
    for mode, status in (("warn", "warned"), ("shadow", "shadowed"), ("off", ""), ("enforce", "failed")):
        agent, to = gate.mailbox({rule: RULES[rule] | {"mode": mode}}), f"{rule}.{mode}@example.com"
        if rule == "suppression_check":
            gate.suppress(to, reason="unsubscribe")
        if rule == "cooldown":
            taken(agent.submit(to, agent.offer(to)))
        message = agent.offer(to, *(f"X-{n}: y" for n in range(16))) + b"planted-token\r\n"
        reply = agent.submit(to, message)
        send = refused(reply).send if mode == "enforce" else taken(reply)
        if mode == "enforce" and rule in ("recipient_allowed", "rate_limit_hourly", "first_contact_limit"):
            continue  # told before DATA
        told = trace(gate, send)
        found = [check["status"] for check in told["checks"] if check["rule"] == rule]
        assert found == ([status] if status else [])
        if mode != "enforce":
            assert "send.queued" in events(gate, send)


def test_a_kill_switch_that_is_only_watched_says_so(gate: Gate):
    agent = gate.mailbox({"mailbox_active": {"mode": "shadow"}})
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause")
    checked(trace(gate, taken(agent.submit("watched@example.com"))), "mailbox_active", "shadowed")
