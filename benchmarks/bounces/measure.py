"""Compares what `relay.mail.bounce` reads with the answers stored beside the corpus.

The files are split into two halves by a hash of their content, independently of any tuning. The rules were
written with the `tuned` half in view; the `kept` half shows how well they do on mail for which they were not
written.
"""

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from relay.feedback.events import FeedbackEvent
from relay.feedback.parse import parse_feedback


@dataclass(slots=True)
class Tally:
    files: int = 0
    records: int = 0
    hardness: int = 0
    reasons: int = 0
    recipients: int = 0
    counts: int = 0  # files with as many notices as answers
    slowest: float = 0.0
    false_suppressions: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)


def half(data: bytes) -> str:
    """The half to which a file belongs; depends on its content alone."""
    return "tuned" if hashlib.sha256(data).digest()[0] % 2 == 0 else "kept"


def measure(corpus: Path) -> dict[str, Tally]:
    """One tally for each half."""
    tallies = {"tuned": Tally(), "kept": Tally()}
    answers = json.loads((corpus / "expected.json").read_text("utf-8"))
    for name, expected in sorted(answers.items()):
        data = (corpus / name).read_bytes()
        start = time.perf_counter()
        notices = parse_feedback(data)
        tally = tallies[half(data)]
        tally.slowest = max(tally.slowest, time.perf_counter() - start)
        _count(tally, Path(name).stem, expected, notices)
    return tallies


def _count(tally: Tally, name: str, expected: list[dict[str, object]], notices: list[FeedbackEvent]) -> None:
    tally.files += 1
    tally.counts += len(expected) == len(notices)
    if not any(answer["hardbounce"] for answer in expected) and any(notice.hard for notice in notices):
        tally.false_suppressions.append(name)
    for number, answer in enumerate(expected):
        notice = notices[number] if number < len(notices) else FeedbackEvent("", "")
        _compare(tally, name, answer, notice)


def _compare(tally: Tally, name: str, answer: dict[str, object], notice: FeedbackEvent) -> None:
    tally.records += 1
    tally.hardness += notice.hard == answer["hardbounce"]
    tally.reasons += notice.reason == answer["reason"]
    tally.recipients += "@" in notice.recipient
    if notice.hard and not answer["hardbounce"] and name not in tally.false_suppressions:
        tally.false_suppressions.append(name)
    if notice.reason != answer["reason"] or notice.hard != answer["hardbounce"]:
        tally.misses.append(
            f"{name}: {notice.reason or 'nothing'}{' hard' * notice.hard} {notice.status}"
            f" instead of {answer['reason']}{' hard' if answer['hardbounce'] else ''} {answer['status']}"
        )
