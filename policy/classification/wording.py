"""How a message is worded, apart from the lexicon: words and pairs of words with weights of their own.

The lexicon knows concepts and misses whatever it does not list; the common words
around them (who is addressed, what is promised, how something is asked) reveal much
of the rest. Each word or pair counts once, however often it occurs. The beginning
and the whole are judged, and the one that sounds more like a seller counts: text
added below an offer does not make it transactional (16 CFR 316.3). The sum is
bounded, and wording can speak less for transactional than for commercial.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from sys import intern
from typing import NamedTuple

from policy.classification.lexicon.learned import BY_WEIGHT
from policy.tokens import Folded

_FIRST, _FIRST_CJK = 140, 300  # words, characters
_EXCUSES, _BETRAYS = 2.0, 4.0
_CJK_READ = 600
_WITHOUT_BLANKS = re.compile("[\u3000-\uffef0-9%]+")
_NUMBERS = str.maketrans("0123456789", "##########")
_FIGURES = frozenset("0123456789")

Piece = str | tuple[str, ...]  # a word or a run of characters; two words side by side


def piece(written: str) -> Piece:
    """The piece that `written` stands for: the words of a pair are written with a blank between them.

    Each word is kept once, however many pairs it is in: 61,000 words of the weights are 19,000 different ones.
    """
    return tuple(map(intern, written.split(" "))) if " " in written else intern(written)


_WEIGHED = {piece(written): weight for weight, group in BY_WEIGHT.items() for written in group.split("|")}
_KNOWN = frozenset(_WEIGHED)  # intersecting two sets does not hash the pairs again


class Wording(NamedTuple):
    """A `value` above zero sounds like a seller; `telling` is the piece that contributed most."""

    value: float
    telling: str


def pieces(subject: Folded, text: Folded, pictures: Folded) -> tuple[set[Piece], set[Piece]]:
    """The pieces of what is read first, including subject and image texts, and those of what follows.

    Words and pairs of neighbouring words, all numbers being equal; in text without blanks, runs of characters too.
    """
    first = _pairs(subject.words) | _pairs(pictures.words) | _pairs(text.words[:_FIRST])
    rest = _pairs(text.words[_FIRST:])
    if subject.is_cjk or text.is_cjk or pictures.is_cjk:
        stretches = _WITHOUT_BLANKS.findall(f"{subject.text} {pictures.text} {text.text}")
        shown = "".join(stretches)[:_CJK_READ].translate(_NUMBERS)
        first |= _runs(shown[:_FIRST_CJK])
        rest |= _runs(shown[_FIRST_CJK:])
    return first, rest


def _pairs(words: list[str]) -> set[Piece]:
    figures = {word: "#" for word in {*words} if word < ":" and word[0] in _FIGURES}
    read = [*map(figures.get, words, words)] if figures else words
    return {*read, *pairwise(read)}


def _runs(shown: str) -> set[Piece]:
    return {shown[at : at + length] for length in (2, 3) for at in range(len(shown) - length + 1)}


def written_down(one: Piece) -> str:
    """The reverse of `piece`."""
    return one if isinstance(one, str) else " ".join(one)


def wording(subject: Folded, text: Folded, pictures: Folded) -> Wording:
    """Weighs the pieces that have a weight, in what is read first and in the whole; the higher value counts."""
    first, rest = pieces(subject, text, pictures)
    heard = [_weighed(first), _weighed(first | rest)] if rest else [_weighed(first)]
    value, telling = max(heard)
    return Wording(bounded(value), telling)


def together(weights: Sequence[float], pieces: int) -> float:
    """The combined weight for a text of `pieces` pieces."""
    # Summed exactly: a sum of floats depends on the order, and a set has none.
    return fsum(weights) / pieces**0.5 if weights else 0.0


def bounded(value: float) -> float:
    """The value, limited to what wording may contribute."""
    return max(-_EXCUSES, min(_BETRAYS, value))


def _weighed(found: set[Piece]) -> tuple[float, str]:
    known = _KNOWN & found
    if not known:
        return 0.0, ""
    weights = [_WEIGHED[one] for one in known]
    value = together(weights, len(found))
    heaviest = max(weights) if value > 0 else min(weights)
    return value, min([written_down(one) for one, weight in zip(known, weights, strict=True) if weight == heaviest])
