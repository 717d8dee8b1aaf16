"""Bounces as servers write them, and as nobody should."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.feedback.parse import parse_feedback
from relay.mail.bounce import read_notices
from relay.mail.bounce_parts import ORIGINALS, Fields
from relay.mail.bounce_reason import Said, judge
from relay.mail.bounce_text import MAX_LEAD, MAX_LOCAL, MAX_SIGNS, addresses, codes_in
from relay.mail.dsn import MAX_RECIPIENTS, read_delivery_status
from relay.mail.notice import MAX_DIAGNOSTIC, make

DSN = """From: MAILER-DAEMON@mx.example.net
To: agent@example.com
Subject: Undelivered Mail Returned to Sender
Date: Thu, 01 Jan 2026 10:00:00 +0100
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example.net.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

{groups}
--b
Content-Type: text/rfc822-headers

Message-ID: <send_1@example.com>
X-Gatepost-Send: send_1

--b--
"""


def group(recipient="bob@example.org", action="failed", status="5.1.1", said="smtp; 550 5.1.1 User unknown", more=""):
    return (
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {said}\n{more}\n"
    )


def read(*groups):
    return read_notices(DSN.format(groups="\n".join(groups)).encode())


def test_an_unknown_user_is_hard_and_names_the_message():
    [notice] = read(group())
    assert (notice.kind, notice.recipient, notice.status, notice.reply_code) == (
        "bounced",
        "bob@example.org",
        "5.1.1",
        "550",
    )
    assert (notice.reason, notice.hard, notice.message_id) == ("userunknown", True, "send_1@example.com")


@pytest.mark.parametrize("kind", ORIGINALS)
def test_our_own_fields_of_the_returned_mail_come_along(kind):
    mail = DSN.format(groups=group()).replace("text/rfc822-headers", kind)
    [event] = parse_feedback(mail.encode())
    assert event.metadata == {"x-gatepost-send": "send_1"}


def test_times_are_told_in_utc():
    [event] = parse_feedback(DSN.format(groups=group()).encode())
    assert event.as_json()["timestamp"] == "2026-01-01T09:00:00Z"


def test_who_has_no_whole_address_in_the_fields_is_the_one_listed_in_the_text_if_there_is_one():
    listed = DSN.replace(
        "host mx.example.net.\n", "host mx.example.net.\n\n<ann@example.org>: no\n<bob@example.org>: no\n"
    )
    told = listed.format(groups="\n".join([group("ann@example.org"), group("bob"), group("")])).encode()
    assert [notice.recipient for notice in read_notices(told)] == ["ann@example.org", "bob@example.org", ""]


def test_each_recipient_gets_an_event_of_its_own():
    notices = read(group("a@x.org"), group("b@x.org", status="5.2.2", said="smtp; 552 5.2.2 Mailbox full"))
    assert [(one.recipient, one.reason, one.hard) for one in notices] == [
        ("a@x.org", "userunknown", True),
        ("b@x.org", "mailboxfull", False),
    ]


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_l5_only_failed_can_suppress(action):
    [notice] = read(group(action=action))
    assert notice.kind in {"deferred", "delivered"}
    assert not notice.hard


def test_a_policy_refusal_never_suppresses_whatever_its_words():
    [notice] = read(group(status="5.7.1", said="smtp; 550 5.7.1 User unknown"))
    assert not notice.hard


def test_a_temporary_code_never_suppresses():
    [notice] = read(group(status="4.4.4", said="smtp; 450 4.4.4 Domain not found"))
    assert not notice.hard


def test_a_refused_sender_does_not_suppress_the_recipient():
    [notice] = read(group(status="5.0.0", said="smtp; 550 Sender address rejected: Domain not found"))
    assert (notice.reason, notice.hard) == ("rejected", False)


def test_l5_a_status_that_is_none_is_ignored():
    [notice] = read(group(status="9.9.9", said="smtp; something"))
    assert (notice.status, notice.hard) == ("", False)


def test_l5_ten_thousand_recipients_are_bounded():
    notices = read(*(group(f"u{number}@x.org") for number in range(10_000)))
    assert 0 < len(notices) <= MAX_RECIPIENTS


def test_l5_recipients_are_bounded_over_all_status_parts_together():
    part = "--b\nContent-Type: message/delivery-status\n\n" + "\n".join([group()] * 60) + "\n"
    mail = "Content-Type: multipart/report; boundary=b\n\n" + part * 40 + "--b--\n"
    assert len(read_notices(mail.encode())) == MAX_RECIPIENTS


def test_l5_a_long_text_costs_many_recipients_its_beginning_alone():
    said = Said(context="x " * 8_000_000)
    for _ in range(4_000):  # were all of it gone over for each of them, the test's timeout would end it
        assert len(make("bounced", "bob@example.org", said, "", None, Fields()).diagnostic) == MAX_DIAGNOSTIC


def test_l5_nothing_is_injected_by_a_recipient_field():
    [notice] = read(group("bob@example.org\x00\x1b[31m\x07"))
    assert notice.recipient.isprintable()


def test_l5_five_hundred_nested_reports_are_survived():
    mail = DSN.format(groups=group()).encode()
    for _ in range(500):
        mail = (
            b"Content-Type: multipart/report; boundary=n\n\n--n\nContent-Type: message/rfc822\n\n" + mail + b"\n--n--\n"
        )
    assert isinstance(read_notices(mail), tuple)


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\x00" * 10_000,
        b"\r" * 100_000,
        b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n--",
        b"Content-Type: text/plain; charset=us-\0ascii\n\nx",
        b"Content-Type: text/plain; charset=idna\n\n" + b"\xff" * 5_000,
        b"Content-Type: text/plain; charset=zlib\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Subject: =?utf-8?b?////?= =?x?q?=?=\nFrom: mailer-daemon@x\n\nbob@example.org",
        b"From: mailer-daemon@x\n\n" + b"@" * 200_000,
        b"From: mailer-daemon@x\n\n" + b"<" * 200_000,
        b"From: mailer-daemon@x\nContent-Type: text/html\n\n" + b"<" * 200_000,
        b"From: mailer-daemon@x\n\n" + b'"' * 100_000 + b"@x.org",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    ],
    ids=range(13),
)
def test_l5_junk_is_read_without_an_error(mail):
    assert isinstance(parse_feedback(mail), list)


def test_the_middle_of_forty_megabytes_is_not_looked_at():
    mail = DSN.format(groups=group()).encode() + b"x" * (40 << 20)
    assert read_notices(mail)[0].hard


def test_l7_a_vacation_notice_is_no_bounce():
    [event] = parse_feedback(
        b"From: Bob <bob@example.org>\nTo: agent@example.com\nSubject: Out of office\nAuto-Submitted: auto-replied\n"
        b"In-Reply-To: <send_1@example.com>\n\nUser unknown to the office until Monday."
    )
    assert (event.event_type, event.hard, event.message_id) == ("autoresponded", False, "send_1@example.com")


def test_ordinary_mail_is_no_feedback():
    assert parse_feedback(b"From: bob@example.org\nTo: agent@example.com\nSubject: Hello\n\nShall we meet?") == []


@pytest.mark.parametrize(
    ("told", "kind"), [("abuse", "complained"), ("not-spam", "complained"), ("opt-out", "unsubscribed")]
)
def test_l6_a_complaint_is_never_a_hard_bounce(told, kind):
    mail = (
        "From: fbl@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {told}\nVersion: 1\n\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <send_1@example.com>\nTo: bob@example.org\n\nHi\n--b--\n"
    )
    [event] = parse_feedback(mail.encode())
    assert (event.event_type, event.hard, event.feedback_type) == (kind, False, told)
    assert (event.recipient, event.message_id) == ("bob@example.org", "send_1@example.com")


def test_l6_a_redacted_complaint_still_names_the_message():
    mail = (
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n"
        b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <send_1@example.com>\nTo: redacted\n\nHi\n--b--\n"
    )
    [event] = parse_feedback(mail)
    assert (event.recipient, event.message_id) == ("", "send_1@example.com")


def plain(body: str, sender: str = "MAILER-DAEMON@mx.example.net") -> bytes:
    return f"From: {sender}\nTo: agent@example.com\nSubject: failure notice\n\n{body}".encode()


def steps(data: bytes) -> int:
    """How many calls it takes to read a mail: a measure that no clock and no other process disturbs."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1

    sys.setprofile(count)
    try:
        read_notices(data)
    finally:
        sys.setprofile(None)
    return seen[0]


