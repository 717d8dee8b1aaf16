"""Lines over 998 octets and 8-bit octets: found, encoded anew, or named where nothing may be edited."""

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.edit import edited
from relay.mail.footer import edits, plan
from relay.mail.longline import LONGEST, Recoding, eight_bit, long_lines, recode_edits
from relay.mail.mime import view
from tests.mail.oracle import FOOTER, assert_shown_once


def recoded(data: bytes, found: Recoding) -> bytes:
    assert not found.impossible
    return edited(data, list(recode_edits(view(data), found.bodies, b"\r\n")))


@pytest.mark.parametrize("length", [997, 998])
def test_s5_lines_up_to_998_octets_pass(length):
    assert long_lines(view(b"A: b\r\n\r\n" + b"x" * length + b"\r\n" + b"y" * length)) == Recoding()


@pytest.mark.parametrize("length", [999, 1000, 1001, 5000])
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b""])
def test_s5_a_longer_line_makes_its_part_quoted_printable(length, end):
    data = b"A: b\r\n\r\nshort\r\n" + b"x" * length + end
    result = recoded(data, long_lines(view(data)))
    assert max(map(len, result.split(b"\r\n"))) <= 76
    after = email.message_from_bytes(result)
    assert after["Content-Transfer-Encoding"] == "quoted-printable"
    assert after["MIME-Version"] == "1.0"
    assert after.get_payload(decode=True).replace(b"\r\n", b"\n") == (b"short\r\n" + b"x" * length + end).replace(
        b"\r\n", b"\n"
    )


def test_s5_an_attachment_becomes_base64_to_the_octet():
    blob = bytes(range(1, 10)) * 300
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/x\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + blob + b"\r\n--b--\r\n"
    )
    result = recoded(data, long_lines(view(data)))
    assert email.message_from_bytes(result).get_payload()[1].get_payload(decode=True) == blob


def test_s5_an_attachment_is_written_anew_beside_the_footer_of_another_part():
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/x\r\n\r\n"
        + b"x" * 999
        + b"\r\n--b--\r\n"
    )
    seen = view(data)
    result = edited(data, edits(seen, plan(seen, FOOTER), FOOTER, recode=long_lines(seen).bodies))
    assert long_lines(view(result)) == Recoding()
    assert_shown_once(data, result)


def test_base64_in_one_line_is_folded():
    data = b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 1000
    result = recoded(data, long_lines(view(data)))
    assert max(map(len, result.split(b"\r\n"))) <= 76
    assert email.message_from_bytes(result).get_payload(decode=True) == b"AAA" * 1000


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"A: b\r\nSubject: " + b"x" * 1000 + b"\r\n\r\nhi", "header line 2"),
        (b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 1000 + b"\r\n--b--", "line 5"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"x" * 1000 + b"\r\n--b\r\n\r\nhi\r\n--b--", "line 3"),
        (b"Content-Type: message/rfc822\r\n\r\n\r\n" + b"x" * 1000, "line 4"),
        (b"Content-Type: message/partial; id=a; number=1\r\n\r\n" + b"x" * 1000, "line 3"),
        (b"Content-Type: multipart/mixed\r\n\r\n" + b"x" * 1000, "line 3"),
        (b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 1000 + b"\r\n--b--", "line 5"),
        (b"Content-Transfer-Encoding: x-uue\r\n\r\n" + b"x" * 1000, "line 3"),
    ],
)
def test_s5_where_nothing_may_be_edited_the_line_is_named(data, where):
    assert where in long_lines(view(data)).impossible


@given(st.lists(st.integers(0, 2500), max_size=8), st.sampled_from([b"\r\n", b"\n"]))
def test_long_lines_are_found_exactly_when_there_are_some(lengths, eol):
    data = b"A: b" + eol + eol + eol.join(b"x" * length for length in lengths)
    assert bool(long_lines(view(data)).bodies) == (max(lengths, default=0) > LONGEST)


def test_s28_8bit_text_is_made_7bit():
    data = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n".encode()
    result = recoded(data, eight_bit(view(data)))
    assert result.isascii()
    assert email.message_from_bytes(result).get_payload(decode=True) == "Grüße\r\n".encode()


def test_s28_7bit_text_is_left_alone():
    assert eight_bit(view(b"A: b\r\n\r\nhi")) == Recoding()


@pytest.mark.parametrize(
    "data",
    [
        "Subject: Grüße\r\n\r\nhi".encode(),
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nGrüße\r\n--b--".encode(),
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--\r\nGrüße".encode(),
        "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nGrüße".encode(),
    ],
)
def test_s28_what_may_not_be_edited_is_named(data):
    assert "line" in eight_bit(view(data)).impossible
