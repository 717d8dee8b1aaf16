"""Limits how much of a message is read as its readers see it: of a long one, the beginning and the end.

First everything that nobody is shown is removed, so that text cannot be hidden behind a megabyte of blanks or
styles. What is left out here is still searched for secrets.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from policy.tokens import flat
from relay.mail.tags import FOREIGN, closed, raws

MAX_TEXT = 64 * 1024  # characters kept
MAX_MARKUP = 256 * 1024  # characters of one part; a message may have twice as many
_END = 4 * 1024  # characters at the end of a longer text
_LEAST = 1024  # characters of a part that are read in any case

_BLANKS = re.compile("[\\s\u00ad\u034f\u200b-\u200f\u2060-\u206f\ufeff]{3,}+")
_UNSHOWN = ("style", "script", "!--")
_UNSHOWN_STARTS = tuple(f"<{name}" for name in _UNSHOWN)
# Each begins with a fixed character, which makes searching ten times faster.
_GAPS = {
    start: re.compile(rf"({first})(?:\s|&nbsp;|<br[\s/]*+>){{2,1000}}+", re.IGNORECASE | re.ASCII)
    for start, first in (("&nbsp;", "&nbsp;"), ("<br", r"<br[\s/]*+>"))
}
_FOREIGN_STARTS = ("<svg", "<math")  # a style sheet inside these may contain text that is shown


class Room(Struct):
    """How much of a message may still be read as shown, so that many parts cost no more than two."""

    left: int = 2 * MAX_MARKUP

    def ends_of(self, text: str, shorten: Callable[[str], str]) -> tuple[str, ...]:
        """The text; if it is too long, its beginning and end after shortening."""
        if len(text) > MAX_MARKUP:
            text = shorten(text)
        granted = self.take(len(text))
        return (text,) if granted == len(text) else (text[: granted - granted // 4], text[-(granted // 4) :])

    def take(self, length: int) -> int:
        """How much of a text of this length is read: at most half of what is left, but at least its ends."""
        granted = min(length, max(self.left // 2, _LEAST))
        self.left -= granted
        return granted


def without_blanks(text: str) -> str:
    """The text with each run of three or more blanks replaced by a line end."""
    if not text.isascii():
        return _BLANKS.sub("\n", text)
    # Searching for three plain blanks is many times faster than for a set of characters.
    places = flat(text)
    pieces: list[str] = []
    position, at = 0, places.find(b"   ")
    while at >= 0 and (run := _BLANKS.match(text, at)) is not None:
        pieces += text[position:at], "\n"
        position, at = run.end(), places.find(b"   ", run.end())
    return "".join([*pieces, text[position:]])


def without_unshown(markup: str) -> str:
    """The page without style sheets, scripts, comments, long gaps and runs of blanks."""
    low = markup.lower()  # a case-insensitive search takes many times as long
    if any(map(low.__contains__, _FOREIGN_STARTS)) and FOREIGN.search(markup):
        return markup
    if any(map(low.__contains__, _UNSHOWN_STARTS)):
        markup = "".join(_shown(markup))
    for start, gap in _GAPS.items():
        if start in low:
            markup = gap.sub(r"\1", markup)
    return without_blanks(markup)


def _shown(markup: str) -> Iterator[str]:
    at = 0
    for raw in raws(markup):
        if raw.name in _UNSHOWN:
            yield closed(markup[at : raw.start])
            at = raw.end
    yield markup[at:]


def ends(text: str) -> str:
    """The beginning and the end of a text that is too long; any other text unchanged."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - _END]}\n{text[1 - _END :]}"
