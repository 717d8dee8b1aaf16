"""What we added to a message, line by line.

Equal lines at the beginning and the end are set aside first, in one pass. The middle is compared line by line
only if it is short, so that no message can make this slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter

MIDDLE = 1500  # the most lines on either side for which the middle is compared line by line
CONTEXT = 2
LONGEST = 300  # characters shown of a line
MOST = 2000  # lines shown


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the comparison: kind is same, added, removed or gap."""

    kind: str
    text: str
    number: int = 0


def compare(before: bytes, after: bytes) -> list[Line]:
    """The lines added and removed, each with a few lines of context."""
    a, b = before.split(b"\r\n"), after.split(b"\r\n")
    head = _equal(a, b)
    tail = _equal(a[head:][::-1], b[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    lines = [_line("same", text, number + 1) for number, text in enumerate(b[:head])]
    lines += _middle(middle_a, middle_b, head)
    lines += [_line("same", text, len(b) - tail + n + 1) for n, text in enumerate(b[len(b) - tail :])]
    return list(_folded(lines))[:MOST]


def _equal(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


def _middle(a: Sequence[bytes], b: Sequence[bytes], offset: int) -> Iterable[Line]:
    if len(a) > MIDDLE or len(b) > MIDDLE:
        yield from (_line("removed", text) for text in a)
        yield from (_line("added", text, offset + n + 1) for n, text in enumerate(b))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (_line("same", b[n], offset + n + 1) for n in range(j1, j2))
            continue
        yield from (_line("removed", text) for text in a[i1:i2])
        yield from (_line("added", b[n], offset + n + 1) for n in range(j1, j2))


def _line(kind: str, text: bytes, number: int = 0) -> Line:
    shown = text[: LONGEST * 2].decode("utf-8", "replace")
    return Line(kind, shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…", number)


def _folded(lines: Sequence[Line]) -> Iterable[Line]:
    """The changes with their context; lines far from any change are replaced by a gap."""
    near = bytearray(len(lines))
    for index, line in enumerate(lines):
        if line.kind != "same":
            start = max(0, index - CONTEXT)
            stop = min(len(lines), index + CONTEXT + 1)
            near[start:stop] = b"\x01" * (stop - start)
    for is_near, group in groupby(zip(near, lines, strict=True), itemgetter(0)):
        shown = [line for _, line in group]
        far = f"{len(shown)} lines unchanged" if len(shown) > 1 else "1 line unchanged"
        yield from shown if is_near else [Line("gap", far)]
