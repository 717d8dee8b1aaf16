"""The notifications we write: readable by our own reader, and never to anybody who must not be told."""

from datetime import UTC, datetime

import pytest

from relay.mail.bounce import read_notices
from relay.mail.header import HeaderBlock
from relay.mail.mime import view
from relay.mail.report import Returned, Undelivered, is_report, is_system_name, may_report, write_report

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ORIGINAL = b"From: agent@example.com\r\nTo: bob@example.org\r\nMessage-ID: <m1@example.com>\r\n\r\nHello\r\n"


def write(*recipients: Undelivered, original: bytes = ORIGINAL, sender: str = "agent@example.com") -> bytes | None:
    return write_report(Returned(sender, original, "send_1", NOW), recipients, "relay.example.com", NOW, "tok1")


def test_our_own_reader_understands_our_report():
    report = write(Undelivered("bob@example.org", "5.1.1", "550 5.1.1 User unknown"))
    assert report is not None
    [notice] = read_notices(report)
    assert (notice.recipient, notice.status, notice.hard) == ("bob@example.org", "5.1.1", True)
    assert notice.message_id == "m1@example.com"


@pytest.mark.parametrize("to", ["bob@example.org", "b\u00f6b@example.org"])
def test_a_report_is_known_by_the_part_that_says_what_became_of_a_message(to):
    report = write(Undelivered(to, "5.1.1", "550 no"))
    assert report is not None
    assert is_report(view(report).root)
    assert not is_report(view(report.replace(b"delivery-status; charset", b"x; charset").replace(b"/del", b"/x")).root)


def test_mail_systems_sign_with_few_names():
    names = ("", "Mail Delivery System", "Message Delivery Subsystem", "MAILER-DAEMON", "Postmaster")
    assert all(map(is_system_name, names))
    assert not any(map(is_system_name, ("IT Helpdesk", "Postmaster of Acme", "Mail Delivery System: sign in")))


def test_every_recipient_stands_in_the_report():
    report = write(*(Undelivered(f"u{number}@example.org", "5.1.1", "550 no") for number in range(5)))
    assert report is not None
    assert len(read_notices(report)) == 5


def test_l2_a_report_says_that_it_is_automatic():
    report = write(Undelivered("bob@example.org", "5.1.1", "550 no"))
    assert report is not None
    header = HeaderBlock.parse(report)
    assert header.get(b"auto-submitted") == b"auto-replied"
    assert not may_report("agent@example.com", header)


@pytest.mark.parametrize("sender", ["", "<>", "mailer-daemon@example.com", "owner-list@example.com"])
def test_l2_the_null_sender_and_its_kin_are_never_told(sender):
    assert write(Undelivered("bob@example.org", "5.1.1", "550 no"), sender=sender) is None


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <x.example.com>", "X-Loop: a"]
)
def test_l2_automatic_mail_is_never_answered(field):
    original = f"{field}\r\n".encode() + ORIGINAL
    assert write(Undelivered("bob@example.org", "5.1.1", "550 no"), original=original) is None


def test_auto_submitted_no_may_be_told():
    assert write(Undelivered("bob@example.org", "5.1.1", "550 no"), original=b"Auto-Submitted: no\r\n" + ORIGINAL)


def test_what_a_server_said_cannot_break_out_of_its_line():
    report = write(Undelivered("bob@example.org", "5.1.1", "550 no\r\nBcc: evil@example.net\r\n\r\n--x\x1b[2J"))
    assert report is not None
    assert b"\r\nBcc:" not in report
    assert b"\x1b" not in report


def test_no_line_is_longer_than_the_standard_allows():
    report = write(Undelivered("bob@example.org", "5.1.1", "x" * 5_000))
    assert report is not None
    assert max(map(len, report.split(b"\r\n"))) <= 998
    assert b"\n" not in report.replace(b"\r\n", b"")


def test_an_address_beyond_ascii_takes_the_global_form():
    report = write(Undelivered("böb@example.org", "5.1.1", "550 no"))
    assert report is not None
    assert b"message/global-delivery-status" in report
    assert read_notices(report)[0].recipient == "böb@example.org"


def test_of_the_original_only_the_header_returns():
    report = write(Undelivered("bob@example.org", "5.1.1", "550 no"))
    assert report is not None
    assert b"Message-ID: <m1@example.com>" in report
    assert b"Hello" not in report
