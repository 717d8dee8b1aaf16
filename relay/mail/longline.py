"""Finds parts that must be re-encoded for transport: lines over 998 octets, and 8-bit octets where only 7
bits may pass.

Text becomes quoted-printable, anything else base64, as recorded edits; the decoded content stays exactly the
same. No line is ever cut. Where nothing may be edited (a header, a signed or encrypted part, an attached
message) the outcome is `impossible` and names the line. If there is no long line, the scan looks at one octet
in a thousand.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator

from msgspec import Struct

from relay.mail import transfer
from relay.mail.edit import Edit
from relay.mail.mime import Part, View
from relay.mail.part_header import set_content

LONGEST = 998  # RFC 5322 §2.1.1, without the line end


class Recoding(Struct, frozen=True):
    """The bodies (by start offset) to re-encode, or why that is impossible."""

    bodies: tuple[int, ...] = ()
    impossible: str = ""


def long_lines(view: View) -> Recoding:
    """What must be re-encoded so that no line is too long."""
    offset = _next_long_line(view.data, 0)
    if offset < 0:
        return Recoding()
    leaves = _leaves(view)
    bodies: list[int] = []
    while offset >= 0:
        part = _leaf_at(leaves, offset)
        if part is None or not _may_recode(view, part):
            return Recoding(impossible=f"{_where(view, offset, part)} has a line over {LONGEST} octets")
        bodies.append(part.body)
        offset = _next_long_line(view.data, max(part.end, offset + 1))
    return Recoding(tuple(bodies))


def eight_bit(view: View) -> Recoding:
    """What must be re-encoded for a provider without 8BITMIME (RFC 6152 §3)."""
    data = view.data
    if data.isascii():
        return Recoding()
    bodies: list[int] = []
    position = 0
    for part in _leaves(view):
        if not data[position : part.body].isascii():
            return _eight_bit_at(view, position, None)
        if not data[part.body : part.end].isascii():
            if not _may_recode(view, part):
                return _eight_bit_at(view, part.body, part)
            bodies.append(part.body)
        position = part.end
    if not data[position:].isascii():
        return _eight_bit_at(view, position, None)
    return Recoding(tuple(bodies))


def recode_edits(view: View, bodies: Collection[int], eol: bytes) -> Iterator[Edit]:
    """The edits that re-encode these bodies."""
    for part in view.parts:
        if not part.is_container and part.body in bodies:
            encoding = new_encoding(part)
            octets = transfer.decode(view.data[part.body : part.end], part.encoding)
            yield from set_content(part, eol, encoding=encoding, is_root=part is view.root)
            yield Edit(part.body, part.end, transfer.encode(octets, encoding, eol))


def new_encoding(part: Part) -> str:
    """The new encoding of a part: base64 stays, and is the only one for what is not text."""
    is_text = part.type[:5] == "text/" or part.encoding == "quoted-printable"
    return "quoted-printable" if is_text and part.encoding != "base64" else "base64"


def _leaves(view: View) -> list[Part]:
    return [part for part in view.parts if not part.is_container]


def _leaf_at(leaves: list[Part], offset: int) -> Part | None:
    at = bisect_right(leaves, offset, key=lambda part: part.body) - 1
    return leaves[at] if at >= 0 and leaves[at].body <= offset < leaves[at].end else None


def _may_recode(view: View, part: Part) -> bool:
    if view.is_signed or view.is_encrypted or part.in_message or part.encoding == "unknown":
        return False
    # RFC 2046 §5.2, RFC 2045 §6.4: messages and multiparts are not encoded.
    return part.type[:8] != "message/" and part.type[:10] != "multipart/"


def _next_long_line(data: bytes, position: int) -> int:
    """Where the next line over the limit begins, starting at the beginning of a line; -1 if there is none."""
    size = len(data)
    while size - position > LONGEST:
        newline = data.rfind(b"\n", position, position + LONGEST + 2)
        if newline < 0:
            return position
        if newline - position > LONGEST and data[newline - 1] != 13 and data.find(b"\n", position) == newline:
            return position  # with a bare LF, one more octet fits into the window
        position = newline + 1
    return -1


def _eight_bit_at(view: View, start: int, part: Part | None) -> Recoding:
    while view.data[start : start + 4096].isascii():
        start += 4096
    first = next(at for at in range(start, len(view.data)) if view.data[at] > 127)
    return Recoding(impossible=f"{_where(view, first, part)} has 8-bit octets")


def _where(view: View, offset: int, part: Part | None) -> str:
    line = view.data.count(b"\n", 0, offset) + 1
    if part is not None:
        return f"line {line} (in {part.type}, which may not be edited)"
    return f"header line {line}" if offset < view.root.body else f"line {line} (between the parts)"
