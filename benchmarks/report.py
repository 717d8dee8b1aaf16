"""The report: medians of all rounds, one table for each case, with the ratio to the best peer."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
COLUMNS = (
    ("delivered_s", "delivered/s", 0),
    ("accepted_s", "accepted/s", 0),
    ("dot_p50", "250 p50 ms", 1),
    ("dot_p95", "p95", 1),
    ("dot_p99", "p99", 1),
    ("connect_p50", "connect p50", 1),
    ("cpu_ms", "CPU ms/message", 2),
    ("pss_mb", "PSS MB", 0),
    ("processes", "processes", 0),
    ("tool_cpu_ms", "tool's CPU", 2),
)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; 0 if there are none."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


def table(rows: Iterable[Row]) -> str:
    """The tables in Markdown, one for each case."""
    rows = list(rows)
    return "\n\n".join(_case(case, [row for row in rows if row["case"] == case]) for case in _unique(rows, "case"))


def _case(case: str, rows: list[Row]) -> str:
    lines = [f"### {case}", "", "| relay | " + " | ".join(title for _, title, _ in COLUMNS) + " | best peer |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    rates = {relay: _median(rows, relay, "delivered_s") for relay in _unique(rows, "relay")}
    best = max((rate for relay, rate in rates.items() if relay != "gatepost"), default=0.0)
    for relay, rate in rates.items():
        figures = [f"{_median(rows, relay, key):.{digits}f}" for key, _, digits in COLUMNS]
        ratio = f"{rate / best:.2f} ×" if best and relay == "gatepost" else ""
        lines.append(f"| {relay}{_defects(rows, relay)} | " + " | ".join(figures) + f" | {ratio} |")
    return "\n".join(lines)


def _median(rows: list[Row], relay: str, key: str) -> float:
    return float(statistics.median(row[key] for row in rows if row["relay"] == relay))


def _defects(rows: list[Row], relay: str) -> str:
    """What makes a figure worthless, to be shown beside the relay's name."""
    own = [row for row in rows if row["relay"] == relay]
    checks = {
        "errors": any(row["errors"] for row in own),
        "lost or late": any(row["delivered"] < row["accepted"] for row in own),
        "unsigned": any(row["signed"] < row["delivered"] for row in own),
        "duplicates": any(row["duplicates"] for row in own),
    }
    found = [name for name, is_so in checks.items() if is_so]
    return f" ({', '.join(found)})" if found else ""


def _unique(rows: Iterable[Row], key: str) -> list[str]:
    return list(dict.fromkeys(str(row[key]) for row in rows))
