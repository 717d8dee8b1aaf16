"""Puts the footer into one text part, whatever its charset and transfer encoding.

There are two ways. *Splice*: the footer is inserted into the encoded octets and nothing else changes (in
base64, what follows the place is re-encoded, since three octets make four characters). *Recode*: the whole
body is decoded and written again as quoted-printable (base64 stays base64), in UTF-8 if its own charset
cannot represent the footer. HTML needs no other charset: character references express whatever ASCII lacks.
"""

import codecs
import re
from typing import NamedTuple

from relay.mail import charset, transfer
from relay.mail.edit import Edit
from relay.mail.footer_html import find_place
from relay.mail.mime import Part
from relay.mail.part_header import opening, says_encoding, separator, set_content

_LONGEST = 900  # octets in a line; RFC 5322 §2.1.1 allows 998
_FLOWED_STUFFED = re.compile(r"^(?=[ >]|From )", re.MULTILINE)  # RFC 3676 §4.4


class PartPlan(NamedTuple):
    """How the footer goes into the part whose body starts at `body`."""

    body: int
    is_html: bool
    way: str  # "splice" or "recode"
    at: int  # splice: offset in the raw body (base64: in the decoded one); recode: offset in the decoded body
    codec: str  # for encoding the footer
    closing: str = ""  # end tags for elements left open
    charset: str = ""  # the part's new charset label
    transcode: bool = False  # recode: convert from the part's charset to UTF-8
    is_flowed: bool = False


def plan_html(part: Part, raw: bytes, octets: bytes, footer: str) -> PartPlan | None:
    """The plan for an HTML part; None if nothing inserted is certain to be seen."""
    codec = part.charset
    wide = bool(codec) and not charset.is_ascii_superset(codec)
    # Latin-1 keeps octet and character offsets equal; markup is ASCII in every charset except the wide ones.
    text = charset.decode(octets, codec) if wide else octets.decode("latin-1")
    place = find_place(text)
    if place is None:
        return None
    if wide:
        at = len(text[: place.at].encode("utf-8", "surrogatepass"))
        return PartPlan(part.body, True, "recode", at, "utf-8", place.closing, "utf-8", transcode=True)
    splice = PartPlan(part.body, True, "splice", place.at, "ascii", place.closing)
    if part.encoding == "base64":
        return splice
    if part.encoding == "quoted-printable":
        at = _raw_offset(raw, octets, place.at)
        return splice._replace(at=at) if at >= 0 else splice._replace(way="recode")
    is_long = max(map(len, _as_html(footer, place.closing, b"\n").split(b"\n"))) > _LONGEST
    return splice._replace(way="recode") if is_long else splice


def plan_plain(part: Part, raw: bytes, octets: bytes, footer: str) -> PartPlan:
    """The plan for a plain text part, with the footer at its end."""
    flowed = part.params.params.get("format", "").lower() == "flowed"
    identity = part.encoding in transfer.IDENTITY
    ends = len(octets) if part.encoding == "base64" else len(raw)
    splice = PartPlan(part.body, False, "splice", ends, "ascii", is_flowed=flowed)
    if identity and max(map(len, footer.encode().split(b"\n"))) > _LONGEST:
        return _recoded(splice, part, octets, footer)
    codec = _own_codec(part, octets, footer)
    if codec:
        # RFC 2045 §6.2: a part labelled 7bit must stay so.
        if codec in ("ascii", "iso2022_jp") or footer.isascii() or part.encoding != "7bit":
            return splice._replace(codec=codec)
        return splice._replace(way="recode", at=len(octets), codec=codec)
    return _recoded(splice, part, octets, footer)


def _recoded(splice: PartPlan, part: Part, octets: bytes, footer: str) -> PartPlan:
    """A plan that re-encodes the part as UTF-8, or only as quoted-printable if its charset suffices."""
    codec = _own_codec(part, octets, footer)
    if codec and codec != "iso2022_jp":
        return splice._replace(way="recode", at=len(octets), codec=codec)
    if octets.isascii() and part.charset in ("", "ascii", "utf-8", "cp1252"):
        if part.encoding == "7bit":
            return splice._replace(way="recode", at=len(octets), codec="utf-8", charset="utf-8")
        return splice._replace(codec="utf-8", charset="utf-8")
    text = charset.decode(octets, part.charset)
    at = len(text.encode("utf-8", "surrogatepass"))
    return splice._replace(way="recode", at=at, codec="utf-8", charset="utf-8", transcode=True)


def _own_codec(part: Part, octets: bytes, footer: str) -> str:
    """A codec for the footer in the part's labelled charset; "" if that cannot represent it."""
    codec = part.charset
    if not codec or codec == "ascii":
        return "ascii" if footer.isascii() else ""
    if charset.is_ascii_superset(codec):
        strict = charset.strict(part.params.params.get("charset", ""))
        return strict if charset.encode(footer, strict) is not None else ""
    if not codec.startswith("iso2022_jp") or charset.encode(footer, "iso2022_jp") is None:
        return ""
    # ASCII can only follow if the text has returned to ASCII at its end, as it must (RFC 1468).
    follows = _decodes(octets + b"\r\nx", codec) == (_decodes(octets, codec) or "") + "\r\nx"
    return "iso2022_jp" if follows else ""


def _decodes(octets: bytes, codec: str) -> str | None:
    try:
        return codecs.decode(octets, codec)
    except (UnicodeError, ValueError):
        return None


