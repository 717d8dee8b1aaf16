"""Rule 5: what a later parser could stumble over does not get in."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

MALFORMED = (554, "5.6.0", "malformed_message", "never", "change_content")


@pytest.mark.parametrize(
    ("header", "body", "detail"),
    [
        ("Subject: a\rb", "hello", "bare CR at line 2"),
        ("Subject: hello", "a\0b", "NUL octet at line 4"),
        ("Subject: one\r\nSubject: two", "hello", "two Subject fields at line 3"),
        ("Subject : hello", "hello", "a field name has a blank before the colon at line 2"),
        ("no colon here", "hello", "a header line has no colon at line 2"),
        ("Message-ID: <a@b>\r\nMessage-ID: <c@d>", "hello", "two Message-Id fields at line 3"),
        ("X-Long: " + "x" * 2000, "hello", "a header line is over 998 octets at line 2"),
        ("\r\n".join(f"X-{n}: y" for n in range(1001)), "hello", "the header has more than 1000 lines"),
    ],
)
def test_a_malformed_message_is_refused_and_defect_and_line_named(gate: Gate, header: str, body: str, detail: str):
    agent = gate.mailbox()
    message = f"From: {agent.address}\r\n{header}\r\n\r\n{body}\r\n".encode()
    said = refused(agent.submit("f1@example.com", message))
    assert said.verdict == MALFORMED
    assert said.detail.startswith(detail)
    checked(trace(gate, said.send), "message_form", "failed", reason="malformed_message")
    assert events(gate, said.send) == ["send.blocked"]


def test_more_than_fifty_received_fields_are_a_mail_loop(gate: Gate):
    agent = gate.mailbox()
    hops = "".join(f"Received: by {n}.example.com\r\n" for n in range(51))
    said = refused(agent.submit("f1@example.com", hops.encode() + agent.receipt("f1@example.com")))
    assert said.verdict == (554, "5.4.6", "mail_loop", "never", "change_content")


def test_bare_line_feeds_are_made_crlf_and_the_message_goes_on(gate: Gate):
    agent = gate.mailbox()
    message = agent.receipt("lf@example.com")
    taken(agent.submit("lf@example.com", message.replace(b"\r\n", b"\n") + b"\r\n"))
    assert message.partition(b"\r\n\r\n")[2] in gate.arrived("lf@example.com")


def test_a_limit_of_the_policy_binds_this_mailbox(gate: Gate):
    agent = gate.mailbox({"message_form": {"max_received": 3}})
    hops = "".join(f"Received: by {n}.example.com\r\n" for n in range(4))
    said = refused(agent.submit("f1@example.com", hops.encode() + agent.receipt("f1@example.com")))
    assert (said.code, said.reason) == (554, "mail_loop")