@pytest.mark.parametrize("unit", ["@", "a@b ", "a@", '"@', "@b.", "to:a@b,", '""@b', "aaaaaaaaaaaaaaaa@"])
def test_l5_twice_the_at_signs_cost_twice_the_steps_and_few_of_them(unit):
    line = (unit * 1_000)[:990] + "\n"
    half, whole = plain(line * 30), plain(line * 60)
    assert steps(whole) < 2.2 * steps(half)
    assert steps(whole) < 3 * len(whole)


def test_l5_of_a_field_or_line_without_end_the_first_addresses_are_looked_at():
    signs, listed = "@" * 4_000_000, "a@b " * 1_000_000
    for _ in range(500):  # were every sign of them looked at, the test's timeout would end it
        assert addresses(signs) == ()
        assert len(addresses(listed)) == MAX_SIGNS


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("<bob@example.org>: unknown", ((1, "bob@example.org"),)),
        ("to a@x.org, b@y.org.", ((3, "a@x.org"), (12, "b@y.org"))),
        ('for "bob smith"@example.org', ((4, '"bob smith"@example.org'),)),
        ("a@b@c", ((0, "a@b"), (2, "b@c"))),
        ('@@@ bob@ @x.org x@- "@x.org', ()),
        ("x" * 200 + "@y.org", ((72, "x" * MAX_LOCAL + "@y.org"),)),
    ],
)
def test_addresses_are_found_with_their_places(line, found):
    assert addresses(line) == found


