"""Fits the weights of the classifier and writes them down as data: `python -m benchmarks.classification.fit`.

A logistic model over the votes. Every concept has one weight shared by the
places it is found in and a small deviation for each place, both drawn towards
zero, so that a place seen seldom borrows from the concept. Signs are fixed: a
selling word never speaks for a transaction, nor the reverse. Fitted on the tune half
of the corpus, the blind and the invented mail; what is set aside is never read here.
Deterministic: no chance is involved.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from benchmarks.classification import learn
from benchmarks.classification.corpus import labelled, shown
from benchmarks.classification.invented import blind, invented
from policy.classification.features import COMMERCIAL, TRANSACTIONAL, page, votes
from policy.content import Content

Example = tuple[dict[str, float], int]

TARGET = Path(__file__).resolve().parents[2] / "policy" / "classification" / "weights.py"
ROUNDS = 300
# How often invented and real mail is read (what nobody wrote for the purpose counts more), and the percentage of
# phrases missed each time.
REPLICAS, BLIND_REPLICAS, REAL_REPLICAS, MISSED = 8, 16, 24, 40
STEP = 0.3
SHARED, PLACED, SHAPE = 0.004, 0.02, 0.008  # how strongly each kind of weight is drawn to zero
# Words nobody is shown, and words of others, may betray a seller; they never excuse one.
UNEXCUSED = ("hidden", "quoted", "alt")
# Fixed by hand: the sender sets these freely, so they may only tighten.
TIGHTENING = {
    "bulk_headers",
    "disguised_words",
    "reply_claimed",
    "quoted_without_thread",
    "mostly_hidden",
    "little_text",
}


def example(message: Content, label: str, sound: float, replica: int = 0) -> Example:
    """The votes of a message and its class; replica 0 hears every phrase, the others each miss a part of them.

    `sound` is its wording as judged by weights learned without it.
    """

    def heard(phrase: str) -> bool:
        return crc32(f"{replica}:{phrase}".encode()) % 100 >= MISSED

    values = votes(message, page(message), heard if replica else None).values
    return values | {"wording": sound}, int(label == "commercial")


def replicas(message: Content, label: str, sound: float, count: int) -> list[Example]:
    """One message as it would be read by lexicons with gaps.

    The lexicon knows the mail it was written beside better than any mail to come.
    A weight fitted where a part of the phrases is missing expects gaps, and does
    not take silence for innocence.
    """
    return [example(message, label, sound, replica) for replica in range(1, count + 1)]


def expand(values: dict[str, float]) -> dict[str, float]:
    """Splits every placed vote into its concept's share and its place's share."""
    spread = dict(values)
    for name, value in values.items():
        concept, at, place = name.partition("@")
        if at and place in ("subject", "lead", "rest") and sign(name):
            spread[concept] = spread.get(concept, 0.0) + value
    return spread


def sign(name: str) -> int:
    """1: may only speak for commercial; -1: only for transactional; 0: free; 2: says nothing."""
    concept, _, place = name.partition("@")
    if concept in TRANSACTIONAL:
        return 2 if place in UNEXCUSED else -1
    return 1 if concept in COMMERCIAL or concept in TIGHTENING else 0


def fit(examples: Sequence[Example]) -> dict[str, float]:
    """The weights, by AdaGrad over the whole set, one per vote name plus `bias`."""
    rows = [(expand(values), label) for values, label in examples]
    share = sum(label for _, label in rows) / len(rows)
    importance = {1: 0.5 / share, 0: 0.5 / (1 - share)}
    weights: dict[str, float] = {"bias": 0.0}
    squares: dict[str, float] = {}
    for _ in range(ROUNDS):
        slope = _slope(rows, weights, importance)
        for name, steepness in slope.items():
            value = steepness + 2 * _pull(name) * weights.get(name, 0.0)
            squares[name] = squares.get(name, 1e-8) + value * value
            weights[name] = _allowed(name, weights.get(name, 0.0) - STEP * value / math.sqrt(squares[name]))
    return _folded(weights)


def _slope(rows: Iterable[Example], weights: dict[str, float], importance: dict[int, float]) -> dict[str, float]:
    slope: dict[str, float] = {"bias": 0.0}
    count = 0
    for values, label in rows:
        count += 1
        margin = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in values.items())
        error = (1 / (1 + math.exp(-margin)) - label) * importance[label]
        slope["bias"] += error
        for name, value in values.items():
            slope[name] = slope.get(name, 0.0) + error * value
    return {name: value / count for name, value in slope.items()}


def _pull(name: str) -> float:
    if name == "bias":
        return 0.0
    if "@" in name:
        return PLACED
    return SHARED if name in COMMERCIAL or name in TRANSACTIONAL else SHAPE


def _allowed(name: str, weight: float) -> float:
    if sign(name) and name.partition("@")[2] in ("subject", "lead", "rest"):
        return weight  # a deviation; its sum with the shared part is held in `_folded`
    match sign(name):
        case 1:
            return max(0.0, weight)
        case -1:
            return min(0.0, weight)
        case 2:
            return 0.0
    return weight


def _folded(weights: dict[str, float]) -> dict[str, float]:
    """One weight per vote: the concept's plus the place's, its sign held; a place never seen has the concept's."""
    concepts = {*COMMERCIAL, *TRANSACTIONAL}
    folded = {name: weight for name, weight in weights.items() if name.partition("@")[0] not in concepts}
    for concept in COMMERCIAL + TRANSACTIONAL:
        for place in ("subject", "lead", "rest"):
            weight = weights.get(concept, 0.0) + weights.get(f"{concept}@{place}", 0.0)
            folded[f"{concept}@{place}"] = max(0.0, weight) if concept in COMMERCIAL else min(0.0, weight)
        if concept in COMMERCIAL:
            shared = weights.get(concept, 0.0)
            # Half of what the same words weigh where everybody reads them, or what was found, if that is more.
            for place, part in (("alt", 0.7), ("quoted", 0.4), ("hidden", 0.3)):
                folded[f"{concept}@{place}"] = max(part * shared, weights.get(f"{concept}@{place}", 0.0))
    folded.update({name: max(folded.get(name, 0.0), 0.5) for name in TIGHTENING})
    return folded


