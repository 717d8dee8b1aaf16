"""Mail invented for fitting: short texts of every group, written for this project, none from a corpus.

A file holds messages, each under a line `%% LETTER GROUP LANGUAGE [reply]`, then
the subject line, then the text. `T` and `H` (hard) are transactional, `C` and
`A` (adversarial) commercial.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from policy.content import Content

FOLDER = Path(__file__).resolve().parent / "invented_mail"
_LINK = re.compile(r"https?://\S+")
_LABELS = {"T": "transactional", "H": "transactional", "C": "commercial", "A": "commercial"}


class Invented(NamedTuple):
    """One invented message."""

    content: Content
    label: str
    group: str
    language: str


def invented() -> Iterator[Invented]:
    """Every invented message, in the order of the files."""
    for path in sorted(FOLDER.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("%% ")[1:]:
            head, subject, text = block.split("\n", 2)
            letter, group, language, *marks = head.split()
            links = tuple(_LINK.findall(text))
            content = Content(subject, text.strip(), links=links, is_reply="reply" in marks)
            yield Invented(content, _LABELS[letter], group, language)