@given(st.text(st.sampled_from('@@a.b-_"<> :,ü\t'), max_size=200))
def test_every_address_stands_where_it_is_said_to(line):
    for place, address in addresses(line):
        local, _, domain = address.rpartition("@")
        assert line.startswith(f"{local}@", place)
        assert "@" not in local or local.startswith('"')
        assert line[place + len(local) + 1 :].lstrip(".-").startswith(domain)


def test_a_recipient_is_named_by_the_words_before_it_however_long_the_line():
    body = "x" * 2 * MAX_LEAD + " RCPT TO:  <bob@example.org>\n550 5.1.1 User unknown\n"
    [notice] = read_notices(plain(body))
    assert (notice.recipient, notice.hard) == ("bob@example.org", True)


@pytest.mark.parametrize(
    ("body", "reason", "hard"),
    [
        (
            (
                "Hi. This is the qmail-send program at mx.\n\n<bob@example.org>:\n"
                "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n"
            ),
            "userunknown",
            True,
        ),
        (
            (
                "The following address(es) failed:\n\n  bob@example.org\n    SMTP error from remote mail server after "
                "RCPT TO:<bob@example.org>:\n    host mx.example.org [192.0.2.1]: 550 No such user\n"
            ),
            "userunknown",
            True,
        ),
        (
            (
                "The following address(es) failed:\n\n  bob@example.org\n    SMTP error from remote mail server after "
                "end of data:\n    host mx.example.org [192.0.2.1]: 550 No such user\n"
            ),
            "filtered",
            False,
        ),
        (
            (
                "<bob@example.org>: host mx.example.org[192.0.2.1] said: 550 5.7.1 Service unavailable; Client host "
                "[192.0.2.9] blocked using zen.spamhaus.org (in reply to RCPT TO command)\n"
            ),
            "blocked",
            False,
        ),
        ("<bob@example.org>: unable to deliver: Disk quota exceeded\n", "mailboxfull", False),
    ],
)
def test_what_servers_write_for_people_is_understood(body, reason, hard):
    [notice] = read_notices(plain(body))
    assert (notice.recipient, notice.reason, notice.hard) == ("bob@example.org", reason, hard)


def test_recipients_without_a_blank_line_between_them_are_still_two():
    status = read_delivery_status(group("a@x.org").strip("\n") + "\n" + group("b@x.org"))
    assert [one.recipient for one in status.recipients] == ["a@x.org", "b@x.org"]


SEED = DSN.format(groups=group() + "\n" + group("a@x.org", said="smtp; 552 5.2.2 full")).encode()


@given(st.binary(max_size=2_000))
def test_l5_no_bytes_at_all_raise(data):
    for event in parse_feedback(data):
        json.dumps(event.as_json())


