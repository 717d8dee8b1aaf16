"""Precision and recall of the classification on labelled mail: `python -m benchmarks.classification`.

The sets are the two halves of the corpus, one for tuning and one set aside, and mail written blind, of which
some is used for fitting and some came after the last fit. All are measured by class, group and language.
Mistakes are only listed for sets that may be used for tuning, so that nobody tunes on the others. The exit code
is 1 if the set-aside half misses a target.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classification.corpus import CORPUS, Labelled, labelled, shown
from benchmarks.classification.invented import Invented, blind, fresh
from policy.classification import Classification, classify

SET_ASIDE = ("corpus, set-aside", "fresh")
# The targets that were set, for the mail set aside.
TARGETS = {"commercial": 0.97, "transactional": 0.93, "adversarial": 0.90}
JUDGEMENT_CALLS = ("survey", "referral", "newsletter", "account", "notification")


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled message and the verdict on it."""

    message: Labelled | Invented
    verdict: Classification

    @property
    def is_right(self) -> bool:
        """Whether verdict and label agree."""
        return self.verdict.type == self.message.label


def recall(judged: Sequence[Judged]) -> float:
    """The share that was judged as labelled; 1 if there is none."""
    return sum(one.is_right for one in judged) / len(judged) if judged else 1.0


def precision(judged: Iterable[Judged], kind: str) -> float:
    """The share that is labelled `kind` among those judged as `kind`."""
    called = [one.is_right for one in judged if one.verdict.type == kind]
    return sum(called) / len(called) if called else 1.0


def measured(judged: Sequence[Judged]) -> dict[str, float]:
    """The figures for which there are targets."""
    figures = {kind: recall([o for o in judged if o.message.label == kind]) for kind in ("commercial", "transactional")}
    return figures | {"adversarial": recall([o for o in judged if o.message.group == "adversarial"])}


def report(name: str, judged: Sequence[Judged], *, listed: bool) -> list[str]:
    """The table of one set."""
    lines = [f"## {name}: {len(judged)} messages, {sum(o.verdict.in_doubt for o in judged)} in doubt", ""]
    for kind in ("commercial", "transactional"):
        of_kind = [one for one in judged if one.message.label == kind]
        lines.append(
            f"{kind:<24}{len(of_kind):>4}  recall {recall(of_kind):.3f}  precision {precision(judged, kind):.3f}"
        )
    for title, key in (("group", "group"), ("language", "language")):
        lines += ["", f"by {title}"]
        for value in sorted(Counter(getattr(one.message, key) for one in judged)):
            those = [one for one in judged if getattr(one.message, key) == value]
            mark = "  (judgement call)" if value in JUDGEMENT_CALLS else ""
            lines.append(f"  {value:<22}{len(those):>4}  {recall(those):.3f}{mark}")
    if listed:
        lines += ["", "mistaken", *(_line(one) for one in judged if not one.is_right)]
    return [*lines, ""]


def _line(one: Judged) -> str:
    why = ", ".join(f"{f.name} {f.weight:+.2f}" for f in one.verdict.features[:5])
    return f"  {one.message.id}  {one.message.group:<18} is {one.message.label}, scored {one.verdict.score:.2f}: {why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0 if the mail set aside reaches every target."""
    parser = argparse.ArgumentParser(prog="benchmarks.classification", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    options = parser.parse_args(arguments)
    if not options.corpus.is_dir():
        sys.stderr.write(f"no corpus at {options.corpus}\n")
        return 2
    corpus = [Judged(one, classify(shown(one.data))) for one in labelled(options.corpus)]
    sets = {
        "corpus, tune": [one for one in corpus if one.message.half == "tune"],
        "corpus, set-aside": [one for one in corpus if one.message.half == "set-aside"],
        "blind": [Judged(one, classify(one.content)) for one in blind()],
        "fresh": [Judged(one, classify(one.content)) for one in fresh()],
    }
    figures = {name: measured(judged) for name, judged in sets.items()}
    if options.json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        for name, judged in sets.items():
            sys.stdout.write("\n".join(report(name, judged, listed=name not in SET_ASIDE)) + "\n")
    missed = [
        f"missed: {kind} recall {figures[name][kind]:.3f} of {name}, wanted {wanted}\n"
        for name in SET_ASIDE
        for kind, wanted in TARGETS.items()
        if figures[name][kind] < wanted
    ]
    sys.stderr.write("".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