def margin(weights: dict[str, float], values: dict[str, float]) -> float:
    """The sum of the votes."""
    return weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in values.items())


def examples() -> Iterator[tuple[Content, str, int]]:
    """Everything there is to fit on, and how often to read it."""
    yield from ((shown(one.data), one.label, REAL_REPLICAS) for one in labelled() if one.half == "tune")
    yield from ((one.content, one.label, BLIND_REPLICAS) for one in blind())
    yield from ((one.content, one.label, REPLICAS) for one in invented())


def write(weights: dict[str, float]) -> None:
    """Writes the weights as a module."""
    heard = {name: weight for name, weight in sorted(weights.items()) if name != "bias" and abs(weight) >= 0.0005}
    lines = [
        '"""Weights of the votes in log odds, above zero for commercial. Written by benchmarks.classification.fit."""',
        "",
        f"BIAS = {weights['bias']:.3f}",
        "",
        "WEIGHTS = {",
        *(f'    "{name}": {weight:.3f},' for name, weight in heard.items()),
        "}",
        "",
    ]
    TARGET.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Learns the words, fits the votes, and writes both down."""
    mail = list(examples())
    messages = [learn.message(content, label) for content, label, _ in mail]
    learn.write(learn.learn(messages))
    sounds = learn.unseen(messages)
    fitted = [
        one
        for (content, label, count), sound in zip(mail, sounds, strict=True)
        for one in replicas(content, label, sound, count)
    ]
    weights = fit(fitted)
    write(weights)
    wrong = sum((margin(weights, values) > 0) != label for values, label in fitted)
    sys.stdout.write(
        f"{len(mail)} messages in {len(fitted)} readings, {wrong} of them on the wrong side after fitting\n"
    )


if __name__ == "__main__":
    main()
