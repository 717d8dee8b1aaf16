"""Mail invented for this project: short texts of every group, none from a corpus.

There are three sets. `invented` was written beside the lexicon, `blind` by authors who knew neither the lexicon
nor any of the other mail; both are used for fitting. `fresh` was written like `blind`, after the last fit, and
is only measured.

A file holds messages, each below a line `%% LETTER GROUP LANGUAGE [reply]`: the subject line, then the text.
`T` and `H` (hard) are transactional, `C` and `A` (adversarial) commercial.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from policy.content import Content

_HERE = Path(__file__).resolve().parent
INVENTED, BLIND, FRESH = _HERE / "invented_mail", _HERE / "blind_mail", _HERE / "fresh_mail"
_LINK = re.compile(r"https?://\S+")
_LABELS = {"T": "transactional", "H": "transactional", "C": "commercial", "A": "commercial"}


class Invented(NamedTuple):
    """One invented message."""

    content: Content
    label: str
    group: str
    language: str

    @property
    def id(self) -> str:
        """Its name in reports."""
        return self.content.subject[:30]


def invented() -> Iterator[Invented]:
    """Every message written beside the lexicon, in the order of the files."""
    return chain.from_iterable(found for _, found in authors(INVENTED))


def blind() -> Iterator[Invented]:
    """Every message of the blind authors, in the order of the files."""
    return chain.from_iterable(found for _, found in authors(BLIND))


def fresh() -> Iterator[Invented]:
    """Every message written blind after the last fit, in the order of the files."""
    return chain.from_iterable(found for _, found in authors(FRESH))


def authors(folder: Path) -> Iterator[tuple[str, Iterator[Invented]]]:
    """Every file of a folder: its author's name and messages."""
    for path in sorted(folder.glob("*.txt")):
        yield f"{folder.name} {path.stem}", _read(path)


def _read(path: Path) -> Iterator[Invented]:
    for block in path.read_text(encoding="utf-8").split("%% ")[1:]:
        head, subject, text = block.split("\n", 2)
        letter, group, language, *marks = head.split()
        links = tuple(_LINK.findall(text))
        content = Content(subject, text.strip(), links=links, is_reply="reply" in marks)
        yield Invented(content, _LABELS[letter], group, language)
