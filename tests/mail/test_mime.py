"""The MIME view: byte ranges over real-world structures, damage, ambiguity, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.edit import edited
from relay.mail.footer_structure import add_part_edits, added_to
from relay.mail.mime import MAX_DEPTH, MAX_LOOK_ALIKES, MAX_PARTS, view

ALTERNATIVE = (
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b1"\r\n\r\npreamble\r\n'
    b"--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r\n"
    b"--b1\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n<p>html\r\n"
    b"--b1--\r\nepilogue\r\n"
)


def shape(data: bytes) -> list[tuple[str, bytes]]:
    seen = view(data)
    return [(part.type, data[part.body : part.end]) for part in seen.parts if not part.is_container]


def codes(data: bytes) -> set[str]:
    return {fault.code for fault in view(data).defects}


def ambiguities(data: bytes) -> set[str]:
    return {fault.code for fault in view(data).ambiguities}


def multipart(*bodies: bytes, boundary: bytes = b"b", close: bytes = b"--b--\r\n") -> bytes:
    head = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n'
    return head + b"".join(b"--" + boundary + b"\r\n" + body + b"\r\n" for body in bodies) + close


def test_parts_are_ranges_and_the_line_end_before_a_delimiter_is_its_own():
    assert shape(ALTERNATIVE) == [("text/plain", b"plain"), ("text/html", b"<p>html")]
    seen = view(ALTERNATIVE)
    assert not seen.defects
    assert seen.parts[1].charset == "utf-8"
    assert seen.parts[2].encoding == "quoted-printable"
    assert ALTERNATIVE[seen.parts[1].delimiter :].startswith(b"--b1\r\nContent-Type: text/plain")
    assert ALTERNATIVE[seen.root.close :].startswith(b"--b1--")


def test_bare_lf_is_read_alike():
    data = ALTERNATIVE.replace(b"\r\n", b"\n")
    assert shape(data) == [("text/plain", b"plain"), ("text/html", b"<p>html")]


def test_a_message_without_mime_fields_is_plain_text():
    seen = view(b"From: a@b.c\r\n\r\nhi\r\n")
    assert (seen.root.type, seen.root.encoding, seen.root.charset) == ("text/plain", "7bit", "")


@pytest.mark.parametrize("kind", [b"rfc822", b"global", b"news"])
def test_nested_structures_and_attached_messages_are_followed(kind):
    inner = b"Subject: in\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\nx\r\n--z--\r\n"
    data = multipart(b"\r\none", b"Content-Type: message/" + kind + b"\r\n\r\n" + inner)
    seen = view(data)
    assert [part.type for part in seen.parts] == [
        "multipart/mixed", "text/plain", f"message/{kind.decode()}", "multipart/mixed", "text/plain",
    ]  # fmt: skip
    assert [part.in_message for part in seen.parts] == [False, False, False, True, True]


def test_what_a_digest_holds_are_messages():
    data = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n"
    assert [part.type for part in view(data).parts] == ["multipart/digest", "message/rfc822", "text/plain"]


def test_empty_parts_have_empty_bodies():
    assert shape(multipart(b"", b"\r\n", b"Content-Type: text/html\r\n")) == [
        ("text/plain", b""), ("text/plain", b""), ("text/html", b""),
    ]  # fmt: skip


@pytest.mark.parametrize("part", [b"X: y", b"Content-Type: message/rfc822\r\n\r\nSubject: in"])
def test_a_header_that_nothing_ends_ends_with_its_part(part):
    data = multipart(part, b"\r\ntwo")
    assert shape(data) == [("text/plain", b""), ("text/plain", b"two")]
    assert not codes(data)


def test_an_outer_delimiter_ends_an_inner_multipart_that_was_not_closed():
    inner = b"Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\r\ninner text"
    data = multipart(inner, b"\r\nouter text")
    assert shape(data) == [("text/plain", b"inner text"), ("text/plain", b"outer text")]
    assert codes(data) == {"multipart_unterminated"}
    assert not ambiguities(data)


def test_an_unterminated_multipart_ends_with_the_message():
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
    assert shape(data) == [("text/plain", b"text\r\n")]


def test_p14_what_comes_after_the_close_is_no_part():
    data = multipart(b"\r\none") + b"--b\r\n\r\nnot shown\r\n"
    assert shape(data) == [("text/plain", b"one")]
    assert ambiguities(data) == {"part_after_close"}  # some readers go on
    assert not ambiguities(multipart(b"\r\none") + b"not shown\r\n")


def test_a_delimiter_may_have_blanks_after_it():
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \t\r\n\r\ntext\r\n--b-- \r\n"
    assert shape(data) == [("text/plain", b"text")]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"Content-Type: text/plain\r\nContent-Type: text/html\r\n", "content_type_repeated"),
        (b"Content-Type: text/plain; charset=utf-8; charset=utf-7\r\n", "parameter_repeated"),
        (b"Content-Type: text/plain; charset=utf-7\r\n", "charset_unknown"),
        (b"Content-Type: text/plain; charset=nonsense\r\n", "charset_unknown"),
        (b"Content-Type: text/plain; charset=cp037\r\n", "charset_unknown"),
        (b"Content-Type: text/plain; charset=utf-32\r\n", "charset_unknown"),
        (b"Content-Type: text/plain; charset=utf-16\r\n", "charset_utf_16"),
        (b"Content-Transfer-Encoding: x-uue\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: base 64\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: b a s e 6 4\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: base64;\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: base-64\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: quoted-printable (x)\r\n", "encoding_unknown"),
        (b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n", "encoding_repeated"),
        (b"Content-Disposition: inline\r\nContent-Disposition: attachment\r\n", "content_disposition_repeated"),
        (b"Content-Type: multipart/mixed\r\n", "boundary_missing"),
        (b"Content-Type: multipart/mixed; boundary=q\r\n", "no_delimiter"),
        (b'Content-Type: multipart/mixed; boundary="b "\r\n', "boundary_trailing_space"),
        (b"Content-Type: multipart/mixed; boundary=(x)b\r\n", "boundary_unclear"),
        (b"Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\r\n", "boundary_unclear"),
        (b"Content-Type: multipart/mixed; boundary=b\xe9\r\n", "boundary_not_ascii"),
        (b"Content-Type : text/html\r\n", "space_before_colon"),
        (b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", "encoding_of_composite"),
        (b"Content-Type: multipart/x; boundary=b\r\nContent-Transfer-Encoding: base64\r\n", "encoding_of_composite"),
        (b"Content-Type: message/partial; id=a; number=1; total=1", "content_elsewhere"),
        (b'Content-Type: message/external-body; access-type=URL; URL="https://a.example/"', "content_elsewhere"),
        (b"Content-Type: application/ms-tnef\r\nContent-Disposition: attachment\r\n", "content_elsewhere"),
        (b"Content-Type: application/vnd.ms-tnef\r\n", "content_elsewhere"),
        (b"A: b\r\n \r\nContent-Type: text/html\r\n", "blank_continuation_line"),
        (b" x\r\nContent-Type: text/html\r\n", "leading_continuation"),
        (b"X\xe9: y\r\n", "header_name_invalid"),
        (b"no colon\r\n", "line_without_colon"),
        (b"Content-Type: text/plain" + b"; a=b" * 1000 + b"\r\n", "too_many_parameters"),
    ],
)
def test_p14_what_readers_read_differently_is_ambiguous(header, code):
    assert code in ambiguities(header + b"\r\n--b\r\n\r\nx\r\n--b--\r\n")


@pytest.mark.parametrize("value", [b"7bit", b" BASE64 ", b"8-bit", b"8bit;", b"binary (raw)", b""])
def test_an_encoding_all_readers_take_alike_is_not_ambiguous(value):
    assert not ambiguities(b"Content-Transfer-Encoding: " + value + b"\r\n\r\nYWJj")


@pytest.mark.parametrize("value", [b"", b"html", b"/html", b"text/", b"text/html/x"])
def test_a_type_that_is_none_is_plain_text(value):
    data = b"Content-Type: " + value + b"\r\n\r\nx"
    assert (view(data).root.type, codes(data)) == ("text/plain", {"content_type_invalid"})


def test_an_encoding_that_is_not_one_token_decodes_nothing():
    assert view(b"Content-Transfer-Encoding: base64;\r\n\r\nYWJj").root.encoding == "unknown"


@pytest.mark.parametrize(
    ("said", "page", "expected"),
    [
        ("", "<meta charset=koi8-r>Привет".encode("koi8-r"), True),
        ("; charset=us-ascii", b"<META content='text/html; ch&#97;rset=iso-2022-jp'>bye\x1b$B", True),
        ("", "<?xml version='1.0' encoding='windows-1251'?>Привет".encode("cp1251"), True),
        ("; charset=koi8-r", "<meta charset=koi8-r>Привет".encode("koi8-r"), False),
        ("", "<meta charset=utf-8>Привет".encode(), False),
        ("", b"<meta charset=koi8-r>hi", False),
    ],
)
def test_p14_a_page_that_alone_names_the_charset_it_needs_is_ambiguous(said, page, expected):
    data = f"Content-Type: text/html{said}\r\n\r\n".encode() + page
    assert ("charset_only_in_page" in ambiguities(data)) is expected


def test_what_an_attachment_says_of_its_charset_holds_nothing_up():
    sheet = b"Content-Type: text/csv; charset=utf-16\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\nx"
    assert not ambiguities(multipart(b"\r\nhi", sheet))


def test_a_part_is_put_in_by_the_boundary_that_was_read():
    data = multipart(b"\r\nhi", boundary="b€".encode(), close="--b€--\r\n".encode()).replace(
        'boundary="b€"'.encode(), b"boundary*=utf-8''b%E2%82%AC"
    )
    seen = view(data)
    assert shape(data) == [("text/plain", b"hi")]
    result = edited(data, add_part_edits(seen, added_to(seen.root), "bye", b"\r\n"))
    assert [body for _, body in shape(result)] == [b"bye\r\n", b"hi"]


def test_p14_one_boundary_that_begins_another_is_ambiguous():
    inner = b"Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--"
    assert ambiguities(multipart(inner)) == {"boundary_look_alike"}
    assert shape(multipart(inner)) == [("text/plain", b"x")]


def test_p14_what_follows_a_line_that_looks_like_a_delimiter_is_read():
    data = multipart(b"\r\none\r\n--bx", b"\r\ntwo")
    assert shape(data) == [("text/plain", b"one\r\n--bx"), ("text/plain", b"two")]
    assert view(multipart(b"\r\n" + b"--bx\r\n" * (MAX_LOOK_ALIKES + 1))).beyond_limits


def test_p14_a_boundary_used_again_inside_is_ambiguous():
    inner = b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--"
    assert "boundary_reused" in ambiguities(multipart(inner))


def test_p14_base64_going_on_after_its_padding_is_ambiguous():
    data = b"Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\nYQ==\r\n"
    assert ambiguities(data) == {"base64_after_padding"}


def test_what_is_odd_inside_an_attached_message_holds_nothing_up():
    inner = b"Content-Type: text/plain; charset=nonsense\r\n\r\nx"
    data = multipart(b"\r\nhi", b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert "charset_unknown" in codes(data)
    assert not ambiguities(data)


def test_repeated_fields_that_agree_are_not_ambiguous():
    assert not ambiguities(b"Content-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nx")


def nested(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=n%03d\r\n\r\n--n%03d\r\n" % (n, n) for n in range(depth))
    return head + b"\r\ntext"


def test_p17_a_hundred_levels_are_read_and_more_are_not():
    assert view(nested(MAX_DEPTH)).beyond_limits == ()
    assert {fault.code for fault in view(nested(900)).beyond_limits} == {"mime_too_deep"}
    attached = b"Content-Type: message/rfc822\r\n\r\n" * 900
    assert {fault.code for fault in view(attached).beyond_limits} == {"mime_too_deep"}


def test_p17_a_thousand_parts_are_read_and_more_are_not():
    assert not view(multipart(*[b"\r\nx"] * (MAX_PARTS - 1))).beyond_limits
    many = view(multipart(*[b"\r\nx"] * 50_000))
    assert {fault.code for fault in many.beyond_limits} == {"too_many_parts"}
    assert len(many.parts) <= MAX_PARTS


@pytest.mark.parametrize(
    ("header", "signed", "encrypted"),
    [
        (b"multipart/signed; boundary=b", True, False),
        (b"multipart/encrypted; boundary=b", False, True),
        (b"application/pkcs7-mime; smime-type=signed-data", True, False),
        (b"application/pkcs7-mime; smime-type=enveloped-data", False, True),
        (b"application/pkcs7-mime; smime-type=Certs-Only", True, False),
        (b"application/x-pkcs7-mime; name=smime.p7m", False, True),
        (b"application/pkcs7-mime\r\nContent-Disposition: attachment; filename=smime.p7m", False, True),
        (b"multipart/mixed; boundary=b", False, False),
    ],
)
def test_signed_and_encrypted_messages_are_known(header, signed, encrypted):
    seen = view(b"Content-Type: " + header + b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n")
    assert (seen.is_signed, seen.is_encrypted) == (signed, encrypted)


def test_a_signed_message_attached_to_another_does_not_sign_that():
    inner = (
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nx\r\n--s--"
    )
    assert not view(multipart(b"\r\nsee below", inner)).is_signed


def test_a_message_is_encrypted_if_a_part_is_but_not_if_an_attached_file_is():
    part = b"Content-Type: application/pkcs7-mime\r\n"
    assert view(multipart(b"\r\nhi", part + b"\r\nx")).is_encrypted
    assert not view(multipart(b"\r\nhi", part + b"Content-Disposition: attachment\r\n\r\nx")).is_encrypted


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'attachment; filename="a b.pdf"', "a b.pdf"),
        (b"attachment; filename*=utf-8''caf%C3%A9.txt", "café.txt"),
        (b'attachment; filename="=?utf-8?q?caf=C3=A9?="', "café"),
        ('attachment; filename="café"'.encode(), "café"),
    ],
)
def test_file_names_are_decoded(disposition, name):
    assert view(b"Content-Disposition: " + disposition + b"\r\n\r\n").root.filename == name


PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: message/rfc822\r\n", b"\r\n", b"--b\r\n",
    b"--b--\r\n", b"--bb\r\n", b"--b", b"text", b"\n", b" ", b"Content-Type: text/html\r\n", b"\0",
    b"Content-Transfer-Encoding: base64\r\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_mixture_is_read_and_children_lie_within_their_parents(pieces):
    data = b"".join(pieces)
    seen = view(data)
    for part in seen.parts:
        assert 0 <= part.start <= part.body <= part.end <= len(data)
        position = part.body
        for child in part.children:
            assert position <= child.start <= child.end <= part.end
            position = child.end
