"""Learns what words and pairs of words weigh, for the vote `wording`: called by `benchmarks.classification.fit`.

A logistic model over the pieces of a message, each drawn to zero, so that what
is seen seldom weighs little. Deterministic: no chance is involved.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from policy.classification.features import page
from policy.classification.wording import BOUND, pieces, written_down
from policy.content import Content

TARGET = Path(__file__).resolve().parents[2] / "policy" / "classification" / "lexicon" / "learned.py"
SEEN = 3  # in fewer messages a piece is chance
FOLDS = 6
ROUNDS, STEP, PULL = 120, 1.0, 0.15  # PULL is spread over the messages: the more there are, the less it holds
GRAIN = 0.1


class Message(NamedTuple):
    """What is said, and whether it sells."""

    pieces: frozenset[str]
    sells: int


def message(content: Content, label: str) -> Message:
    """One message to learn from."""
    shown = page(content)
    return Message(frozenset(map(written_down, pieces(shown.subject, shown.text))), int(label == "commercial"))


def learn(messages: Sequence[Message]) -> dict[str, float]:
    """The weight of every piece seen often enough, by AdaGrad over the whole set."""
    seen = Counter(piece for one in messages for piece in one.pieces)
    rows = [([piece for piece in sorted(one.pieces) if seen[piece] >= SEEN], one.sells) for one in messages]
    share = sum(sells for _, sells in rows) / len(rows)
    importance = (0.5 / (1 - share), 0.5 / share)
    weights: dict[str, float] = defaultdict(float)
    squares: dict[str, float] = defaultdict(lambda: 1e-8)
    for _ in range(ROUNDS):
        slope: dict[str, float] = {piece: PULL * weight for piece, weight in weights.items()}
        for known, sells in rows:
            scale = len(known) ** -0.5 if known else 0.0
            total = scale * sum(map(weights.__getitem__, known))
            error = scale * importance[sells] * (1 / (1 + math.exp(-total)) - sells)
            for piece in known:
                slope[piece] = slope.get(piece, 0.0) + error
        for piece, steepness in slope.items():
            squares[piece] += steepness * steepness
            weights[piece] -= STEP * steepness / math.sqrt(squares[piece])
    return {piece: weight for piece, weight in weights.items() if abs(weight) >= GRAIN / 2}


def sound(weights: dict[str, float], one: Message) -> float:
    """The vote of these weights on a message, as `wording` casts it."""
    known = [weights[piece] for piece in one.pieces if piece in weights]
    value = sum(sorted(known)) / len(known) ** 0.5 if known else 0.0
    return max(-BOUND, min(BOUND, value))


def unseen(messages: Sequence[Message]) -> list[float]:
    """The vote on each message by weights learned without it: what the vote is worth on mail to come."""
    votes = [0.0] * len(messages)
    for fold in range(FOLDS):
        weights = learn([one for at, one in enumerate(messages) if at % FOLDS != fold])
        for at in range(fold, len(messages), FOLDS):
            votes[at] = sound(weights, messages[at])
    return votes


def write(weights: dict[str, float]) -> None:
    """Writes the weights as a module, the pieces of one weight together."""
    groups: dict[float, list[str]] = defaultdict(list)
    for piece, weight in weights.items():
        groups[round(round(weight / GRAIN) * GRAIN, 1)].append(piece)
    lines = ['"""What words and pairs of words weigh. Written by benchmarks.classification.fit."""', ""]
    lines += ["# ruff: noqa: E501 (a weight, and all that has it)", "", "BY_WEIGHT = {"]
    lines += [f"    {weight}: {_quoted(sorted(groups[weight]))}," for weight in sorted(groups)]
    TARGET.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


def _quoted(texts: Iterable[str]) -> str:
    return '"' + "|".join(texts).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
