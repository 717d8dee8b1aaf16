"""What a file says is told from its octets, whatever it is called."""

import base64
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail import files
from relay.mail.mime import Part, view
from relay.mail.text import content

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
KEY = "the key of Jürgen – 1"
NOTHING_SEEN = b"Your order 5521 was shipped today. " * 10
PACKED = zlib.compress(random.Random(7).randbytes(3000))
HEAD_OF_A_PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj << /Type /Catalog >> endobj\n" * 40


def sent_along(octets: bytes, fields: bytes = b"Content-Type: application/octet-stream") -> bytes:
    head = MIXED + b"--b\r\n\r\n" + NOTHING_SEEN + b"\r\n--b\r\n"
    return head + fields + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets) + b"--b--\r\n"


def file(octets: bytes) -> tuple[bytes, Part]:
    data = sent_along(octets)
    return data, view(data).parts[-1]


ATTACHED = b"Content-Disposition: attachment; filename=a"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: application/octet-stream; name=a.txt",
        b"Content-Type: application/json\r\n" + ATTACHED,
        b"Content-Type: text/plain\r\n" + ATTACHED,
        b"Content-Type: text/plain; charset=utf-8\r\n" + ATTACHED,
    ],
)
def test_text_is_handed_on_in_whatever_encoding_it_was_stored(codec: str, fields: bytes):
    if b"charset" in fields and codec == "cp1252":
        fields = fields.replace(b"utf-8", b"latin1")
    found = content(view(sent_along(KEY.encode(codec), fields)))
    assert KEY in found.unseen


def test_utf_16_without_its_name_is_handed_on_where_it_is_shown_too():
    found = content(view(sent_along("the key".encode("utf-16-le"), b"Content-Type: text/plain")))
    assert "the key" in found.unseen


@pytest.mark.parametrize(
    "octets", [PACKED, b"\x89PNG\r\n\x1a\n" + PACKED, HEAD_OF_A_PDF + PACKED, b"PK\3\4" + PACKED, b""]
)
def test_what_is_no_text_is_known_by_its_octets(octets: bytes):
    assert not files.is_text(*file(octets))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", range(4))
def test_a_character_cut_in_two_by_the_look_is_no_harm(codec: str, before: int):
    assert files.is_text(*file(("a" * before + "€😀" * 1000).encode(codec)))


def hash_of(fields: bytes, octets: bytes, boundary: bytes = b"b") -> str:
    data = sent_along(octets, fields).replace(b"boundary=b", b"boundary=" + boundary).replace(b"--b", b"--" + boundary)
    return files.hash_of(view(data))


PICTURE = b"Content-Type: image/png\r\nContent-Disposition: inline\r\nContent-ID: <a>"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: application/pdf\r\n" + ATTACHED,
        PICTURE,
        b"Content-Type: text/plain\r\n" + ATTACHED,
        b"Content-Type: text/calendar; method=REQUEST",
        b"Content-Type: message/delivery-status",
    ],
)
def test_what_is_sent_along_has_one_hash_by_its_octets(fields: bytes):
    assert hash_of(fields, b"invoice 1") == hash_of(fields, b"invoice 1", b"another") != hash_of(fields, b"invoice 2")


def test_an_attached_message_is_hashed_whole():
    inner = b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\n%b\r\n--b--\r\n"
    one, other = (files.hash_of(view(MIXED + b"--b\r\n\r\nfyi\r\n" + inner % n)) for n in (b"1", b"2"))
    assert one != other


def test_where_one_file_ends_and_the_next_begins_counts():
    part = b"--b\r\nContent-Type: image/png\r\n\r\n%b\r\n"
    one, other = (files.hash_of(view(MIXED + part % a + part % b)) for a, b in ((b"ab", b"c"), (b"a", b"bc")))
    assert one != other


@pytest.mark.parametrize("fields", [b"Content-Type: text/html", b"Content-Type: application/pgp-signature; name=a.asc"])
def test_shown_texts_and_signatures_are_no_files(fields: bytes):
    assert not hash_of(fields, b"a")


@given(st.binary(max_size=200))
def test_any_octets_are_read(octets: bytes):
    files.is_text(*file(octets))
    files.text_of(*file(octets))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=99), st.booleans())
def test_ascii_in_utf_16_is_read_as_what_it_says(text: str, is_marked: bool):
    assert files.text_of(*file(text.encode("utf-16" if is_marked else "utf-16-be"))) == text