@given(st.lists(st.tuples(st.integers(0, len(SEED)), st.binary(max_size=8)), max_size=6))
def test_l5_no_damage_to_a_report_raises(damage):
    mail = bytearray(SEED)
    for place, piece in damage:
        mail[place : place + 3] = piece
    for event in parse_feedback(bytes(mail)):
        json.dumps(event.as_json())


REPLIES = [
    ("userunknown", "RCPT", "550 5.1.1 <x@y.z>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("userunknown", "RCPT", "550-5.1.1 The email account that you tried to reach does not exist. Please try"),
    ("userunknown", "RCPT", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
    ("userunknown", "RCPT", "550 No Such User Here"),
    ("filtered", "DATA", "550 No Such User Here"),
    ("filtered", "RCPT", "554 5.7.1 <x@y.z>: Recipient address rejected: user unknown"),
    ("hostunknown", "", "550 5.1.2 <x@y.z>... Host unknown (Name server: y.z: host not found)"),
    ("networkerror", "", "Name service error for name=y.z type=MX: Host not found, try again"),
    ("networkerror", "", "554 5.4.6 Hop count exceeded - possible mail loop"),
    ("expired", "", "connect to mx.y.z[192.0.2.1]:25: Connection timed out"),
    ("mailboxfull", "RCPT", "552-5.2.2 The email account that you tried to reach is over quota. Please direct"),
    ("suspend", "RCPT", "550 5.2.1 The email account that you tried to reach is disabled."),
    ("mesgtoobig", "MAIL", "552 5.3.4 Message size exceeds fixed maximum message size (10485760)"),
    ("exceedlimit", "DATA", "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"),
    ("blocked", "CONN", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    ("blocked", "RCPT", "450 4.2.0 <x@y.z>: Recipient address rejected: Greylisted"),
    ("badreputation", "DATA", "421-4.7.0 This message is suspicious due to the very low reputation of the sending IP"),
    ("requireptr", "CONN", "550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record"),
    ("requireptr", "RCPT", "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"),
    ("spamdetected", "DATA", "550 5.7.1 Our system has detected that this message is likely unsolicited mail."),
    ("virusdetected", "DATA", "550 This message contains malware (Eicar-Test-Signature)"),
    ("policyviolation", "DATA", "554 5.7.9 Message not accepted for policy reasons."),
    ("rejected", "RCPT", "550 Sender address rejected: Domain not found"),
    ("rejected", "RCPT", "550-Verification failed for <a@b.c> 550-No Such User Here 550 Sender verify failed"),
    ("norelaying", "RCPT", "554 5.7.1 <x@y.z>: Relay access denied"),
    ("authfailure", "DATA", "550-5.7.26 Unauthenticated email from b.c is not accepted due to domain's DMARC policy"),
    ("speeding", "RCPT", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents"),
    ("toomanyconn", "CONN", "421 4.7.0 mx.y.z Error: too many connections from 192.0.2.1"),
    ("systemfull", "MAIL", "452 4.3.1 Insufficient system storage"),
    ("notaccept", "RCPT", "556 5.1.10 y.z does not accept mail (nullMX)"),
    ("hasmoved", "RCPT", "551 5.1.6 The mailbox has moved, new address is z@y.z"),
    ("userunknown", "", "550 5.0.350 Remote server returned an error -> 550 5.1.1 User unknown"),
    ("userunknown", "DATA", "552 1 Requested mail action aborted, mailbox not found"),
    ("suspend", "RCPT", "550 Domain frozen due to non-payment"),
    ("spamdetected", "DATA", "554 DT:SPM 163 smtp5,D9GowAC3v,1 https://mail.163.com/help/spam"),
    ("toomanyconn", "RCPT", "550 RP:QRC 163 smtp5 too many receivers"),
    ("speeding", "", "Domain y.z has exceeded the max defers and failures per hour (5/5 (100%)) allowed"),
    ("securityerror", "", "4.7.5 Server certificate not trusted"),
    ("blocked", "MAIL", "550 DY-001 Unfortunately, messages from 192.0.2.1 weren't sent."),
]


@pytest.mark.parametrize(("reason", "command", "reply"), REPLIES)
def test_replies_of_real_servers_have_their_reason(reason, command, reply):
    codes = codes_in(reply)
    judged = judge(Said(reply, "", codes.status, codes.reply, command, "failed"))
    assert judged.reason == reason
    assert judged.hard is (reason in {"userunknown", "hostunknown", "hasmoved", "notaccept"})
