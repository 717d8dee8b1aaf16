"""Edits of a message: byte ranges and their replacements.

A message is never parsed and serialised again: what leaves is the original with these ranges replaced, and
every byte outside them is unchanged.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """`data[start:end]` becomes `replacement`; with `start == end` it is inserted before that byte."""

    start: int
    end: int
    replacement: bytes


def apply_edits(data: bytes, edits: Iterable[Edit]) -> list[bytes | memoryview]:
    """The edited message in chunks; unchanged ones are views into `data`. Raises ValueError if edits overlap.

    Several insertions at one place keep the order in which they are given.
    """
    kept = memoryview(data)
    chunks: list[bytes | memoryview] = []
    position = 0
    for edit in sorted(edits, key=_place):
        if edit.start < position or edit.end < edit.start or edit.end > len(data):
            raise ValueError(f"edits overlap or leave the message at {edit.start}")
        if edit.start > position:
            chunks.append(kept[position : edit.start])
        if edit.replacement:
            chunks.append(edit.replacement)
        position = edit.end
    if position < len(data):
        chunks.append(kept[position:])
    return chunks


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The edited message in one piece."""
    return b"".join(apply_edits(data, edits)) if edits else data


def _place(edit: Edit) -> tuple[int, bool]:
    # What is inserted at a place comes before what is replaced from there on.
    return edit.start, edit.end > edit.start
