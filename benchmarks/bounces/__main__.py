"""Prints the agreement with the corpus for both halves; with `--misses`, every disagreement in the tuned half."""

import sys
from pathlib import Path

from benchmarks.bounces.measure import Tally, measure

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "bounces"


def main() -> int:
    """The exit code is 1 if there is nothing to measure."""
    if not CORPUS.is_dir():
        print(f"no corpus at {CORPUS}", file=sys.stderr)
        return 1
    tallies = measure(CORPUS)
    print(_line("half", ["files", "records", "hardness", "reason", "recipient", "false", "ms max"]))
    for name, tally in tallies.items():
        print(_row(name, tally))
    if "--misses" in sys.argv:
        print("\n".join(tallies["tuned"].misses))
    return 0


def _row(name: str, tally: Tally) -> str:
    shares = [f"{100 * count / tally.records:.1f}%" for count in (tally.hardness, tally.reasons, tally.recipients)]
    numbers = [str(tally.files), str(tally.records), *shares, str(len(tally.false_suppressions))]
    return _line(name, [*numbers, f"{tally.slowest * 1000:.1f}"])


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<6} " + " ".join(f"{cell:>10}" for cell in cells)


if __name__ == "__main__":
    raise SystemExit(main())
