"""What a reader would see of a message."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.mime import view
from relay.mail.quotation import split_quoted
from relay.mail.shortening import MAX_MARKUP, MAX_TEXT
from relay.mail.text import content, from_name


def read(data: bytes):
    return content(view(data))


def mixed(*parts: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(b"--b\r\n" + p + b"\r\n" for p in parts)


RECEIPT = b"\r\n" + b"Your order 5521 was shipped today. " * 10


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


def test_p14_an_alternative_whose_words_all_stand_in_another_is_told_apart_where_that_says_more():
    receipt = b"Your order 4711 has shipped. Expected on Friday. Its number is 1Z999, the carrier has it. "
    found = read(alternative(b"Buy cheap watches now", b"<p>" + receipt + b"cheap now watches Buy"))
    assert found.otherwise == ("Buy cheap watches now",)
    assert read(alternative(receipt, b"<p>" + receipt)).otherwise == ()


def test_p14_what_an_appointment_says_is_told_apart():
    event = b"BEGIN:VCALENDAR\r\nUID:1\r\nDESCRIPTION;LANGUAGE=en:Buy che\r\n ap\\, now\r\nEND:VCALENDAR"
    part = b"Content-Type: text/calendar\r\n\r\n" + event
    attached = b"Content-Type: message/rfc822\r\n\r\n" + mixed(RECEIPT, part).replace(b"=b\r", b"=c\r").replace(
        b"--b", b"--c"
    )
    for one in (part, attached):
        assert any("Buy cheap, now" in text for text in read(mixed(RECEIPT, one)).otherwise)


@pytest.mark.parametrize(
    ("data", "is_unread"),
    [
        (b"Content-Type: application/pdf\r\n\r\n%PDF", True),
        (b"Content-Type: image/png\r\n\r\npng", True),
        (b"Content-Type: application/ms-tnef\r\n\r\nOffer", True),
        (mixed(b"\r\n ", b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF"), True),
        (mixed(RECEIPT, b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF"), False),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx", False),
        (b"\r\n", False),
    ],
)
def test_p14_a_file_that_is_all_there_is_counts_as_a_picture_that_nobody_reads(data, is_unread):
    assert read(data).has_pictures is is_unread


def test_the_name_a_person_gave_the_mailbox_is_none_of_the_message_s_words():
    seen = view(b'From: "Acme Marketing and Sales Team" <a@b.example>\r\n\r\nhi')
    assert content(seen).otherwise == ("Acme Marketing and Sales Team",)
    assert content(seen, ["Acme Marketing and Sales Team"]).otherwise == ()


def test_p14_a_name_is_as_long_as_it_is_read_whatever_parts_its_words():
    assert read("From: Half\u00a0price\u00a0on\u00a0every\u00a0plan <a@b.example>\r\n\r\nhi".encode()).otherwise


@pytest.mark.parametrize(
    "data",
    [
        b'From: "Half price on every plan" <a@b.example>\r\n\r\nhi',
        b'From: a@b.example\r\nTo: c@d.example, Kim <k@l.example>, "Half price on every plan" <e@f.example>\r\n\r\nhi',
        b"From: a@b.example\r\nCc: =?utf-8?q?Half_price?=\r\n =?utf-8?q?_on_every_plan?= <e@f.example>\r\n\r\nhi",
        b"From: a@b.example\r\nSender: Half price on every plan <a@b.example>\r\n\r\nhi",
        b"From: a@b.example\r\nReply-To: Half price on every plan <a@b.example>\r\n\r\nhi",
        mixed(
            RECEIPT,
            b"Content-Type: application/ics\r\nContent-Disposition: attachment; filename=a.ics\r\n\r\n"
            b"BEGIN:VCALENDAR\r\nSUMMARY:Half price on every plan\r\nEND:VCALENDAR",
        ),
    ],
)
def test_p14_what_some_readers_show_beside_the_text_is_told_apart(data):
    assert any("Half price on every plan" in text for text in read(data).otherwise)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\xe2\x80\xaewon yub",
        b"Content-Type: text/html\r\n\r\n<p>&#x202e;won yub",
        b"Content-Type: text/html\r\n\r\n<bdo dir=rtl>won yub</bdo>",
        b"Content-Type: text/html\r\n\r\n<p style='unicode-bidi:bidi-over\\72ide;direction:rtl'>won yub",
        b"Content-Type: text/html\r\n\r\n<p style='unicode-bidi:bidi-\\4Fverride;direction:rtl'>won yub",
        b"Subject: \xe2\x80\xaewon yub\r\n\r\nhi",
        b"Content-Type: application/pdf; name*=utf-8''a%E2%80%AEfdp.exe\r\n\r\nhi",
    ],
)
def test_p14_text_turned_about_is_told(data):
    assert read(data).is_turned


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"Content-Type: text/plain; charset=utf-8; format=flowed; DelSp=Yes", "Gr \r\nüß \r\ne".encode()),
        (b"Content-Transfer-Encoding: base64", base64.b64encode("Grüße".encode())),
        (b"Content-Transfer-Encoding: quoted-printable", b"Gr=C3=BC=C3=9F=\r\ne"),
        (b"Content-Type: text/plain; charset=iso-8859-1", "Grüße".encode("latin-1")),
        (b"Content-Type: text/plain; charset=utf-16", "Grüße".encode("utf-16")),
        (b"Content-Type: text/html", b"Gr&uuml;&#223;e"),
        (b"Content-Type: text/html charset=utf-8", "<p>Grüße".encode()),
        (b"Content-Type: text/x-unknown", "Grüße".encode()),
        (b"Content-Type: text/html; charset=utf-8", "G\x01r\x7fü\x1eße".encode()),
        (b"X: y", "Gru\u0308ße".encode()),
    ],
)
def test_p14_every_encoding_of_a_text_is_the_same_text(fields, body):
    assert read(fields + b"\r\n\r\n" + body).text == "Grüße"


@pytest.mark.parametrize("label", [b"cp037", b"utf-32", b"ebcdic-cp-us", b"utf-7"])
def test_p14_a_charset_readers_do_not_know_is_read_as_they_show_it(label):
    assert read(b"Content-Type: text/plain; charset=" + label + b"\r\n\r\nSpecial offer").text == "Special offer"


def test_p14_an_encoding_readers_do_not_know_is_read_as_it_stands():
    assert read(b"Content-Transfer-Encoding: base 64\r\n\r\nSpecial offer").text == "Special offer"


@pytest.mark.parametrize(
    "field",
    [
        "<input type=button value='Buy now'>",
        "<input placeholder='Buy now'>",
        "<select><option label='Buy now'></select>",
    ],
)
def test_p14_what_a_field_of_a_form_shows_is_read(field):
    hidden = "<input type=hidden value=4711>"
    data = f"Content-Type: text/html\r\n\r\n<p>x</p>{hidden}{field}".encode()
    assert read(data).image_alts == ("Buy now",)


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


@pytest.mark.parametrize(
    ("above", "known"),
    [
        ("On Mon, Bob <b@x> wrote:", True),
        ("On Mon, 3 Mar 2026 at 10:00, Bob with a very long name\r\n<b@x.example> wrote:", True),
        ("2026年3月3日(火) 10:00 Bob <b@x.example>:", True),
        ("--------- Forwarded message ---------", True),
        ("Our offers as of 3 March 2026:", False),
        ("See below.", False),
    ],
)
def test_a_quotation_says_whose_words_it_is_as_mail_programs_do(above, known):
    text = f"In-Reply-To: <1@x>\r\n\r\nYes.\r\n\r\n{above}\r\n> no?\r\n".encode()
    page = f"In-Reply-To: <1@x>\r\nContent-Type: text/html\r\n\r\n<p>Yes.<p>{above.replace('<', '&lt;')}".encode()
    page += b"<blockquote type=cite>no?</blockquote>"
    assert (read(text).is_attributed, read(page).is_attributed) == (known, known)
    assert not read(b"In-Reply-To: <1@x>\r\n\r\nBob <b@x.example>:").is_attributed


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


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: text/html; name=a\r\nContent-Disposition: inline",
        b"Content-Type: text/html; name=a",
        b"Content-Type: text/x-foo",
        b"Content-Type: text/calendar",
        b"Content-Type: application/xhtml+xml",
        b"Content-Type: text/x-amp-html",
    ],
)
def test_p14_a_text_that_some_reader_shows_is_read_where_it_stands(fields):
    found = read(mixed(fields + b"\r\n\r\n<style>body{visibility:hidden}</style><p>Special offer</p>", RECEIPT))
    assert found.text.index("Special offer") < found.text.index("Your order")


def test_a_text_nobody_knows_comes_after_the_alternatives_that_are_shown():
    found = read(alternative(b"Special offer", RECEIPT).replace(b"text/html", b"text/x-foo"))
    assert found.text.index("Special offer") < found.text.index("Your order")


def test_an_appointment_and_an_attached_text_are_no_text_of_the_message_but_are_handed_on():
    found = read(
        mixed(
            RECEIPT,
            b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nUID:1\r\nEND:VCALENDAR",
            b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=creds.txt\r\n\r\nthe key",
        )
    )
    assert "VCALENDAR" not in found.text
    assert "the key" not in found.text
    assert any("UID:1" in text for text in found.unseen)
    assert "the key\n" in found.unseen


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        (b"X-Note: the key\r\n\r\nhi", "the key"),
        (b"Cc: =?utf-8?q?the_key?= <a@b.c>\r\n\r\nhi", "the key"),
        (b'Content-Type: text/html\r\n\r\n<p title="the key">hi</p>', "the key"),
        (b'Content-Type: text/html\r\n\r\n<input value="&#116;he key">hi', "the key"),
        (b"Content-Type: text/html\r\n\r\nhi<!-- the key -->", "the key"),
        (mixed(b"X-Note: the key\r\n\r\nhi"), "the key"),
        (mixed(b"\r\nhi") + b"--b--\r\nthe key", "the key"),
        (mixed(b"Content-Type: text/vcard\r\n\r\nBEGIN:VCARD\r\nNOTE:the\r\n  key\r\nEND:VCARD"), "the key"),
        (mixed(b"Content-Type: application/json; name=a.json\r\n\r\nthe key", RECEIPT), "the key"),
        (mixed(b"Content-Type: message/rfc822\r\n\r\nX-Note: the key\r\n\r\nhi"), "the key"),
        (alternative(b"one two three four five six the-key", b"one two three four five six"), "the-key"),
        (b"Content-Type: text/plain; charset=utf-16\r\n\r\nthe key", "the key"),
    ],
)
def test_what_leaves_without_being_shown_is_handed_on(data, secret):
    found = read(data)
    assert secret not in found.text
    assert any(secret in text for text in found.unseen)


def test_a_file_that_is_no_text_is_not_handed_on():
    octets = bytes(range(256)) * 8
    found = read(mixed(b"Content-Type: application/octet-stream\r\n\r\n" + octets, RECEIPT))
    assert not any("\0" in text for text in found.unseen)


def test_p14_the_text_of_an_attached_message_is_read():
    inner = b"Subject: Great deal\r\n\r\nbuy now\r\n"
    alone = read(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert "Great deal\nbuy now" in alone.text
    picture = read(b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n<img src=x alt='Half price'>")
    assert picture.image_alts == ("Half price",)


def test_p19_what_is_read_is_bounded():
    found = read(alternative(b"word " * 200_000, b"<p>other " * 200_000))
    assert len(found.text) <= MAX_TEXT


def page(body: bytes) -> bytes:
    return b"Content-Type: text/html\r\n\r\n" + body


@pytest.mark.parametrize(
    "data",
    [
        page(b"<style>" + b"x{y:z}\r\n" * MAX_MARKUP + b"</style><p>Special offer" + b"<!-- x -->" * MAX_MARKUP),
        page(b"<script>" + b"<a" * MAX_MARKUP + b"</script><p>Special offer</p>" + b"<br>\r\n" * MAX_MARKUP),
        page(b"<!--" + b"x" * MAX_MARKUP + b"--><p>Special offer</p><style>" + b"x" * MAX_MARKUP),
        page(b"<p a='<style>'>Special offer<p a='</style>'>" + b"<!-- x -->" * MAX_MARKUP),
        b"\r\n" + b"\r\n" * MAX_MARKUP + b"Special offer" + b" \r\n" * MAX_MARKUP,
    ],
)
def test_p14_only_what_is_shown_counts_to_the_bound(data):
    assert "Special offer" in read(data).text


@pytest.mark.parametrize("data", [b"\r\n", page(b"<p>"), mixed(b"\r\nhi\r\n--b\r\n\r\n")])
@pytest.mark.parametrize("filler", [b"Tracking number 1Z5521.\r\n", "Номер заказа 5521.\r\n".encode()])
@pytest.mark.parametrize("size", [70_000, 700_000])
def test_p14_of_a_long_text_the_end_is_read_and_all_of_it_handed_on(data, filler, size):
    long = filler * (size // len(filler))
    found = read(data + long + b"in the middle " + long + b"Special offer")
    assert found.text.endswith("Special offer")
    assert len(found.text) <= MAX_TEXT
    assert any("in the middle" in text for text in found.unseen)


@pytest.mark.parametrize(
    "unit",
    [
        b"<style",
        b"<style>",
        b"<!--",
        b"<!-",
        b"<br ",
        b"&nbsp",
        b"<script>x</script",
        b" ",
        b"<svg><style>",
        b"<template>",
        b"<script><!--",
    ],
)
def test_cost_of_a_long_page_is_linear(unit):
    read(page(unit * (4_000_000 // len(unit))))  # were it a square, the test's timeout would end it


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


def test_cost_of_parts_within_parts_is_bounded_by_the_text():
    heads = [
        b"Content-Type: multipart/alternative; boundary=n%03d\r\n\r\n--n%03d\r\n\r\n%d\r\n--n%03d\r\n" % (n, n, n, n)
        for n in range(50)
    ]
    parts = [b"\r\n" + b"%07d word\r\n" % n * 16_000 for n in range(50)]
    found = read(b"".join(heads) + mixed(*parts))  # were all of it gone over at each level, the timeout would end it
    assert len(found.text) <= MAX_TEXT
    assert any("0000025 word" in text for text in found.unseen)


@pytest.mark.parametrize("unit", [b'<img width=1 alt="', b"<a><b>", b"<table>"])
def test_cost_of_many_long_pages_is_bounded(unit):
    read(mixed(*[page(unit * (250_000 // len(unit))) for _ in range(300)]))  # each for itself: minutes
