"""How much of a message is read as its readers see it: the beginning and the end of what is too long.

First goes what nobody is shown, so that nothing is hidden behind a megabyte of blanks or style. What is
left out here is still looked through for secrets.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from policy.tokens import flat
from relay.mail.tags import FOREIGN, closed, raws

MAX_TEXT = 64 * 1024  # characters that are kept
MAX_MARKUP = 256 * 1024  # characters of a part, and twice as many of a message
_END = 4 * 1024  # of a longer text
_LEAST = 1024  # characters of a part

_BLANKS = re.compile("[\\s\u00ad\u034f\u200b-\u200f\u2060-\u206f\ufeff]{3,}+")
_UNSHOWN = ("style", "script", "!--")
_UNSHOWN_STARTS = tuple(f"<{name}" for name in _UNSHOWN)
# Each begins with a plain sign, which makes its search ten times faster.
_GAPS = {
    start: re.compile(rf"({first})(?:\s|&nbsp;|<br[\s/]*+>){{2,1000}}+", re.IGNORECASE | re.ASCII)
    for start, first in (("&nbsp;", "&nbsp;"), ("<br", r"<br[\s/]*+>"))
}
_FOREIGN_STARTS = ("<svg", "<math")  # a style sheet in there may hold text that is shown


class Room(Struct):
    """What may still be read of a message as shown, so that many parts cost no more than two."""

    left: int = 2 * MAX_MARKUP

    def ends_of(self, text: str, shorten: Callable[[str], str]) -> tuple[str, ...]:
        """The text; of one that is too long, without what does not count, the beginning and the end."""
        if len(text) > MAX_MARKUP:
            text = shorten(text)
        granted = self.take(len(text))
        return (text,) if granted == len(text) else (text[: granted - granted // 4], text[-(granted // 4) :])

    def take(self, length: int) -> int:
        """How much of a text this long is read: half of what is left at most, and of each the ends at least."""
        granted = min(length, max(self.left // 2, _LEAST))
        self.left -= granted
        return granted


def without_blanks(text: str) -> str:
    """The text with a line end for each run of three blanks or more."""
    if not text.isascii():
        return _BLANKS.sub("\n", text)
    # A plain search for three blanks is many times faster than one for a set of characters.
    places = flat(text)
    pieces: list[str] = []
    position, at = 0, places.find(b"   ")
    while at >= 0 and (run := _BLANKS.match(text, at)) is not None:
        pieces += text[position:at], "\n"
        position, at = run.end(), places.find(b"   ", run.end())
    return "".join([*pieces, text[position:]])


def without_unshown(markup: str) -> str:
    """The page without its style sheets, scripts, comments and long gaps, and without blanks."""
    low = markup.lower()  # a search without regard to case takes many times as long as this
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
    """The beginning and the end of a text that is too long."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - _END]}\n{text[1 - _END :]}"
