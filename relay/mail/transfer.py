"""Content transfer encodings (RFC 2045 §6): decoding as mail readers do it, encoding as the standard says.

Decoding never fails: invalid octets are skipped, missing padding is supplied, and an unknown encoding is left
as it is. Everything is linear, and `limit` bounds how much is decoded.
"""

import binascii
import re

IDENTITY = frozenset(("7bit", "8bit", "binary"))
KNOWN = IDENTITY | {"base64", "quoted-printable"}

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_ALPHABET = bytes(set(range(256)) - set(_ALPHABET))
_MOST_PADDINGS = 1000
_PADDING = re.compile(rb"=[=\s]*")
# RFC 2045 §6.7 rule 3: white space at the end of a line, after a soft break too, was added in transport.
_PADDED_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_BASE64_LINE_OCTETS = 57  # 76 characters, RFC 2045 §6.8


def decode(raw: bytes, encoding: str, limit: int | None = None) -> bytes:
    """The decoded octets of `raw`; with `limit`, at least the first `limit` of them if there are that many."""
    if encoding == "base64":
        return _decode_base64(raw, limit)
    if encoding == "quoted-printable":
        return _decode_quoted_printable(raw, limit)
    return raw if limit is None else raw[:limit]


def encode(data: bytes, encoding: str, eol: bytes = b"\r\n") -> bytes:
    """`data` in the transfer encoding, in lines of at most 76 characters; identity encodings return it unchanged."""
    if encoding == "base64":
        return encode_base64(data, eol)
    if encoding == "quoted-printable":
        return encode_quoted_printable(data, eol)
    return data


def encode_base64(data: bytes, eol: bytes = b"\r\n") -> bytes:
    """Base64 in lines of 76 characters, including a line end after the last."""
    view = memoryview(data)
    lines = [
        binascii.b2a_base64(view[at : at + _BASE64_LINE_OCTETS], newline=False)
        for at in range(0, len(data), _BASE64_LINE_OCTETS)
    ]
    return eol.join(lines) + eol if lines else b""


def encode_quoted_printable(data: bytes, eol: bytes = b"\r\n") -> bytes:
    """Quoted-printable of text whose lines end in `eol`; line ends stay line ends."""
    # b2a_qp writes soft breaks with the first kind of line end it sees, so the text uses only one.
    lines = data if eol == b"\n" else data.replace(b"\r\n", b"\n")
    # It leaves a bare CR as it is, which no line may contain.
    encoded = binascii.b2a_qp(lines, istext=True).replace(b"\r", b"=0D")
    return encoded if eol == b"\n" else encoded.replace(b"\n", eol)


def continues_after_padding(raw: bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether base64 continues after its padding, where only some readers stop."""
    at = raw.find(b"=", start, end)
    return at >= 0 and bool(raw[at:end].translate(None, _NOT_ALPHABET))


def base64_offset(raw: bytes, count: int) -> int:
    """The offset in `raw` of the base64 character number `count` (from 0), whatever is in between."""
    low, high = 0, len(raw)
    # Bisection with counting in C: linear overall, whatever the line lengths.
    while high - low > 1:
        middle = (low + high) // 2
        within = len(raw[low:middle].translate(None, _NOT_ALPHABET))
        if count < within:
            high = middle
        else:
            low, count = middle, count - within
    return low if count == 0 and raw[low : low + 1] and raw[low] in _ALPHABET else len(raw)


def _decode_base64(raw: bytes, limit: int | None) -> bytes:
    if limit is not None:
        # A third more characters than octets, plus room for line ends and stray octets.
        raw = raw[: limit * 3 // 2 + 256]
    if continues_after_padding(raw):
        return b"".join([_decode_quads(piece) for piece in _PADDING.split(raw, _MOST_PADDINGS)])
    return _decode_quads(raw)


def _decode_quads(raw: bytes) -> bytes:
    characters = raw.translate(None, _NOT_ALPHABET)
    spare = len(characters) % 4
    if spare == 1:  # six bits are not an octet
        characters = characters[:-1]
    elif spare:
        characters += b"=" * (4 - spare)
    return binascii.a2b_base64(characters)


def _decode_quoted_printable(raw: bytes, limit: int | None) -> bytes:
    if limit is not None and len(raw) > 3 * limit:
        # An octet takes at most three characters, but soft breaks take more; so cut at a line end.
        cut = raw.rfind(b"\n", 0, 3 * limit)
        raw = raw[: cut + 1] if cut > 0 else raw[: 3 * limit]
    if b"= " in raw or b"=\t" in raw:
        raw = _PADDED_SOFT_BREAK.sub(b"=", raw)
    return binascii.a2b_qp(raw)
