"""The brief's own blocks: what it calls with curl, what it shows as an answer, what it shows as configuration."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

BRIEF = Path(__file__).resolve().parents[2] / "shared" / "brief" / "building-an-email-pipeline-for-ai-agents.txt"
needs_brief = pytest.mark.skipif(not BRIEF.is_file(), reason=f"the brief is missing: {BRIEF.name}")
CONFIGURATION = ("rateLimits", "deliveryConfig", "bounceHandling", "attributionWindows")


def lines() -> list[str]:
    """The brief, line by line."""
    return BRIEF.read_text("utf-8").splitlines()


def calls() -> list[str]:
    """Every curl call, as it stands there: from `curl` to where the shell would run it."""
    text = lines()
    return [_whole(text[n:]) for n, line in enumerate(text) if line.startswith("curl ")]


def _whole(text: list[str]) -> str:
    for end in range(1, len(text)):
        block = "\n".join(text[:end])
        if not block.endswith("\\") and block.count("'") % 2 == 0:
            assert shlex.split(block)[0] == "curl"
            return block
    raise AssertionError("a call without an end")


def blocks() -> dict[str, str]:
    """The source of every JSON block that stands by itself, by its first key."""
    found = {}
    for n, line in enumerate(text := lines()):
        if line == "{" and not text[n - 1].startswith("-d"):
            source = "\n".join(text[n:])
            value, end = json.JSONDecoder().raw_decode(source)
            found[next(iter(value))] = source[:end]
    return found


def lacking(shown: Any, told: Any, place: str = "") -> list[str]:
    """Where `told` lacks a field `shown` has, or has another kind of value there."""
    if isinstance(shown, dict) and isinstance(told, dict):
        missing = [f"{place}.{name} is missing" for name in shown if name not in told]
        return missing + [
            w for name in shown if name in told for w in lacking(shown[name], told[name], f"{place}.{name}")
        ]
    number = isinstance(shown, int | float) and not isinstance(shown, bool)
    same = isinstance(told, int | float) if number else type(told) is type(shown)
    return [] if same else [f"{place} is {told!r} where the brief shows {shown!r}"]
