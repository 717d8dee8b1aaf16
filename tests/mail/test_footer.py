"""The footer, structure by structure: where it goes, what stays, and when it cannot go in."""

import base64
import email

import pytest

from relay.mail import longline
from relay.mail.edit import Edit, apply_edits, edited
from relay.mail.footer import Plan, edits, plan
from relay.mail.footer_text import TEXTS, render
from relay.mail.mime import view
from relay.mail.text import content
from tests.mail.oracle import ASCII_FOOTER, FOOTER, URL, add_footer, assert_shown_once, decoded, leaves

BASE64 = b"Content-Transfer-Encoding: base64"
HEAD = b"From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def message(kind: bytes, body: bytes, *fields: bytes) -> bytes:
    return HEAD + b"Content-Type: " + kind + b"\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def part(kind: bytes, body: bytes, *fields: bytes) -> bytes:
    return b"--b\r\nContent-Type: " + kind + b"\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body + b"\r\n"


def multipart(kind: bytes, *parts: bytes) -> bytes:
    return message(b"multipart/" + kind + b"; boundary=b", b"".join(parts) + b"--b--\r\n")


TEXT = part(b"text/plain", b"hello")
HTML = part(b"text/html", b"<body><p>hello</p></body>")
PDF = part(b"application/pdf", b"JVBERi0=", BASE64, b"Content-Disposition: attachment")


@pytest.mark.parametrize("label", [b"", b"; charset=utf-8"])
def test_an_ascii_footer_is_put_in_and_not_a_byte_else_changes(label):
    data = multipart(b"alternative", part(b"text/plain" + label, b"hello"), HTML)
    seen, planned, result = add_footer(data, ASCII_FOOTER)
    places = [data.index(b"\r\n--b", data.index(b"hello")), data.index(b"</body>")]
    assert [(edit.start, edit.end) for edit in edits(seen, planned, ASCII_FOOTER)] == [(at, at) for at in places]
    assert_shown_once(data, result)
    assert b"hello\r\n\r\n---\r\nThis message was sent by Acme Inc.\r\n" in result


@pytest.mark.parametrize("label", [b"", b"; charset=utf-8"])
def test_a_footer_beyond_ascii_moves_a_7bit_part_to_quoted_printable_and_html_uses_references(label):
    data = multipart(b"alternative", part(b"text/plain" + label, b"hello"), HTML)
    _, planned, result = add_footer(data, FOOTER)
    assert [part.way for part in planned.parts] == ["recode", "splice"]
    assert b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n" in result
    assert b"M&#252;ller" in result
    assert_shown_once(data, result)


@pytest.mark.parametrize("label", [b"iso-8859-1", b"utf-8", b"windows-1252"])
def test_the_footer_is_said_in_the_charset_of_the_part(label):
    octets = "Grüße".encode(label.decode())
    data = message(b"text/plain; charset=" + label, octets, b"Content-Transfer-Encoding: 8bit")
    _, planned, result = add_footer(data, FOOTER)
    assert planned.parts[0].way == "splice"
    assert label in result
    assert_shown_once(data, result)


def test_a_part_whose_charset_cannot_say_the_footer_moves_to_utf8():
    data = message(
        b"text/plain; charset=koi8-r; format=flowed", "Привет".encode("koi8-r"), b"Content-Transfer-Encoding: 8bit"
    )
    _, _, result = add_footer(data, FOOTER)
    assert b"Content-Type: text/plain; format=flowed; charset=utf-8\r\n" in result
    assert "Привет" in decoded(email.message_from_bytes(result))
    _, _, result = add_footer(message(b"text/plain", "Grüße".encode("cp1252"), b"Content-Transfer-Encoding: 8bit"))
    assert "Grüße" in decoded(email.message_from_bytes(result))  # the text is no ASCII, whatever its label says


def test_iso_2022_jp_stays_when_it_can():
    footer = render("株式会社", "東京", URL, "ja")
    data = message(b"text/plain; charset=iso-2022-jp", "こんにちは".encode("iso-2022-jp"))
    planned = plan(view(data), footer)
    result = edited(data, edits(view(data), planned, footer))
    assert planned.parts[0].way == "splice"
    assert "配信停止" in decoded(email.message_from_bytes(result))


