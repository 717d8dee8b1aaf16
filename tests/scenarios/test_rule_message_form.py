"""Rule 5: what a later parser could stumble over does not get in."""

import json
from email.message import EmailMessage

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
    assert events(gate, said.send)[0] == "send.blocked"  # that it has no subject is told beside


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


@pytest.mark.parametrize(
    "wish", ["X-Gatepost-Send-At: 9999-12-31T23:59:59-23:59", 'X-Gatepost-Metadata: {"a": "\\ud800"}']
)
def test_a_wish_that_cannot_be_heard_is_refused_for_good(gate: Gate, wish: str):
    agent = gate.mailbox()
    said = refused(agent.submit("wish@example.com", agent.receipt("wish@example.com", wish)))
    assert (said.code, said.reason, said.retry) == (554, "malformed_message", "never")
    assert gate.call("GET", "/v1/sends?limit=5")["data"]


def test_a_wish_is_understood_as_mail_libraries_write_it(gate: Gate):
    wishes = {"Campaign": "Frühling", "Dedupe-Key": "k" * 120, "Metadata": json.dumps({"deal": "d" * 90})}
    header = EmailMessage()
    for name, value in wishes.items():
        header[f"X-Gatepost-{name}"] = value
    agent = gate.mailbox()
    taken(
        agent.submit(
            "wish@example.com",
            header.as_bytes().rstrip().replace(b"\n", b"\r\n") + b"\r\n" + agent.receipt("wish@example.com"),
        )
    )
    (sent,) = gate.call("GET", f"/v1/sends?mailboxId={agent.id}")["data"]
    assert sent["campaign"] == "Frühling"
    assert (sent["dedupeKey"], sent["metadata"]) == ("k" * 120, {"deal": "d" * 90})


@pytest.mark.parametrize("subject", [b"=?utf-7?Q?Your_+2AA-_order?=", b"=?utf-8?Q?Your=00order?="])
def test_a_subject_that_no_store_could_keep_is_kept_without_what_is_wrong(gate: Gate, subject: bytes):
    agent = gate.mailbox()
    receipt = agent.receipt("odd@example.com")
    start = receipt.index(b"Subject: ") + 9
    reply = agent.submit("odd@example.com", receipt[:start] + subject + receipt[receipt.index(b"\r\n", start) :])
    assert reply.code in (250, 554)
