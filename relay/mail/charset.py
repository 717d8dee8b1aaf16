"""Charsets as mail uses them: names, decoding as mail readers do it, encoding, and encoded words.

Labels are interpreted as browsers and mail readers do (WHATWG Encoding): text labelled Latin-1 or ASCII is
windows-1252, Shift_JIS is its Windows variant. Decoding never fails. A label that readers do not know is
treated as missing: UTF-8 if that is valid, otherwise windows-1252.
"""

import binascii
import codecs
import re
from functools import lru_cache

from relay.mail import transfer
from relay.mail.entities import unescape

# WHATWG Encoding §4.2: exactly these labels. A reader shows text with an unknown label as ASCII, or as UTF-8 if it is
# valid; decoding it with a codec that only Python knows (EBCDIC, UTF-7, UTF-32) would give another text. ISO-2022-KR
# and HZ are unknown, too: readers show nothing of them (§4.2, «replacement»).
_TABLE = """
utf-8: utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8
ascii: us-ascii ascii ansi_x3.4-1968
cp1252: cp819 csisolatin1 ibm819 iso-ir-100 iso_8859-1:1987 l1 latin1
iso8859-2: csisolatin2 iso-ir-101 iso_8859-2:1987 l2 latin2
iso8859-3: csisolatin3 iso-ir-109 iso_8859-3:1988 l3 latin3
iso8859-4: csisolatin4 iso-ir-110 iso_8859-4:1988 l4 latin4
iso8859-5: csisolatincyrillic cyrillic iso-ir-144 iso_8859-5:1988
iso8859-6: arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127
iso8859-6: iso_8859-6:1987
iso8859-7: csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso_8859-7:1987 sun_eu_greek
iso8859-8: csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso_8859-8:1988 visual
iso8859-8: csiso88598i iso-8859-8-i logical
iso8859-10: csisolatin6 iso-ir-157 l6 latin6
iso8859-15: csisolatin9 iso_8859-15 l9
iso8859-16: iso-8859-16
cp1254: csisolatin5 iso-ir-148 iso_8859-9:1989 l5 latin5
cp874: dos-874 tis-620 windows-874
cp866: 866 cp866 csibm866 ibm866
koi8-r: cskoi8r koi koi8 koi8-r koi8_r
koi8-u: koi8-u koi8-ru
mac-roman: csmacintosh mac macintosh x-mac-roman
mac-cyrillic: x-mac-cyrillic x-mac-ukrainian
gb18030: gb18030 chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk
cp950: big5 cn-big5 csbig5 x-x-big5
big5hkscs: big5-hkscs
euc_jp: cseucpkdfmtjapanese euc-jp x-euc-jp
iso2022_jp_2: csiso2022jp iso-2022-jp
cp932: csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis
cp949: cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949
utf-16: utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode
utf-16-le: utf-16le unicodefeff
utf-16-be: utf-16be unicodefffe
"""
# Charsets that readers replace by another: mail's Latin-1 is really windows-1252 (§4.2).
_ISO = {1: "cp1252", 9: "cp1254", 11: "cp874"} | {n: f"iso8859-{n}" for n in (*range(2, 9), 10, 13, 14, 15)}


def _labels() -> dict[str, str]:
    labels = {f"{form}{n}": f"cp125{n}" for n in range(9) for form in ("windows-125", "cp125", "x-cp125")}
    labels |= {f"{form}{n}": codec for n, codec in _ISO.items() for form in ("iso-8859-", "iso8859-", "iso8859")}
    labels |= {f"iso_8859-{n}": _ISO[n] for n in range(1, 10)}
    for row in _TABLE.strip().split("\n"):
        codec, _, named = row.partition(": ")
        labels |= dict.fromkeys(named.split(), codec)
    return {label: codecs.lookup(codec).name for label, codec in labels.items()}


