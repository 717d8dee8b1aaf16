"""Writes a message from its fields: proper MIME, in which no field's content can become a header of its own.

This writer is small and our own, so that every octet sent is known: CRLF lines, header lines folded between encoded
words (RFC 2047), file names as in RFC 2231, plain ASCII text as it is and other text as quoted-printable, files in
base64. Every value was checked for line breaks before it came here and is checked again when it is written: a break
in a header is a bug and raises an error.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relay.mail.address import Address
from relay.mail.encoded_words import encoded_words

CRLF = b"\r\n"
WIDTH = 76
_LINE = 900  # octets; a text with a longer line is written as quoted-printable (RFC 5322 §2.1.1: 998)
_ATEXT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~ ")
_ATTR = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")


@dataclass(frozen=True, slots=True)
class Party:
    """A person in a header: an address and the name shown beside it."""

    address: Address
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file. With a content id it is inline and shown by the HTML that refers to it (`cid:`)."""

    filename: str
    content_type: str
    data: bytes
    content_id: str = ""
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What to write. Blind copies are not part of it: they are only in the envelope."""

    sender: Party
    to: Sequence[Party]
    subject: str
    cc: Sequence[Party] = ()
    reply_to: Sequence[Party] = ()
    text: str | None = None
    html: str | None = None
    attachments: Sequence[Attached] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """A body part: its header lines and its body, each ending where the next delimiter begins."""

    header: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        return self.header + CRLF + self.body


def compose(letter: Letter, boundary: str) -> bytes:
    """The message. `boundary` is a random word from which each multipart derives its own."""
    lines = [_field("From", _parties([letter.sender]))]
    if letter.to:
        lines.append(_field("To", _parties(letter.to)))
    if letter.cc:
        lines.append(_field("Cc", _parties(letter.cc)))
    if letter.reply_to:
        lines.append(_field("Reply-To", _parties(letter.reply_to)))
    lines.append(_field("Subject", _unstructured(letter.subject)))
    lines += [_field(name, _unstructured(value)) for name, value in letter.headers.items()]
    lines.append(_field("MIME-Version", "1.0"))
    return b"".join(lines) + bytes(_content(letter, boundary))


# -- body -----------------------------------------------------------------------------------


def _content(letter: Letter, boundary: str) -> _Part:
    inline = [a for a in letter.attachments if a.is_inline and letter.html is not None]
    files = [a for a in letter.attachments if a not in inline]
    part = _shown(letter, inline, boundary)
    if not files:
        return part
    return _multipart("mixed", [part, *map(_file, files)], f"{boundary}m")


def _shown(letter: Letter, inline: Sequence[Attached], boundary: str) -> _Part:
    """What a reader shows: the text, the HTML with its images, or both as alternatives (the richest last)."""
    if letter.html is None:
        return _text(letter.text or "", "plain")
    rich = _text(letter.html, "html")
    if inline:
        rich = _multipart("related", [rich, *map(_file, inline)], f"{boundary}r", ' type="text/html";')
    if letter.text is None:
        return rich
    return _multipart("alternative", [_text(letter.text, "plain"), rich], f"{boundary}a")


def _text(text: str, subtype: str) -> _Part:
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    if not data.endswith(b"\n"):
        data += b"\n"
    plain = data.isascii() and max(map(len, data.split(b"\n"))) <= _LINE and b"\x00" not in data
    charset = "us-ascii" if data.isascii() else "utf-8"
    kind = _field("Content-Type", f"text/{subtype}; charset={charset}")
    if plain:
        return _Part(kind + _field("Content-Transfer-Encoding", "7bit"), data.replace(b"\n", CRLF))
    encoded = binascii.b2a_qp(data, quotetabs=False, istext=True).replace(b"\n", CRLF)
    return _Part(kind + _field("Content-Transfer-Encoding", "quoted-printable"), encoded)


def _file(attached: Attached) -> _Part:
    disposition = "inline" if attached.is_inline else "attachment"
    header = _field("Content-Type", f"{attached.content_type}{_parameter('name', attached.filename)}")
    header += _field("Content-Transfer-Encoding", "base64")
    header += _field("Content-Disposition", f"{disposition}{_parameter('filename', attached.filename)}")
    if attached.content_id:
        header += _field("Content-ID", f"<{attached.content_id}>")
    return _Part(header, base64.encodebytes(attached.data).replace(b"\n", CRLF))


def _multipart(subtype: str, parts: Sequence[_Part], boundary: str, more: str = "") -> _Part:
    header = _field("Content-Type", f'multipart/{subtype};{more} boundary="={boundary}="')
    delimiter = f"--={boundary}=".encode()
    body = b"".join(delimiter + CRLF + bytes(part) for part in parts)
    return _Part(header, body + delimiter + b"--" + CRLF)


# -- header -----------------------------------------------------------------------------------


def _field(name: str, value: str) -> bytes:
    """One field; the only line ends in it are the folds this module makes."""
    for line in value.split("\r\n "):
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError(f"a line break in {name}")
    return f"{name}: {value}\r\n".encode()


def _parties(parties: Sequence[Party]) -> str:
    """As many on a line as fit; a long list uses more lines, since no header line may exceed a thousand octets."""
    told = [_party(party) for party in parties]
    width = max(WIDTH, sum(map(len, told)) // 400)
    lines = told[:1]
    for one in told[1:]:
        if len(lines[-1]) + len(one) + 2 < width:
            lines[-1] += f", {one}"
        else:
            lines.append(one)
    return ",\r\n ".join(lines)


def _party(party: Party) -> str:
    return f"{_phrase(party.name)} <{party.address.wire}>" if party.name else party.address.wire


def _phrase(name: str) -> str:
    """A display name: unchanged, quoted, or in encoded words (RFC 5322 §3.2.5, RFC 2047 §5)."""
    if not name.isascii() or "=?" in name or len(name) > 200:
        return encoded_words(name)
    if all(c in _ATEXT for c in name) and name == " ".join(name.split()):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unstructured(text: str) -> str:
    """Free text: folded at blanks if unfolding restores it, otherwise in encoded words."""
    if not text.isascii() or "=?" in text or text != text.strip():
        return encoded_words(text)
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and word and len(line) + 1 + len(word) > WIDTH - (12 if not lines else 1):
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line or lines else (word if not lines and not line else f" {word}")
    lines.append(line)
    return "\r\n ".join(lines) if all(len(piece) <= _LINE for piece in lines) else encoded_words(text)


def _parameter(name: str, value: str) -> str:
    """A MIME parameter: quoted, or in pieces according to RFC 2231 if it is long or not ASCII."""
    if not value:
        return ""
    if value.isascii() and len(value) <= 60:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{quoted}"'
    encoded = "".join(c if c in _ATTR else "".join(f"%{b:02X}" for b in c.encode()) for c in value)
    pieces = _pieces(encoded)
    if len(pieces) == 1:
        return f";\r\n {name}*=utf-8''{encoded}"
    # RFC 2231 §4.1: the charset is in the first piece, and every piece is marked as encoded.
    return "".join(
        f";\r\n {name}*{n}*={chr(39).join(('utf-8', '', '')) if not n else ''}{p}" for n, p in enumerate(pieces)
    )


def _pieces(encoded: str) -> list[str]:
    """Cut between escapes, never inside one."""
    pieces, at = [], 0
    while at < len(encoded):
        end = min(at + 60, len(encoded))
        if end < len(encoded):
            while "%" in encoded[end - 2 : end] and end > at + 3:
                end -= 1
        pieces.append(encoded[at:end])
        at = end
    return pieces
