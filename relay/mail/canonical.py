"""Relaxed canonicalisation of header fields and bodies (RFC 6376 §3.4.2, §3.4.4).

Takes linear time on any input; 25 MB of blanks cost no more than 25 MB of prose. A body is taken in pieces as
they come, so nobody has to join them. Blanks and line ends at the end of a piece, which the next piece may
still change, are kept as a count, not as bytes.
"""

import hashlib
import re
from collections.abc import Iterable

_TAB_TO_SPACE = bytes.maketrans(b"\t", b" ")
_BLANKS = re.compile(rb" {2,}")
_PIECE = 1 << 18  # octets of a large body copied at a time


def relaxed_field(field: bytes) -> bytes:
    """One complete header field (folded or not) in relaxed form, with its CRLF."""
    name, _, value = field.partition(b":")
    return b"%s:%s\r\n" % (name.strip(b" \t").lower(), relaxed_value(value))


def relaxed_value(value: bytes) -> bytes:
    """A field's value unfolded, with runs of blanks reduced to one and none at its ends."""
    value = value.replace(b"\r\n", b"").strip(b" \t")
    if b"\t" in value:
        value = value.translate(_TAB_TO_SPACE)
    return _single_blanks(value)


class RelaxedBodyHash:
    """SHA-256 of the relaxed form of a body that comes in pieces."""

    __slots__ = ("_hash", "_line_ends", "_tail", "_written")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._tail = b""  # a blank, a CR or both, whose meaning depends on the next piece
        self._line_ends = 0  # CRLFs not yet followed by anything (§3.4.4: final empty lines are dropped)
        self._written = False

    def update(self, chunk: bytes | memoryview) -> None:
        """Take the next piece; pieces may be cut anywhere."""
        size = len(chunk)
        if size <= _PIECE:
            self._take(bytes(chunk))
            return
        for start in range(0, size, _PIECE):
            self._take(bytes(chunk[start : start + _PIECE]))

    def digest(self) -> bytes:
        """The hash of all pieces; afterwards the object cannot be used any more."""
        if self._tail.endswith(b"\r"):  # a bare CR at the very end counts as text
            self._emit(self._tail)
        # §3.4.4: a non-empty body ends with one CRLF; a body that is empty, or only empty lines, becomes nothing.
        if self._written:
            self._hash.update(b"\r\n")
        return self._hash.digest()

    def _take(self, piece: bytes) -> None:
        text = self._tail + piece if self._tail else piece
        if b"\t" in text:
            text = text.translate(_TAB_TO_SPACE)
        text = self._hold_back(_single_blanks(text))
        if b" \r\n" in text:
            text = text.replace(b" \r\n", b"\r\n")
        body = text.rstrip(b"\r\n")
        ends = (len(text) - len(body)) // 2
        if text[len(body) :] != b"\r\n" * ends:  # there are bare CRs or LFs among them; only CRLF pairs are line ends
            body, ends = _without_pairs(text)
        if body:
            self._emit(body)
            self._line_ends = 0
        self._line_ends += ends

    def _hold_back(self, text: bytes) -> bytes:
        """Hold back the end of `text` that the next piece could turn into a line end or a longer blank."""
        cut = len(text)
        if text[-1:] == b"\r":
            cut -= 1
        if text[cut - 1 : cut] == b" ":
            cut -= 1
        self._tail = text[cut:]
        return text[:cut] if self._tail else text

    def _emit(self, text: bytes) -> None:
        while self._line_ends:
            burst = min(self._line_ends, _PIECE)
            self._hash.update(b"\r\n" * burst)
            self._line_ends -= burst
        self._hash.update(text)
        self._written = True


def body_hash(chunks: Iterable[bytes | memoryview]) -> bytes:
    """SHA-256 of the relaxed form of the body that consists of these pieces."""
    relaxed = RelaxedBodyHash()
    for chunk in chunks:
        relaxed.update(chunk)
    return relaxed.digest()


def _single_blanks(text: bytes) -> bytes:
    """Reduce each run of blanks to one. Repeated halving is ten times faster for many runs, the expression
    for a long one.
    """
    for _ in range(3):
        if b"  " not in text:
            return text
        text = text.replace(b"  ", b" ")
    return _BLANKS.sub(b" ", text)


def _without_pairs(text: bytes) -> tuple[bytes, int]:
    end = len(text)
    while text.endswith(b"\r\n", 0, end):
        end -= 2
    return text[:end], (len(text) - end) // 2
