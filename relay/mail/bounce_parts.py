"""Splits a returned mail into the pieces that the bounce reader examines.

It never raises on any bytes and takes linear time: the input is cut at `MAX_SIZE`, nesting at `MAX_DEPTH`, parts at
`MAX_PARTS`, and no library parser sees any of it (faults P17, P18). All line ends (CRLF, LF, bare CR) become LF. What
cannot be decoded is kept with replacement characters: a half-readable bounce is still a bounce.
"""

from collections.abc import Iterator

from msgspec import Struct, field

from relay.mail import charset, parameters, transfer
from relay.mail.entities import unescape

MAX_SIZE = 1 << 20
MAX_TEXT = 64 << 10  # characters of one part; what a server has to say comes first
MAX_DEPTH = 12
MAX_PARTS = 100
MAX_FIELDS = 1_000
MAX_VALUE = 8_000
# The part with the returned mail or its header (RFC 6522 §3, RFC 6533 §5), and two misspellings of it.
ORIGINALS = (
    *("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"),
    *("message/rfc822-headers", "text/rfc822"),
)


class Fields(Struct, frozen=True):
    """Header fields in order, names in lower case, values unfolded."""

    items: tuple[tuple[str, str], ...] = ()

    def first(self, name: str) -> str:
        """The value of the first field of that name; empty if there is none."""
        return next((value for key, value in self.items if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.items if key == name)


class Part(Struct, frozen=True):
    """One leaf: its media type in lower case and its decoded text."""

    type: str
    text: str
    fields: Fields = field(default=Fields())


class Returned(Struct, frozen=True):
    """A mail in pieces: its own header, and its leaf parts in order."""

    fields: Fields
    parts: tuple[Part, ...]

    @property
    def subject(self) -> str:
        """As a reader sees it, in lower case."""
        return charset.decode_words(self.fields.first("subject")).strip().lower()

    def of(self, *types: str) -> Iterator[Part]:
        return (part for part in self.parts if part.type in types)


def cut(data: bytes) -> Returned:
    """The pieces of a mail."""
    text = data[:MAX_SIZE].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    if text.startswith((b"From ", b">From ")):  # the separator line of an mbox
        text = text.partition(b"\n")[2]
    head, body = split_header(text)
    fields = read_fields(head)
    return Returned(fields, tuple(_leaves(fields, body)))


def split_header(data: bytes) -> tuple[bytes, bytes]:
    """Header and body of a message with LF line ends."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    head, _, body = data.partition(b"\n\n")
    return head, body


def read_fields(head: bytes | str) -> Fields:
    """The header fields of a block; lines that are no fields are skipped."""
    text = head if isinstance(head, str) else charset.decode(head[: 256 << 10], "")
    items: list[tuple[str, str]] = []
    name, values = "", [""]
    for line in text.split("\n", MAX_FIELDS * 4)[: MAX_FIELDS * 4]:
        key, colon, value = line.partition(":")
        is_field = bool(colon) and 0 < len(key) < 80 and " " not in key.strip() and line[:1] not in (" ", "\t")
        if not is_field:
            values.append(line.strip())  # a folded line, or the rest of a long reply that was not folded
            continue
        if name:
            items.append((name, " ".join(values).strip()[:MAX_VALUE]))
        name, values = key.strip().lower(), [value.strip()]
    if name:
        items.append((name, " ".join(values).strip()[:MAX_VALUE]))
    return Fields(tuple(items[:MAX_FIELDS]))


def _leaves(fields: Fields, body: bytes) -> Iterator[Part]:
    """Depth first with an explicit stack, so that nesting does not use up Python's."""
    stack = [(fields, body, 0)]
    seen = 0
    while stack and seen < MAX_PARTS:
        fields, body, depth = stack.pop()
        seen += 1
        kind = _structured(fields, "content-type")
        media = kind.value or "text/plain"
        boundary = kind.params.get("boundary", "").encode("latin-1", "replace")
        pieces = _pieces(body, boundary) if boundary and depth < MAX_DEPTH else []
        if media.startswith("multipart/") and pieces:
            stack.extend((read_fields(head), content, depth + 1) for head, content in reversed(pieces))
        else:
            media = "text/plain" if media.startswith("multipart/") else media  # its boundary is missing: read as text
            yield Part(media, _text(fields, kind.params.get("charset", ""), media, body), fields)


def _structured(fields: Fields, name: str) -> parameters.Structured:
    return parameters.parse(fields.first(name).encode("utf-8", "replace"))


def _pieces(body: bytes, boundary: bytes) -> list[tuple[bytes, bytes]]:
    """The parts between the boundaries (RFC 2046 §5.1.1); a missing final boundary is tolerated."""
    found = []
    for piece in (b"\n" + body).split(b"\n--" + boundary, MAX_PARTS)[1:]:
        line, _, content = piece.partition(b"\n")
        if line.startswith(b"--"):
            break
        found.append(split_header(content))
    return found


def _text(fields: Fields, label: str, media: str, body: bytes) -> str:
    raw = transfer.decode(body[: MAX_TEXT * 2], _structured(fields, "content-transfer-encoding").value)
    text = charset.decode(raw, charset.lookup(label)).replace("\r\n", "\n").replace("\r", "\n")[:MAX_TEXT]
    return shown(text) if media == "text/html" else text


def shown(markup: str) -> str:
    """The text of an HTML part: tags removed, blocks on lines of their own. Takes linear time."""
    out: list[str] = []
    for number, piece in enumerate(markup.split("<")):
        tag, closed, text = piece.partition(">")
        if number == 0 or not closed:
            out.append(piece)
            continue
        name = tag.strip("/ ").partition(" ")[0].lower()
        out.append("\n" if name in _BLOCKS else " " if name in {"td", "th"} else "")
        if name not in {"style", "script", "head", "title"} or tag.startswith("/"):
            out.append(text)
    return unescape("".join(out))


_BLOCKS = frozenset({"br", "p", "div", "tr", "table", "li", "ul", "h1", "h2", "h3", "h4", "hr", "body", "pre", "title"})
