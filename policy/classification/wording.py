"""How a message is worded, beside what the lexicon knows: words and pairs of words with a weight of their own.

The lexicon knows concepts and misses what it was never told; the common words
around them (who is addressed, what is promised, how one asks) say much of the
rest. Everything found counts once, so that saying a thing often says it no
louder, and the sum is bounded, so that no choice of words outweighs an offer.
"""

from itertools import pairwise
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


_WEIGHED = {piece(written): (weight, written) for weight, group in BY_WEIGHT.items() for written in group.split("|")}


class Wording(NamedTuple):
    """Above zero it sounds like a seller; `telling` is the piece that moved it most."""

    value: float
    telling: str


def pieces(subject: Folded, text: Folded) -> set[Piece]:
    """The words and pairs of neighbours, any number being the same; of text without blanks, runs of characters."""
    if text.is_cjk or subject.is_cjk:
        shown = "".join(f"{subject.text} {text.text[:_CJK_READ]}".split()).translate(_NUMBERS)
        return {shown[at : at + length] for length in (2, 3) for at in range(len(shown) - length + 1)}
    found: set[Piece] = set()
    for folded in (subject, text):
        words = ["#" if word < ":" and word[0] in _FIGURES else word for word in folded.words]
        found.update(words, pairwise(words))
    return found


def written_down(one: Piece) -> str:
    """The reverse of `piece`."""
    return one if isinstance(one, str) else " ".join(one)


def wording(subject: Folded, text: Folded) -> Wording:
    """Weighs every piece that has a weight."""
    # By weight, then name: sums of binary floats depend on their order, and a set has none.
    known = sorted([_WEIGHED[one] for one in _WEIGHED.keys() & pieces(subject, text)])
    if not known:
        return Wording(0.0, "")
    value = sum([weight for weight, _ in known]) / len(known) ** 0.5
    telling = known[-1 if value > 0 else 0][1]
    return Wording(max(-BOUND, min(BOUND, value)), telling)
