"""Edits of a part's MIME header fields: charset, transfer encoding, and moving them into a new part."""

import re

from relay.mail.edit import Edit
from relay.mail.header import HeaderBlock
from relay.mail.mime import Part

_CHARSET = re.compile(rb""";\s*charset(?:\*\d{0,2}\*?)?\s*=\s*(?:"[^"]*"|'[^']*'|[^;\s]*)""", re.IGNORECASE)


def set_content(part: Part, eol: bytes, charset: str = "", encoding: str = "", is_root: bool = False) -> list[Edit]:
    """Edits that give the part this charset and this transfer encoding; of repeated fields, the first one stays."""
    header = part.header
    edits: list[Edit] = []
    added = b""
    if charset:
        label = f"charset={charset}".encode()
        fields = header.all(b"content-type")
        if fields:
            value = header.value(fields[0])
            value = _CHARSET.sub(b"", value).rstrip(b" ;\t") if b"/" in value else part.type.encode()
            edits += _only(header, b"content-type", b"Content-Type: " + value + b"; " + label + eol)
        else:
            added += f"Content-Type: {part.type}; ".encode() + label + eol
    if encoding:
        line = f"Content-Transfer-Encoding: {encoding}".encode() + eol
        edits += _only(header, b"content-transfer-encoding", line)
        if not header.all(b"content-transfer-encoding"):
            added += line
    if is_root and header.first(b"mime-version") is None:
        added = b"MIME-Version: 1.0" + eol + added
    if added:
        edits.append(
            Edit(header.fields_end, header.fields_end, _line_end(header, eol) + added + separator(header, eol))
        )
    return edits


def says_encoding(part: Part) -> bool:
    """Whether the transfer encoding is written so that every reader understands it as we do."""
    field = part.header.first(b"content-transfer-encoding")
    return field is None or part.header.value(field).lower().decode("latin-1") == part.encoding


def separator(header: HeaderBlock, eol: bytes) -> bytes:
    """The empty line after the fields, if the part lacks one."""
    return b"" if header.end > header.fields_end else eol


def opening(header: HeaderBlock, eol: bytes) -> bytes:
    """What must come before a body that is added to a part without one."""
    return _line_end(header, eol) + separator(header, eol)


def content_fields(header: HeaderBlock) -> tuple[bytes, list[Edit]]:
    """The fields that describe the body, to be moved elsewhere, and the edits that remove them."""
    moved = [
        field for field in header.fields if field.name.startswith(b"content-") and field.name != b"content-language"
    ]
    return b"".join(map(header.raw, moved)), [Edit(field.start, field.end, b"") for field in moved]


def _only(header: HeaderBlock, name: bytes, line: bytes) -> list[Edit]:
    return [Edit(field.start, field.end, b"" if number else line) for number, field in enumerate(header.all(name))]


def _line_end(header: HeaderBlock, eol: bytes) -> bytes:
    """A line end if the last field lacks one."""
    if header.fields_end == header.start or header.data[header.fields_end - 1 : header.fields_end] == b"\n":
        return b""
    return eol
