"""Adds a part for the footer to messages that show no text, and removes parts that cannot carry it."""

import hashlib
from typing import NamedTuple

from relay.mail import transfer
from relay.mail.edit import Edit
from relay.mail.mime import Part, View
from relay.mail.part_header import content_fields

_UNDIVIDED = frozenset(("multipart/alternative", "multipart/related", "multipart/report"))


class Added(NamedTuple):
    """A text part to add: before the first part of the multipart at `start`, or by wrapping the whole message."""

    start: int
    way: str  # "first" or "wrap"
    boundary: str


def added_to(part: Part) -> Added:
    """A text part before all others of this multipart."""
    return Added(part.start, "first", part.boundary.decode("latin-1"))


def wrapped(view: View) -> Added:
    """A text part beside everything else: first in the multipart, or in a new one around the message."""
    root = view.root
    if root.is_container and root.type[:10] == "multipart/" and root.type not in _UNDIVIDED:
        return added_to(root)
    return Added(root.start, "wrap", _unused_boundary(view.data))


def drop_range(parent: Part, child: Part) -> tuple[int, int]:
    """The range from the delimiter before the child to the next delimiter."""
    following = [part.delimiter for part in parent.children if part.delimiter > child.delimiter]
    end = min(following) if following else parent.close
    return child.delimiter, child.end if end < 0 else end


def add_part_edits(view: View, added: Added, footer: str, eol: bytes) -> list[Edit]:
    """The edits that add the footer as a part of its own."""
    delimiter = b"--" + added.boundary.encode("latin-1")
    part = delimiter + eol + _text_part(footer, eol)
    if added.way == "first":
        parent = next(part for part in view.parts if part.start == added.start and part.is_container)
        at = parent.children[0].delimiter
        return [Edit(at, at, part)]
    return _wrap(view, added.boundary.encode("ascii"), delimiter, part, eol)


def _wrap(view: View, boundary: bytes, delimiter: bytes, part: bytes, eol: bytes) -> list[Edit]:
    header = view.header
    moved, removed = content_fields(header)
    fields = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"' + eol
    if header.first(b"mime-version") is None:
        fields = b"MIME-Version: 1.0" + eol + fields
    if moved and not moved.endswith(b"\n"):
        moved += eol
    ended = b"" if header.fields_end == 0 or view.data[header.fields_end - 1] == 10 else eol
    missing = b"" if header.end > header.fields_end else eol
    return [
        *removed,
        Edit(header.fields_end, header.fields_end, ended + fields + missing),
        Edit(header.end, header.end, part + delimiter + eol + moved + eol),
        Edit(len(view.data), len(view.data), eol + delimiter + b"--" + eol),
    ]


def _text_part(footer: str, eol: bytes) -> bytes:
    text = (footer.strip("\n") + "\n").encode().replace(b"\n", eol)
    plain = footer.isascii() and max(map(len, footer.split("\n"))) <= 78
    encoding = b"7bit" if plain else b"quoted-printable"
    body = text if plain else transfer.encode_quoted_printable(text, eol)
    return (
        (b"Content-Type: text/plain; charset=utf-8" + eol)
        + (b"Content-Transfer-Encoding: " + encoding + eol + b"Content-Disposition: inline" + eol + eol)
        + (body + eol)
    )


def _unused_boundary(data: bytes) -> str:
    """A boundary for this message, the same for each call; no message can contain it, as none contains its hash."""
    return f"=_gatepost_{hashlib.sha256(data).hexdigest()[:24]}"
