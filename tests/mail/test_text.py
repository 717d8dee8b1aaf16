"""What a reader would see of a message."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.mime import view
from relay.mail.text import MAX_TEXT, content, from_name, split_quoted


def read(data: bytes):
    return content(view(data))


def alternative(plain: bytes, html: bytes, head: bytes = b"") -> bytes:
    return (
        head + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n" + plain
        + b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + html + b"\r\n--b--\r\n"
    )  # fmt: skip


def test_alternatives_that_say_the_same_are_read_once():
    assert read(alternative(b"Hello Bob, your order is here", b"<p>Hello Bob, your <b>order</b> is here</p>")).text == (
        "Hello Bob, your order is here"
    )


def test_p14_alternatives_that_differ_are_both_read():
    text = read(alternative(b"Your receipt for order 1", b"<p>Buy cheap watches now</p>")).text
    assert "receipt" in text
    assert "watches" in text


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"Content-Transfer-Encoding: base64", base64.b64encode("Grüße".encode())),
        (b"Content-Transfer-Encoding: quoted-printable", b"Gr=C3=BC=C3=9F=\r\ne"),
        (b"Content-Type: text/plain; charset=iso-8859-1", "Grüße".encode("latin-1")),
        (b"Content-Type: text/plain; charset=utf-16", "Grüße".encode("utf-16")),
        (b"Content-Type: text/plain; charset=utf-7", b"Gr+APwA3w-e"),
        (b"Content-Type: text/html", b"Gr&uuml;&#223;e"),
        (b"X: y", "Gru\u0308ße".encode()),
    ],
)
def test_p14_every_encoding_of_a_text_is_the_same_text(fields, body):
    assert read(fields + b"\r\n\r\n" + body).text == "Grüße"


def test_header_facts_are_read():
    found = read(
        b"From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\nIn-Reply-To: <1@x>\r\n"
        b"List-Id: <l.x>\r\nAuto-Submitted: auto-replied\r\nContent-Language: de-DE, en\r\n\r\nhi"
    )
    assert (found.subject, found.from_name, found.language) == ("Grüße", "Jörg", "de-de")
    assert (found.is_reply, found.is_bulk, found.is_automatic) == (True, True, True)


def test_quoted_text_of_a_reply_is_set_apart():
    found = read(b"In-Reply-To: <1@x>\r\n\r\nYes.\r\n\r\nOn Mon, Bob <b@x> wrote:\r\n> no?\r\n> really\r\n")
    assert found.text == "Yes."
    assert "no?" in found.quoted


def test_p14_quoting_without_anything_to_quote_is_the_messages_own_text():
    assert "BUY" in read(b"Subject: news\r\n\r\n> BUY\r\n> NOW\r\n").text


def test_a_forward_quotes_to_its_end():
    own, quoted = split_quoted("See below\n-----Original Message-----\nFrom: x\nold text")
    assert own == "See below"
    assert "old text" in quoted


def test_p14_a_text_attached_is_read_where_next_to_nothing_else_is_shown():
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee attached\r\n--b\r\n"
        b"Content-Type: text/html\r\nContent-Disposition: attachment; filename=offer.html\r\n\r\n"
        b"<p>Limited offer</p>\r\n--b--\r\n"
    )
    found = read(data)
    assert "Limited offer" in found.text
    assert found.attachments == ("offer.html",)


def test_p14_the_text_of_an_attached_message_is_read():
    inner = b"Subject: Great deal\r\n\r\nbuy now\r\n"
    alone = read(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert "Great deal\nbuy now" in alone.text


def test_p19_what_is_read_is_bounded():
    found = read(alternative(b"word " * 200_000, b"<p>other " * 200_000))
    assert len(found.text) <= MAX_TEXT


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"a@b.c", ""),
        (b"<a@b.c>", ""),
        (b"Bob <a@b.c>", "Bob"),
        (b'"Bob \\"B\\" X" <a@b.c>', 'Bob "B" X'),
        (b"=?utf-8?q?B=C3=B6b?= <a@b.c>", "Böb"),
    ],
)
def test_the_display_name_is_read_for_showing(value, name):
    assert from_name(value) == name


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    read(data)
    read(b"Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + data)
