"""Replies: one safe line out, one sound value in."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.reply import EnhancedCode, Reply, refusal

POLICY = EnhancedCode(5, 7, 1)
SEND = "send_01JD0000000000000000000000"


def test_an_enhanced_code_of_another_class_than_its_reply_is_refused() -> None:
    with pytest.raises(ValueError, match="different classes"):
        Reply(451, POLICY, "later")
    for wrong in ((3, 0, 0), (5, 1000, 0), (5, -1, 0)):
        with pytest.raises(ValueError, match="no enhanced"):
            EnhancedCode(*wrong)


def test_an_enhanced_code_is_three_integers_and_reads_as_text() -> None:
    assert POLICY == (5, 7, 1)
    assert (POLICY.subject, POLICY.detail, str(POLICY)) == (7, 1, "5.7.1")
    assert pickle.loads(pickle.dumps(POLICY)) == POLICY


def test_a_refusal_reads_as_the_manual_says() -> None:
    reply = refusal(
        550, POLICY, "suppressed", "bob@example.com unsubscribed 2026-01-02", "never", "drop_recipient", SEND
    )
    assert reply.line() == (
        b"550 5.7.1 suppressed: bob@example.com unsubscribed 2026-01-02; "
        b"retry=never next=drop_recipient send=" + SEND.encode()
    )


def test_a_long_address_is_shortened_and_the_pairs_arrive_whole() -> None:
    clause = f"{'a' * 60}@{'b' * 60}.example.com unsubscribed 2026-01-02"
    line = refusal(550, POLICY, "suppressed", clause, "never", "drop_recipient", SEND).line().decode()
    assert len(line) <= 198
    assert "unsubscribed 2026-01-02; retry=never next=drop_recipient send=" + SEND in line
    assert "aaa...bbb" in line.replace("aaaa", "aaa") or "..." in line
    assert line.count(".example.com") == 1


@given(st.text(max_size=400), st.integers(0, 10**6))
def test_no_echo_breaks_the_line_or_hides_the_pairs(clause: str, seconds: int) -> None:
    line = refusal(451, EnhancedCode(4, 7, 0), "recipient_domain_throttle", clause, seconds, "wait", SEND).line()
    assert len(line) <= 198
    assert re.fullmatch(rb"[ -~]+", line)
    found = re.search(r"retry=(\S+) next=(\S+) send=(\S+)$", line.decode())
    assert found
    assert found.groups() == (str(seconds), "wait", SEND)
    assert line.count(b";") == 1


@given(st.text())
def test_a_reply_of_ours_is_printable_ascii_of_at_most_200_octets(text: str) -> None:
    line = Reply(250, EnhancedCode(2, 0, 0), text).line()
    assert len(line) <= 198
    assert re.fullmatch(rb"[ -~]+", line)


@pytest.mark.parametrize(
    ("code", "text", "enhanced", "kept"),
    [
        (550, "5.1.1 No such user", (5, 1, 1), "No such user"),
        (550, "5.1.1 The account\n5.1.1 does not exist", (5, 1, 1), "The account\ndoes not exist"),
        (454, "[4.7.0] Throttling failure", (4, 7, 0), "Throttling failure"),
        (550, "(#5.1.1) unknown", (5, 1, 1), "unknown"),
        (250, "2.0.0 OK  1700000000 abc - gsmtp", (2, 0, 0), "OK  1700000000 abc - gsmtp"),
        (250, "Ok 0100018f", None, "Ok 0100018f"),
        (450, "5.1.1 confused", None, "5.1.1 confused"),
        (550, "5.1.1.2 is your address", None, "5.1.1.2 is your address"),
        (550, "", None, ""),
    ],
)
def test_a_provider_s_reply_is_read_with_its_enhanced_code(
    code: int, text: str, enhanced: tuple[int, int, int] | None, kept: str
) -> None:
    reply = Reply.received(code, text)
    assert (reply.code, reply.enhanced, reply.text) == (code, enhanced, kept)


@pytest.mark.parametrize("code", [199, 0, -1, 600, 999])
def test_R48_a_code_no_server_may_give_is_a_failure_for_now(code: int) -> None:
    reply = Reply.received(code, "what\x1b[31m")
    assert reply.is_for_now()
    assert str(code) in reply.text


def test_R48_a_hostile_text_is_bounded_and_escaped() -> None:
    reply = Reply.received(550, b"<b>\x1b[31m\xff\0" + b"x" * 100_000)
    assert reply.text.startswith("<b>\\x1b[31m\\xff\\x00xxx")
    assert len(reply.text) <= 2000


def test_a_quoted_reply_is_read_with_its_code() -> None:
    reply = Reply.read("550-5.1.1 The email account\r\n550 5.1.1 does not exist")
    assert reply == Reply(550, EnhancedCode(5, 1, 1), "The email account\ndoes not exist")
    assert Reply.read("no code here") is None
    assert Reply.read("5500 x") is None


def test_too_many_recipients_passes_with_time_whatever_its_digit() -> None:
    assert Reply(552, None, "too many").is_for_now("RCPT")
    assert not Reply(552, None, "too big").is_for_now("DATA")
    assert Reply(451, None, "later").is_for_now()
