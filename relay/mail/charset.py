"""Charsets as mail uses them: names, decoding as readers do it, encoding, and encoded words.

Labels are read as browsers and mail readers read them (WHATWG Encoding): what
calls itself Latin-1 or ASCII is windows-1252, Shift_JIS is its Windows form.
Decoding never fails. A label nobody knows decodes like one that is missing:
UTF-8 where that is valid, windows-1252 otherwise.
"""

import binascii
import codecs
import re
from functools import lru_cache

from relay.mail import transfer

_ALIASES = {
    "us-ascii": "ascii",
    "ascii": "ascii",
    "ansi_x3.4-1968": "ascii",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "x-ansi": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "cp950",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "iso-2022-jp": "iso2022_jp_2",
    "unicode-1-1-utf-7": "utf-7",
}
_NO_CHARSETS = frozenset(("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"))
_LABEL = re.compile(r"[A-Za-z0-9_.:+-]{1,40}")
_WORD = re.compile(rb"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_STATEFUL = frozenset(("utf-7", "hz"))


@lru_cache(maxsize=256)
def lookup(label: str) -> str:
    """The codec for a charset label, or "" when nobody knows it."""
    found = _LABEL.match(label.strip().strip("\"'"))
    if found is None:
        return ""
    name = found[0].lower()
    try:
        info = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError):
        return ""
    if not getattr(info, "_is_text_encoding", True) or info.name.replace("_", "-") in _NO_CHARSETS:
        return ""
    return info.name


@lru_cache(maxsize=256)
def is_ascii_superset(codec: str) -> bool:
    """Whether octets below 0x80 always mean ASCII, so that markup can be found and text put in without decoding."""
    if not codec or codec in _STATEFUL or codec.startswith(("iso2022", "utf-16", "utf-32")):
        return False
    probe = bytes(range(0x20, 0x7F))
    try:
        return probe.decode(codec).encode(codec) == probe and "<body>".encode(codec) == b"<body>"
    except UnicodeError:
        return False


def decode(data: bytes, codec: str) -> str:
    """`data` as text, by a codec from `lookup` ("" when none is known)."""
    if data.isascii() and (not codec or codec in ("ascii", "utf-8", "cp1252")):
        return data.decode("ascii")
    if codec and codec != "ascii":
        return _by_codec(data, codec)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _by_codec(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec, "replace")
    except (UnicodeError, ValueError):  # some multi-byte codecs refuse to replace
        return data.decode("latin-1")


def encode(text: str, codec: str) -> bytes | None:
    """`text` in the codec, or None when it cannot be said there."""
    try:
        return text.encode(codec)
    except (UnicodeEncodeError, LookupError):
        return None


def decode_header(value: bytes) -> str:
    """An unstructured header value as readers show it: encoded words (RFC 2047 §6) and raw octets decoded."""
    if b"=?" not in value:
        return decode(value, "")
    pieces: list[str] = []
    pending, pending_codec = b"", ""
    position = 0
    for word in _WORD.finditer(value):
        between = value[position : word.start()]
        codec = lookup(word[1].decode("ascii"))
        data = _decode_word(word[3], word[2])
        position = word.end()
        # RFC 2047 §6.2: white space between encoded words is not shown; a character may be split over two of them.
        if pending and not between.strip() and codec == pending_codec:
            pending += data
            continue
        pieces.append(decode(pending, pending_codec))
        if between.strip() or not pending:
            pieces.append(decode(between, ""))
        pending, pending_codec = data, codec
    pieces.extend((decode(pending, pending_codec), decode(value[position:], "")))
    return "".join(pieces)


def _decode_word(text: bytes, kind: bytes) -> bytes:
    if kind in b"bB":
        return transfer.decode(text, "base64")
    return binascii.a2b_qp(text, header=True)


@lru_cache(maxsize=256)
def strict(label: str) -> str:
    """The codec of exactly the charset named, without what readers add to it: for writing."""
    codec = lookup(label)
    found = _LABEL.match(label.strip().strip("\"'"))
    if not codec or found is None:
        return ""
    try:
        return codecs.lookup(found[0].lower()).name
    except LookupError:
        return codec