def test_utf16_html_moves_to_utf8():
    octets = "<body>hé</body>".encode("utf-16")
    data = message(b"text/html; charset=utf-16", base64.encodebytes(octets), BASE64)
    _, _, result = add_footer(data.replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"), FOOTER)
    assert_shown_once(data, result)


def test_p15_what_stands_before_in_base64_keeps_its_odd_lines():
    text = base64.b64encode(b"line one\r\nline two\r\n" * 20)
    lines = b"\r\n".join(text[at : at + 77] for at in range(0, len(text), 77))
    data = message(b"text/plain", lines, BASE64)
    _, _, result = add_footer(data, ASCII_FOOTER)
    assert result.startswith(data[:-90])
    assert_shown_once(data, result)


def test_p15_stray_padding_in_base64_does_not_end_it_before_the_footer():
    data = message(b"text/plain", b"aGVsbG8h=", BASE64)
    _, _, result = add_footer(data)
    assert not view(result).ambiguities


def test_p15_a_soft_break_at_the_end_does_not_swallow_the_footers_first_line():
    for ending in (b"=", b"=\r\n", b"= \r\n"):
        data = message(b"text/plain", b"hello" + ending, b"Content-Transfer-Encoding: quoted-printable")
        _, _, result = add_footer(data, ASCII_FOOTER)
        assert "hello\n---" not in decoded(email.message_from_bytes(result)).replace("\r", "")
        assert "\n---\n" in decoded(email.message_from_bytes(result)).replace("\r", "")


def test_p15_format_flowed_lines_are_stuffed_and_none_flows():
    footer = render(">From Ltd", "From here\n> there ", URL)
    data = message(b"text/plain; format=flowed", b"a flowed \r\nline \r\n")
    _, _, result = add_footer(data, footer)
    text = decoded(email.message_from_bytes(result)).replace("\r\n", "\n")
    assert "\n From here\n > there\n" in text
    assert not any(line.endswith(" ") for line in text.partition("---")[2].split("\n"))


@pytest.mark.parametrize("head", [HEAD, HEAD + b"Content-Type: text/html\r\n"])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n"])
def test_p15_a_message_without_a_text_shows_the_footer(head, body):
    _, _, result = add_footer(head + body)
    assert_shown_once(head + body, result)


@pytest.mark.parametrize("footer", [FOOTER, ASCII_FOOTER])
def test_p15_where_only_attachments_stand_a_text_part_is_added(footer):
    data = multipart(b"mixed", PDF)
    _, planned, result = add_footer(data, footer)
    assert [added.way for added in planned.added] == ["first"]
    assert_shown_once(data, result)


@pytest.mark.parametrize(
    "data",
    [
        message(b"application/pdf", b"JVBERi0=\r\n", BASE64),
        message(b"text/plain", b"attached\r\n", b"Content-Disposition: attachment; filename=a.txt"),
        multipart(b"related", PDF),
        multipart(b"alternative", PDF),
        multipart(b"report", PDF),
        message(b"message/rfc822", b"Subject: in\r\n\r\ninner\r\n"),
        message(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\n"),
        b"Content-Type: application/pdf\r\n\r\nJVBERi0=\r\n",
    ],
)
def test_p15_a_message_that_is_one_attachment_is_wrapped_and_keeps_its_octets(data):
    _, planned, result = add_footer(data)
    assert [added.way for added in planned.added] == ["wrap"]
    after = email.message_from_bytes(result)
    assert after.get_content_type() == "multipart/mixed"
    assert after.get_all("MIME-Version") == ["1.0"]
    assert not after.defects
    before = email.message_from_bytes(data)
    first, *others = list(leaves(after))
    assert URL in decoded(first)
    assert [leaf.get_payload(decode=True) for leaf in others] == [
        leaf.get_payload(decode=True) for leaf in leaves(before)
    ]


def test_calendars_attached_texts_and_attachments_are_not_touched():
    calendar = part(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR")
    notes = part(b"text/plain; name=n.txt", b"notes", b"Content-Disposition: attachment; filename=n.txt")
    named = part(b"text/plain; name=m.txt", b"more notes")
    attached = part(b"message/rfc822", b"Subject: in\r\n\r\ninner")
    data = multipart(b"mixed", TEXT, calendar, notes, named, attached, PDF)
    _, _, result = add_footer(data)
    for kept in (calendar, notes, named, attached, PDF):
        assert kept in result
    assert_shown_once(data, result)


@pytest.mark.parametrize("kind", [b"x-amp-html", b"enriched", b"richtext"])
def test_an_alternative_that_cannot_carry_the_footer_is_dropped_where_another_does(kind):
    amp = part(b"text/" + kind, b"<html amp4email></html>")
    data = multipart(b"alternative", TEXT, amp, HTML)
    _, _, result = add_footer(data)
    assert b"amp4email" not in result
    assert_shown_once(data, result)
    last = multipart(b"alternative", TEXT, HTML, amp)
    assert b"amp4email" not in add_footer(last)[2]


def test_of_related_the_root_named_by_start_is_edited_and_a_text_beside_it():
    other = part(b"text/html", b"<p>resource", b"Content-ID: <other>")
    root = part(b"text/html", b"<p>root", b"Content-ID: <root>")
    data = message(b'multipart/related; start="<root>"; boundary=b', other + root + TEXT + b"--b--\r\n")
    _, planned, _ = add_footer(data)  # nothing refers to the text, so that readers show it after the root
    assert [part.body for part in planned.parts] == [data.index(b"<p>root"), data.index(b"hello")]


def test_pictures_as_an_alternative_get_a_text_beside_them():
    inner = part(b"multipart/mixed; boundary=in", b"--in\r\nContent-Type: image/png\r\n\r\nx\r\n--in--")
    data = multipart(b"alternative", TEXT, inner)
    _, planned, result = add_footer(data)
    assert [added.way for added in planned.added] == ["first"]
    assert_shown_once(data, result)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (multipart(b"signed", TEXT, part(b"application/pgp-signature", b"x")), "signed"),
        (multipart(b"encrypted", TEXT), "encrypted"),
        (message(b"application/pkcs7-mime; smime-type=enveloped-data", b"x"), "encrypted"),
        (message(b"application/pkcs7-mime; smime-type=signed-data", b"x"), "signed"),
        (message(b"text/plain", b"-----BEGIN PGP MESSAGE-----\r\n"), "openpgp"),
        (message(b"text/plain", b"LS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0t", BASE64), "openpgp"),
        (message(b"text/plain", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n"), "openpgp"),
        (message(b"text/html", b"<style>body{display:none}</style>x"), "html_hides_footer"),
        (message(b"text/plain", b"x", b"Content-Transfer-Encoding: x-uue"), "encoding_unknown"),
        (message(b"multipart/mixed; boundary=q", b"no delimiter"), "structure_damaged"),
        (b"Content-Type: message/rfc822\r\n\r\n" * 900, "structure_beyond_limits"),
        (multipart(b"mixed", *[part(b"text/html", b"<p>x")] * 31), "too_many_texts"),
    ],
)
def test_what_cannot_carry_a_footer_says_why_and_is_never_edited(data, cause):
    planned = plan(view(data), FOOTER)
    assert planned == Plan(impossible=cause)
    with pytest.raises(ValueError, match=cause):
        edits(view(data), planned, FOOTER)


def is_ours(url: str) -> bool:
    return url == URL


ESCAPED = URL.replace("&", "&amp;")
HOST = URL.split("/")[2]


def test_p16_our_working_link_is_not_doubled():
    html = f'<p>bye <a href="{ESCAPED}">leave</a>'.encode()
    data = multipart(b"alternative", part(b"text/plain", f"bye {URL}.".encode()), part(b"text/html", html))
    planned = plan(view(data), FOOTER, is_ours, HOST)
    assert planned == Plan(carried=planned.carried)
    assert len(planned.carried) == 2
    forged = message(b"text/plain", f"leave: https://{HOST}/u/forged".encode())
    assert not plan(view(forged), FOOTER, is_ours, HOST).carried


@pytest.mark.parametrize(
    "html",
    [
        f'<div hidden><a href="{ESCAPED}">leave</a></div>',
        f'<a href="{ESCAPED}" style="display:none">leave</a>',
        f'<!-- <a href="{ESCAPED}">leave</a> -->',
        f'<a href="{ESCAPED}"></a>',
        f'<a href="{ESCAPED}"><img src=pixel></a>',
        f'<style>.x{{display:none}}</style><p class=x><a href="{ESCAPED}">leave</a></p>',
        '<a href="https://relay.example/u/forged">Unsubscribe</a>',
        f'<script>"<a href="{ESCAPED}">leave</a>"</script>',
        f'<a href="https://evil.example/?{ESCAPED}">leave</a>',
        f'<p style="font-size:0"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="font-size:2px"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="line-height:0;overflow:hidden"><a href="{ESCAPED}">leave</a></p>',
        f'<div style="max-height:0;overflow:hidden"><a href="{ESCAPED}">leave</a></div>',
        f'<p style="background:#fff"><a href="{ESCAPED}" style="color:#ffffff">leave</a></p>',
        f'<a href="{ESCAPED}" style="color:rgba(0,0,0,0)">leave</a>',
        f'<p style="position:absolute;top:-5000px"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="position:relative;z-index:-1"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="position:relative;top:-5000px"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="opacity:.01"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="transform:scale(0)"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="clip-path:inset(100%)"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="--x:none;display:var(--x)"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="mso-hide:all"><a href="{ESCAPED}">leave</a></p>',
        f'<p style="pointer-events:none"><a href="{ESCAPED}">leave</a></p>',
        f'<a href="{ESCAPED}">\u200b\u2060&shy;\u3164</a>',
        f'<a href="{ESCAPED}">.</a>',
        f'<details><summary>More</summary><a href="{ESCAPED}">leave</a></details>',
        f'<dialog><a href="{ESCAPED}">leave</a></dialog>',
        f'<p>x<noscript><a href="{ESCAPED}">leave</a></noscript>',
        f'<template><a href="{ESCAPED}">leave</a></template>',
        f'<video><a href="{ESCAPED}">leave</a></video>',
        f'<svg><a href="{ESCAPED}"><text>leave</text></a></svg>',
        f'<!--[if mso]><a href="{ESCAPED}">leave</a><![endif]-->',
        f'<!--[if !mso]><!--><a href="{ESCAPED}">leave</a><!--<![endif]-->',
        f'<img src=x usemap="#m"><map name=m><area href="{ESCAPED}" coords="0,0,1,1" alt="leave"></map>',
        f'<style>a[href*="/u/"]{{display:none}}</style><a href="{ESCAPED}">leave</a>',
        f'<style>@media screen{{a{{display:none}}}}</style><a href="{ESCAPED}">leave</a>',
        f'<style>p *{{font-size:0}}</style><p><a href="{ESCAPED}">leave</a></p>',
        f'<style>a:not(.x){{opacity:0}}</style><a href="{ESCAPED}">leave</a>',
        f'<style>@import "https://evil.example/x.css";</style><a href="{ESCAPED}">leave</a>',
        f'<link rel="stylesheet" href="https://evil.example/x.css"><a href="{ESCAPED}">leave</a>',
    ],
)
def test_p16_a_link_that_is_not_seen_or_not_ours_does_not_count(html):
    data = message(b"text/html", html.encode())
    planned = plan(view(data), FOOTER, is_ours, HOST)
    assert not planned.carried
    assert len(planned.parts) == 1


@pytest.mark.parametrize(
    "html",
    [
        f'<a href="{ESCAPED}">Unsubscribe</a>',
        f'<a href="https://a.example/">shop</a> <a href="{ESCAPED}">leave</a>',
        f'<table width="100%"><tr><td style="padding:20px;font-size:12px;color:#777"><a href="{ESCAPED}">leave</a>',
        f'<style>img{{border:0}} .mobile{{display:none}}</style><p>bye <a href="{ESCAPED}">leave</a></p>',
        f'<p style="font-family:Arial;line-height:1.5;margin:0 0 16px"><a href="{ESCAPED}"><b>leave</b></a></p>',
        f'<a href="{"".join(f"&#{ord(letter)};" for letter in URL)}">leave</a>',
        f'<a href="{ESCAPED.replace(".", "&#x2e;").replace("/", "&sol;")}">leave</a>',
    ],
)
def test_p16_a_link_in_plain_sight_counts(html):
    assert plan(view(message(b"text/html", html.encode())), FOOTER, is_ours, HOST).carried


@pytest.mark.parametrize("written", ["https://{}/u/x", "https://{}&#x0a;/u/x", "https:/\t/{}/u/x"])
def test_p16_no_writing_of_the_host_keeps_a_link_from_being_looked_at(written):
    """A link is known by its host as browsers read it; `seen` are those the recognition was asked about."""
    seen: list[str] = []
    html = f'<a href="{written.format(HOST[:3].upper() + HOST[3:])}">leave</a>'
    plan(view(message(b"text/html", html.encode())), FOOTER, lambda url: bool(seen.append(url)), HOST)
    assert len(seen) == 1


def test_a_text_that_does_not_name_our_host_is_not_searched():
    def never(url: str) -> bool:
        raise AssertionError(url)

    data = multipart(
        b"alternative", part(b"text/plain", b"https://a.example/"), part(b"text/html", b"<a href=/u/x>y</a>")
    )
    assert len(plan(view(data), FOOTER, never, HOST).parts) == 2


def test_the_footer_shown_is_read_back_as_our_link():
    data = multipart(b"alternative", TEXT, HTML)
    _, _, result = add_footer(data)
    assert not plan(view(result), FOOTER, is_ours, HOST).parts
    assert URL in content(view(result)).links


def test_an_encoding_written_oddly_is_written_plainly():
    data = message(b"text/html", b"<p>a=b", b"Content-Transfer-Encoding: 8bit;")
    _, _, result = add_footer(data)
    assert_shown_once(data, result)


def test_one_plan_serves_every_recipient():
    data = multipart(b"alternative", TEXT, HTML)
    seen = view(data)
    planned = Plan.from_json(plan(seen, FOOTER).to_json())
    other = render("Müller", "1 Main St", "https://relay.example/u/other")
    result = edited(seen.data, edits(seen, planned, other))
    assert result.count(b"https://relay.example/u/other") == 2
    assert result == edited(seen.data, edits(seen, planned, other))


@pytest.mark.parametrize("markup", [b"x" * 5000, b"<div>" * 40], ids=["its own", "the end tags it needs"])
def test_s5_a_part_with_a_long_line_takes_the_footer_too(markup):
    data = message(b"text/html", b"<body>" + markup + b"</body>")
    seen = view(data)
    planned, recoding = plan(seen, FOOTER), longline.long_lines(seen)
    result = edited(data, edits(seen, planned, FOOTER, recoding.bodies))
    assert max(map(len, result.split(b"\r\n"))) <= 998
    assert_shown_once(data, result)


def test_edits_that_overlap_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        apply_edits(b"abcdef", [Edit(1, 4, b""), Edit(3, 5, b"")])
    assert edited(b"abc", [Edit(1, 1, b"1"), Edit(1, 2, b"B"), Edit(1, 1, b"2")]) == b"a12Bc"


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_names_sender_address_and_link_and_escapes_them(language):
    footer = render('<script>"&', "Street <1>\u202e\r\nTown\0", URL, language)
    assert "<script>" not in footer.html
    assert "&lt;script&gt;" in footer.html
    assert "\u202e" not in footer.text + footer.html
    assert "\0" not in footer.text + footer.html
    assert f'lang="{language}"' in footer.html
    assert footer.text.count(URL) == 1
    assert TEXTS[language][1] in footer.text


def test_an_unknown_language_is_answered_in_english():
    assert "Unsubscribe" in render("A", "B", URL, "xx-YY").text
    assert "Abmelden" in render("A", "B", URL, "de-AT").text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", 'https://x/"onclick=', "https://x/ y", "https://x/\r\nX: y", ""]
)
def test_a_link_that_is_no_plain_web_address_is_refused(url):
    with pytest.raises(ValueError, match="URL"):
        render("A", "B", url)