def recoded(data: bytes, part: Part, planned: PartPlan) -> PartPlan:
    """The same plan for a part whose body must be re-encoded anyway."""
    if planned.way == "recode":
        return planned
    at = planned.at
    if part.encoding == "quoted-printable":
        at = len(transfer.decode(data[part.body : part.body + at], part.encoding))
    return planned._replace(way="recode", at=at)


def part_edits(data: bytes, part: Part, planned: PartPlan, footer: str, eol: bytes, is_root: bool) -> list[Edit]:
    """The edits that insert `footer` into the part."""
    raw = data[part.body : part.end]
    recode = planned.way == "recode"
    encoding = ("base64" if part.encoding == "base64" else "quoted-printable") if recode else ""
    relabelled = encoding if encoding != part.encoding else ""
    if not relabelled and not says_encoding(part):
        relabelled = encoding or part.encoding
    edits = set_content(part, eol, planned.charset, relabelled, is_root) if planned.charset or relabelled else []
    # If the part has no empty line after its header, and no new fields bring one, the footer brings it.
    before = opening(part.header, eol) if separator(part.header, eol) and not _adds_line(edits, part) else b""
    if recode:
        body = _recode(raw, part, planned, footer, encoding, eol)
        return [*edits, Edit(part.body, part.end, before + body)]
    if part.encoding == "base64":
        return [*edits, _splice_base64(raw, part, planned, footer, eol, before)]
    text = _lines(planned, footer, raw, eol)
    if part.encoding == "quoted-printable":
        text = transfer.encode_quoted_printable(text, eol)
        if not planned.is_html:
            text = _after_soft_break(raw, eol) + text
    return [*edits, Edit(part.body + planned.at, part.body + planned.at, before + text)]


def _adds_line(edits: list[Edit], part: Part) -> bool:
    return any(edit.start == edit.end == part.header.fields_end for edit in edits)


def _line_end(octets: bytes, eol: bytes) -> bytes:
    """The line end used in a decoded body; `eol` if it has no lines."""
    if b"\n" not in octets:
        return eol
    return b"\r\n" if b"\r\n" in octets else b"\n"


def _lines(planned: PartPlan, footer: str, before: bytes, eol: bytes) -> bytes:
    """The footer as octets, with the line ends that separate it from the text before."""
    if planned.is_html:
        return _as_html(footer, planned.closing, eol)
    if planned.is_flowed:
        footer = _FLOWED_STUFFED.sub(" ", "\n".join(map(str.rstrip, footer.split("\n"))))
    text = footer.strip("\n").encode(planned.codec).replace(b"\n", eol)
    ended = b"" if not before or before.endswith(b"\n") else eol
    return ended + (eol if before else b"") + text + eol


def _as_html(footer: str, closing: str, eol: bytes) -> bytes:
    text = closing.encode("ascii", "xmlcharrefreplace") + footer.encode("ascii", "xmlcharrefreplace").replace(
        b"\n", eol
    )
    return eol + text + eol


def _recode(raw: bytes, part: Part, planned: PartPlan, footer: str, encoding: str, eol: bytes) -> bytes:
    octets = transfer.decode(raw, part.encoding)
    if planned.transcode:
        octets = charset.decode(octets, part.charset).encode("utf-8", "replace")
    text = octets[: planned.at] + _lines(planned, footer, octets, eol) + octets[planned.at :]
    return transfer.encode(text, encoding, eol)


def _splice_base64(raw: bytes, part: Part, planned: PartPlan, footer: str, eol: bytes, before: bytes) -> Edit:
    """Everything from the quad at this place on is re-encoded; the lines before it stay as they are."""
    quad = planned.at // 3
    at = transfer.base64_offset(raw, 4 * quad)
    tail = transfer.decode(raw[at:], "base64")
    inside = planned.at - 3 * quad
    if b"=" in raw[:at]:  # some readers stop at padding
        tail, at, inside = transfer.decode(raw, "base64"), 0, planned.at
    head = transfer.decode(raw[max(0, at - 16) : at], "base64") + tail[:inside]
    text = (
        tail[:inside] + _lines(planned, footer, head, _line_end(tail if at == 0 else head + tail, eol)) + tail[inside:]
    )
    broken = eol if at and raw[at - 1 : at] != b"\n" else b""
    return Edit(part.body + at, part.end, before + broken + transfer.encode_base64(text, eol))


def _after_soft_break(raw: bytes, eol: bytes) -> bytes:
    """A soft line break at the very end would swallow the line end that follows."""
    stripped = raw.rstrip(b"\r\n \t")
    if not stripped.endswith(b"="):
        return b""
    return eol if raw.endswith(b"\n") else eol + eol


def _raw_offset(raw: bytes, octets: bytes, at: int) -> int:
    """The offset in quoted-printable `raw` of the decoded octet `at`; -1 if it cannot be determined."""
    if at == 0:
        return 0
    if at == len(octets):
        return len(raw) if not raw.rstrip(b"\r\n \t").endswith(b"=") else -1
    rest = octets[at : at + 6]
    found = raw.rfind(rest)
    for _ in range(8):
        if found < 0:
            return -1
        before = len(transfer.decode(raw[:found], "quoted-printable"))
        if before == at:
            return found
        if before < at:
            return -1
        found = raw.rfind(rest, 0, found)
    return -1
