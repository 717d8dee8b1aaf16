"""The form of a message: what is refused by name, and what is held."""

import pytest

from relay.mail.form import ambiguities, form, normalise_newlines
from relay.mail.header import HeaderBlock
from relay.mail.newline import alone

HEAD = b"From: a@ok.com\r\nTo: b@ok.com\r\nSubject: hi\r\n"


def codes(data: bytes) -> list[tuple[str, int]]:
    return [(d.code, d.line) for d in form(data, HeaderBlock.parse(data), alone([data]))]


def test_a_plain_message_has_no_defect() -> None:
    assert codes(HEAD + b"X-Note: tab\there\r\n folded\r\n\r\nbody\r\n") == []
    assert codes(HEAD + b"\r\n") == []
    assert codes("Subject: grüße\r\nFrom: a@ok.com\r\n\r\nä\r\n".encode()) == []
    body = HEAD + b"\r\nr\xe9sum\xe9\x0b\x0c\x1b[0m\x7f\r\n"
    assert codes(body) == []
    assert ambiguities(body, HeaderBlock.parse(body)) == ()


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (HEAD + b"\r\nbo\0dy\r\n", "nul", 5),
        (HEAD + b"X: a\0b\r\n\r\nbody\r\n", "nul", 4),
        (HEAD + b"\r\none\r\ntwo\rthree\r\n", "bare_cr", 6),
        (HEAD + b"X: a\rBcc: c@d.e\r\n\r\nbody\r\n", "bare_cr", 4),
        (HEAD + b"\r\nbody\r\r\n", "bare_cr", 5),
        (HEAD + b"\r\nbody\r", "bare_cr", 5),
        (HEAD + b"\r\none\ntwo\r\n", "bare_lf", 5),
        (HEAD + b"Subject : x\r\n\r\nbody\r\n", "space_before_colon", 4),
        (HEAD + b"no colon here\r\n\r\nbody\r\n", "line_without_colon", 4),
        (HEAD + b"From\0: x\r\n\r\nbody\r\n", "header_name_invalid", 4),
        (b" folded: x\r\n" + HEAD + b"\r\nbody\r\n", "leading_continuation", 1),
        (HEAD + b"X: a\r\n \t\r\nFrom: b\r\n\r\nbody\r\n", "blank_continuation_line", 5),
        (b"From somebody Mon Nov 23\r\n" + HEAD + b"\r\nbody\r\n", "mbox_from_line", 1),
        (HEAD + b"X: a\x0bb\r\n\r\nbody\r\n", "control_in_header", 4),
        (HEAD + b"X: a\x1bb\r\n\r\nbody\r\n", "control_in_header", 4),
        (HEAD + b"X: a\x7fb\r\n\r\nbody\r\n", "control_in_header", 4),
        (HEAD + b"X: y\r\nSUBJECT: again\r\n\r\nbody\r\n", "repeated_field", 5),
        (HEAD + b"Content-Type: text/plain\r\nContent-type: text/html\r\n\r\nbody\r\n", "repeated_field", 5),
        (HEAD + b"X: y\r\n" + b"Z: " + b"a" * 996 + b"\r\n\r\nbody\r\n", "header_line_too_long", 5),
        (HEAD + b"Z: a\r\n " + b"a" * 998 + b"\r\n\r\nbody\r\n", "header_line_too_long", 5),
    ],
)
def test_a_defect_is_named_with_its_line(data: bytes, code: str, line: int) -> None:
    assert (code, line) in codes(data)


def test_S5_a_header_line_of_998_octets_passes() -> None:
    assert codes(HEAD + b"Z: " + b"a" * 995 + b"\r\n " + b"b" * 997 + b"\r\n\r\nbody\r\n") == []


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"X: y\r\n" * 1001, "too_many_header_lines"),
        (b"X: " + b"a\r\n " * 20_000 + b"\r\n", "header_field_too_long"),
        ((b"X: " + b"a" * 900 + b"\r\n") * 300, "header_block_too_long"),
    ],
)
def test_P17_a_header_over_the_limits_is_refused(head: bytes, code: str) -> None:
    assert code in [name for name, _ in codes(HEAD + head + b"\r\nbody\r\n")]


def test_L1_more_than_fifty_hops_are_a_loop() -> None:
    hop = b"Received: from a by b; Mon, 23 Nov 2026 00:00:00 +0000\r\n"
    assert codes(hop * 50 + HEAD + b"\r\nbody\r\n") == []
    assert codes(hop * 51 + HEAD + b"\r\nbody\r\n") == [("mail_loop", 0)]
    assert codes(HEAD + b"\r\n" + hop * 60) == []


def test_a_repetition_is_named_once_and_other_fields_may_repeat() -> None:
    assert codes(HEAD + b"Cc: a@b.c\r\n" * 5 + b"Comments: x\r\n" * 3 + b"\r\nbody\r\n") == [("repeated_field", 5)]


def test_a_message_without_header_is_refused() -> None:
    assert codes(b"hello\r\n") == [("line_without_colon", 1)]


def test_a_header_in_no_known_charset_is_ambiguous_and_not_malformed() -> None:
    data = b"From: a@ok.com\r\nSubject: gr\xfc\xdfe\r\n\r\nbody\r\n"
    header = HeaderBlock.parse(data)
    assert form(data, header, alone([data])) == ()
    assert [(d.code, d.line) for d in ambiguities(data, header)] == [("header_charset", 2)]


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n\n", b"a\r\nb\r\n\r\n"),
        (b"\n", b"\r\n"),
        (b"a\rb\r\r\n", b"a\rb\r\r\n"),
        (b"a\n.\n", b"a\r\n.\r\n"),
        (b"", b""),
    ],
)
def test_S1_a_bare_lf_becomes_crlf_and_a_bare_cr_stays(came: bytes, kept: bytes) -> None:
    assert normalise_newlines(came) == kept
    assert not alone([kept]).lf


def test_S1_a_message_that_needs_nothing_is_not_copied() -> None:
    data = HEAD + b"\r\nbody\r\n"
    assert normalise_newlines(data) is data
