"""Rule 11: the operator's own lists of who may be written to."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken

ALLOW = {"addresses": ["ann@other.test"], "domains": ["example.com", ".example.org"]}
BLOCK = {
    "block_addresses": ["bob@example.com", "x+news@example.com", "b.ob@gmail.com"],
    "block_domains": [".rival.test"],
    "role_accounts": "block",
}


@pytest.mark.parametrize(
    ("rule", "address", "passes"),
    [
        (ALLOW, "ann@other.test", True),
        (ALLOW, "bob@other.test", False),
        (ALLOW, "x@example.com", True),
        (ALLOW, "x@sub.example.com", False),
        (ALLOW, "x@deep.sub.example.org", True),
        (ALLOW, "x@example.org", False),
        (BLOCK, "BOB@example.com", False),
        (BLOCK, "bob+tag@example.com", False),
        (BLOCK, "x@example.com", False),
        (BLOCK, "bob@gmail.com", False),
        (BLOCK, "info+z@example.com", False),
        (BLOCK, "x@a.rival.test", False),
        (BLOCK, "postmaster@example.com", False),
        (BLOCK, "ann@example.com", True),
    ],
)
def test_lists_decide_at_rcpt(gate: Gate, rule: dict[str, object], address: str, passes: bool):
    agent = gate.mailbox({"recipient_allowed": rule})
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        reply = client.command(f"RCPT TO:<{address}>")
    if passes:
        assert reply.code == 250
    else:
        assert refused(reply).verdict == (550, "5.7.1", "recipient_not_allowed", "human", "drop_recipient")


def test_in_mode_shadow_it_goes_and_only_the_trace_knows(gate: Gate):
    agent = gate.mailbox({"recipient_allowed": {"mode": "shadow", "domains": ["example.org"]}})
    taken(agent.submit("w1@example.com"))
    gate.arrived("w1@example.com")
