"""Writes header fields in encoded words (RFC 2047), for non-ASCII text where only ASCII may pass.

What readers are shown stays the same. Addresses, message ids and the parameters of MIME fields have no such form: a
header with non-ASCII text in one of these cannot be converted.
"""

import base64
import re
from collections.abc import Sequence

from relay.mail import charset
from relay.mail.edit import Edit
from relay.mail.header import HeaderBlock

_WORD = 45  # octets in one word: 60 letters of base64 and the frame stay under 75 (RFC 2047 §2)
_ADDRESSES = frozenset(b"from sender reply-to to cc".split())
_NO_TEXT = re.compile(
    rb"content-|received|return-path|dkim-|arc-|resent-|message-id|in-reply-to|references|date|list-|mime-version"
)
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*+"|<[^<>]*+>|[,:;]|[^\s"<>(),:;]+)\s*')
_PAIR = re.compile(r"\\(.)")


def encoded_words(text: str) -> str:
    """The text in words of whole characters, one a line."""
    words, piece = [], b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > _WORD:
            words.append(piece)
            piece = b""
        piece += octets
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def in_ascii(header: HeaderBlock) -> Sequence[Edit]:
    """The edits that make the header ASCII; none if it is ASCII already or cannot be converted."""
    edits: list[Edit] = []
    for field in header.fields:
        if header.raw(field).isascii():
            continue
        written = None if _NO_TEXT.match(field.name) else _written(header.value(field), field.name)
        if written is None:
            return ()
        edits.append(Edit(field.value_start, field.end, f" {written}\r\n".encode()))
    return edits


def _written(value: bytes, name: bytes) -> str | None:
    return _mailboxes(charset.decode(value, "")) if name in _ADDRESSES else encoded_words(charset.decode_header(value))


def _mailboxes(text: str) -> str | None:
    """A list with its display names in encoded words; None if anything else in it is not ASCII."""
    lines = [""]
    phrase: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            return None
        position = found.end()
        if found[1][0] not in "<,:;":
            phrase.append(found[1])
            continue
        lines[-1] += _phrase(phrase) + (f" {found[1]}" if found[1][0] == "<" else found[1])
        phrase = []
        if found[1][0] != "<":
            lines.append("")
    lines[-1] += _phrase(phrase)
    # A separator may follow another: each line needs its blank, or the header would end there.
    written = "\r\n ".join(filter(None, map(str.strip, lines)))
    return written if written.isascii() else None


def _phrase(words: list[str]) -> str:
    """Words and quoted strings as they are, or in encoded words; an address among them is not text."""
    if all(map(str.isascii, words)) or any("@" in word for word in words if word[0] != '"'):
        return "".join([f" {word}" for word in words])
    shown = " ".join([_PAIR.sub(r"\1", word[1:-1]) if word[0] == '"' else word for word in words])
    return f" {encoded_words(charset.decode_header(shown.encode()))}"