_LABELS = _labels()
# In `meta`, or in an XML declaration (WHATWG HTML §13.2.3.2).
_IN_PAGE = re.compile(r"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)
# What a page that names a charset has: the words, or references that may stand for their letters (numbers, and i).
_TO_NAME_ONE = (b"charset", b"encoding", b"&#", b"&i")
_WORD = re.compile(rb"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")


def lookup(label: str) -> str:
    """The codec for a charset label, or "" if readers do not know it."""
    return _LABELS.get(label) or _LABELS.get(_bare(label), "")


def _bare(label: str) -> str:
    return label.strip().strip("\"'").lower()


def is_utf_16(codec: str) -> bool:
    """Whether the codec is UTF-16, which is no charset for text in mail (RFC 2781 §4) and not understood by all."""
    return codec.startswith("utf-16")


def is_ascii_superset(codec: str) -> bool:
    """Whether octets below 0x80 always mean ASCII, so that markup can be found and text inserted without decoding."""
    return bool(codec) and not is_utf_16(codec) and not codec.startswith("iso2022")


def utf_16_in(octets: bytes) -> str:
    """The codec of octets recognisable as UTF-16; "" if they are not.

    Recognised by a byte order mark, or because nearly every other octet is NUL.
    """
    if octets[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    first, second = octets[::2].count(0), octets[1::2].count(0)
    if not (first and second) and 4 * (first + second) > len(octets):
        return "utf-16-be" if first else "utf-16-le"
    return ""


def decode(data: bytes, codec: str) -> str:
    """`data` as text, using a codec from `lookup` ("" if it is unknown)."""
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
    except (UnicodeError, ValueError):  # some multi-byte codecs do not support replacement
        return data.decode("latin-1")


def encode(text: str, codec: str) -> bytes | None:
    """`text` in the codec, or None if the codec cannot represent it."""
    try:
        return text.encode(codec)
    except (UnicodeEncodeError, LookupError):
        return None


def page_says_otherwise(octets: bytes) -> bool:
    """Whether a page that came without a charset names one in its markup that makes another text of it."""
    low = octets.lower()
    if not any(word in low for word in _TO_NAME_ONE):  # most pages: to unescape them would cost as much as reading them
        return False
    named = {lookup(label) for label in _IN_PAGE.findall(unescape(octets.decode("latin-1")))}
    known = [codec for codec in sorted(named) if codec and not is_utf_16(codec)]
    return any(decode(octets, codec) != decode(octets, "") for codec in known)


def decode_header(value: bytes) -> str:
    """An unstructured header value as readers show it: encoded words (RFC 2047 §6) and raw octets decoded."""
    if b"=?" not in value:
        return decode(value, "")
    pieces: list[str] = []
    pending: list[bytes] = []
    pending_codec = ""
    position = 0
    for word in _WORD.finditer(value):
        between = value[position : word.start()]
        codec = lookup(word[1].decode("ascii"))
        data = _decode_word(word[3], word[2])
        position = word.end()
        # RFC 2047 §6.2: white space between encoded words is not shown, and one character may be split over two of
        # them.
        if pending and not between.strip() and codec == pending_codec:
            pending.append(data)
            continue
        pieces.append(decode(b"".join(pending), pending_codec))
        if between.strip() or not pending:
            pieces.append(decode(between, ""))
        pending, pending_codec = [data], codec
    pieces.extend((decode(b"".join(pending), pending_codec), decode(value[position:], "")))
    return "".join(pieces)


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded as `decode_header` does."""
    return decode_header(text.encode("utf-8", "replace")) if "=?" in text else text


def _decode_word(text: bytes, kind: bytes) -> bytes:
    if kind in b"bB":
        return transfer.decode(text, "base64")
    return binascii.a2b_qp(text, header=True)


@lru_cache(maxsize=256)
def strict(label: str) -> str:
    """The codec of exactly this charset, without the extensions that readers allow: for writing."""
    codec = lookup(label)
    try:
        return codecs.lookup(_bare(label)).name if codec else ""
    except LookupError:
        return codec
