"""Learns the weights of words and word pairs for the vote `wording`; used by `benchmarks.classification.fit`.

A logistic model over the pieces of a message. Each weight is drawn towards zero, more strongly the more
messages contain the piece: what everybody writes says little about anybody. The result is deterministic.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from policy.classification.features import page
from policy.classification.wording import bounded, pieces, together, written_down
from policy.content import Content

TARGET = Path(__file__).resolve().parents[2] / "policy" / "classification" / "lexicon" / "learned.py"
SEEN = 2  # messages; in a single one a piece may be chance
ROUNDS, STEP = 200, 1.0
PULL = 0.6  # for a piece in one of 2.7 messages; grows with the square of its rarity: log(all / with it)
GRAIN, FAINT = 0.1, 0.15  # weights are rounded to a tenth; smaller ones than this are left out


Found = TypeVar("Found")


class Message(NamedTuple):
    """The beginning, the whole text, and whether it is commercial."""

    first: frozenset[str]
    pieces: frozenset[str]
    sells: int
    counts: float


def message(content: Content, sells: int, counts: float) -> Message:
    """One message for learning, with its weight."""
    shown = page(content)
    first, rest = (frozenset(map(written_down, it)) for it in pieces(shown.subject, shown.text, shown.pictures))
    return Message(first, first | rest, sells, counts)


def learn(messages: Sequence[Message]) -> dict[str, float]:
    """The weight of every piece seen often enough, by AdaGrad over the whole set."""
    seen = Counter(piece for one in messages for piece in one.pieces)
    pull = {piece: PULL / math.log(1 + len(messages) / count) ** 2 for piece, count in seen.items() if count >= SEEN}
    balance = balanced([(one.sells, one.counts) for one in messages])
    rows = [
        (sorted(one.pieces & pull.keys()), len(one.pieces) ** -0.5, one.sells, one.counts * balance[one.sells])
        for one in messages
        if one.pieces
    ]
    weights: dict[str, float] = dict.fromkeys(pull, 0.0)
    squares: dict[str, float] = dict.fromkeys(pull, 1e-8)
    for _ in range(ROUNDS):
        slope = {piece: pull[piece] * weight for piece, weight in weights.items()}
        for known, scale, sells, counts in rows:
            total = scale * sum(map(weights.__getitem__, known))
            error = scale * counts * (1 / (1 + math.exp(-total)) - sells)
            for piece in known:
                slope[piece] += error
        for piece, steepness in slope.items():
            squares[piece] += steepness * steepness
            weights[piece] -= STEP * steepness / math.sqrt(squares[piece])
    return {piece: weight for piece, weight in weights.items() if abs(weight) >= FAINT}


def sound(weights: dict[str, float], one: Message) -> float:
    """The vote of these weights on a message, computed as `wording` does."""

    def weighed(found: frozenset[str]) -> float:
        return together([weights[piece] for piece in found if piece in weights], len(found))

    return bounded(max(weighed(one.first), weighed(one.pieces)))


def balanced(counted: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The factors for transactional and commercial messages that give both classes the same total weight."""
    share = sum(sells * counts for sells, counts in counted) / sum(counts for _, counts in counted)
    return 0.5 / (1 - share), 0.5 / share


def unseen(
    found: Sequence[Found],
    folds: Sequence[int],
    learned: Callable[[Sequence[Found]], dict[str, float]],
    judged: Callable[[dict[str, float], Found], float],
) -> list[float]:
    """The verdict on each message by weights learned without its fold: what to expect for future mail."""
    values = [0.0] * len(found)
    for fold in sorted(set(folds)):
        weights = learned([one for one, of in zip(found, folds, strict=True) if of != fold])
        for at, of in enumerate(folds):
            if of == fold:
                values[at] = judged(weights, found[at])
    return values


def write(weights: dict[str, float]) -> None:
    """Write the weights as a module, with pieces of equal weight together."""
    groups: dict[float, list[str]] = defaultdict(list)
    for piece, weight in weights.items():
        groups[round(round(weight / GRAIN) * GRAIN, 1)].append(piece)
    lines = ['"""What words and pairs of words weigh. Written by benchmarks.classification.fit."""', ""]
    lines += ["# ruff: noqa: E501 (a weight, and all that has it)", "", "BY_WEIGHT = {"]
    lines += [f"    {weight}: {_quoted(sorted(groups[weight]))}," for weight in sorted(groups)]
    TARGET.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


def _quoted(texts: Iterable[str]) -> str:
    return '"' + "|".join(texts).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
