"""How a message is worded, beside what the lexicon knows: words and pairs of words with a weight of their own.

The lexicon knows concepts and misses what it was never told; the common words
around them (who is addressed, what is promised, how one asks) say much of the
rest. Everything found counts once, so that saying a thing often says it no
louder, and the sum is bounded, so that no choice of words outweighs an offer.
"""

from itertools import pairwise
from math import fsum
from typing import NamedTuple

from policy.classification.lexicon.learned import BY_WEIGHT
from policy.tokens import Folded

BOUND = 4.0
_CJK_READ = 600
_NUMBERS = str.maketrans("0123456789", "##########")
_FIGURES = frozenset("0123456789")

Piece = str | tuple[str, ...]  # a word or a run of characters; two words side by side


def piece(written: str) -> Piece:
    """A piece as it is written down: the words of a pair with a blank between them."""
    return tuple(written.split(" ")) if " " in written else written


_WEIGHED = {piece(written): weight for weight, group in BY_WEIGHT.items() for written in group.split("|")}


class Wording(NamedTuple):
    """Above zero it sounds like a seller; `telling` is the piece that moved it most."""

    value: float
    telling: str


def pieces(*shown: Folded) -> set[Piece]:
    """The words and pairs of neighbours, any number being the same; of text without blanks, runs of characters."""
    if any(folded.is_cjk for folded in shown):
        run = "".join(" ".join([folded.text[:_CJK_READ] for folded in shown]).split()).translate(_NUMBERS)
        return {run[at : at + length] for length in (2, 3) for at in range(len(run) - length + 1)}
    found: set[Piece] = set()
    for folded in shown:
        words = ["#" if word < ":" and word[0] in _FIGURES else word for word in folded.words]
        found.update(words, pairwise(words))
    return found


def written_down(one: Piece) -> str:
    """The reverse of `piece`."""
    return one if isinstance(one, str) else " ".join(one)


def wording(*shown: Folded) -> Wording:
    """Weighs every piece that has a weight."""
    found = pieces(*shown)
    known = _WEIGHED.keys() & found
    if not known:
        return Wording(0.0, "")
    weights = [_WEIGHED[one] for one in known]
    # Summed exactly: sums of binary floats depend on their order, and a set has none.
    value = fsum(weights) / len(found) ** 0.5
    heaviest = max(weights) if value > 0 else min(weights)
    telling = min([written_down(one) for one, weight in zip(known, weights, strict=True) if weight == heaviest])
    return Wording(max(-BOUND, min(BOUND, value)), telling)
