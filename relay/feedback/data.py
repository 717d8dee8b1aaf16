"""The end of a message on the wire, found in blocks: only CRLF.CRLF ends it (RFC 5321 §4.1.1.4)."""

_END = b"\r\n.\r\n"


class EndOfData:
    """Looks for the end over the seams of blocks; one search a block."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the end of the DATA line: an empty message is no special case

    def find(self, block: bytes) -> int:
        """The offset behind the final dot's line, -1 while the message goes on."""
        tail = self._tail
        seam = (tail + block[:4]).find(_END)
        if seam >= 0:
            return seam + len(_END) - len(tail)
        found = block.find(_END)
        self._tail = block[-4:] if len(block) >= 4 else (tail + block)[-4:]
        return found + len(_END) if found >= 0 else -1


def unstuffed(data: bytes) -> bytes:
    """The message without its final dot, and without those doubled at the beginning of lines (RFC 5321 §4.5.2)."""
    body = data[: -len(b".\r\n")].replace(b"\r\n.", b"\r\n")
    return body[1:] if body[:1] == b"." else body
