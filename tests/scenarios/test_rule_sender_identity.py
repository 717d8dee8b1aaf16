"""Rule 3: an agent speaks only as itself, in the envelope and in the header."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, trace

BOSS = "boss@sender.test"


def test_P1_a_foreign_envelope_sender_is_refused_at_mail(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{BOSS}>"))
    assert said.verdict == (550, "5.7.1", "sender_not_allowed", "never", "fix_sender")
    assert said.detail == f"{BOSS} is not an address of {agent.name}"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (f"From: {BOSS}", f"{BOSS} is not an address of "),
        (f"From: {{own}}\r\nSender: {BOSS}", f"{BOSS} is not an address of "),
        (f"From: {{own}}\r\nFrom: {BOSS}", "two From fields"),
        ("From: {own}\r\nResent-From: {own}", "a Resent- field"),
        ("X-Nobody: here", "there is no From field"),
    ],
)
def test_P2_P4_a_foreign_or_unclear_author_is_refused_at_the_dot(gate: Gate, header: str, detail: str):
    agent = gate.mailbox()
    lines = header.replace("{own}", agent.address)
    said = refused(agent.submit("s1@example.com", f"{lines}\r\nSubject: hello\r\n\r\nhello\r\n".encode()))
    assert said.verdict == (550, "5.7.1", "sender_not_allowed", "never", "fix_sender")
    assert said.detail.startswith(detail)
    told = trace(gate, said.send)
    assert (told["decision"], told["rule"], told["reason"]) == ("blocked", "sender_identity", "sender_not_allowed")
    checked(told, "sender_identity", "failed", reason="sender_not_allowed")
    assert events(gate, said.send) == ["send.blocked"]
