"""Strings that break things: the Big List of Naughty Strings, and those that are bad for mail and for us besides."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

BIG_LIST: tuple[str, ...] = tuple(json.loads(Path(__file__).with_name("strings.json").read_text("utf-8")))
# One of each kind, for where every field is tried by itself.
KINDS: tuple[str, ...] = (
    "",
    " ",
    "null",
    "NaN",
    "-1",
    "1e1000",
    "9" * 400,
    "'; DROP TABLE sends; --",
    '" OR 1=1 --',
    "%",
    "_",
    "%%%s%n%x",
    "\\",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}",
    "=cmd|' /C calc'!A0",
    "\u202e\u202dtxt.exe",
    "\ufeffbom",
    "田中さんにあげて下さい",
    "😍" * 50,
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "\x01\x02\x1b[31mred",
    "a\r\nb",
    "a\0b",
    "\u2028",
    "\x7f\x85",
    "\U0010ffff",
    "a" * 100_000,
)


def share(strings: Sequence[str], turn: int, of: int) -> Sequence[str]:
    """What is tried in one place, others in the next: each string goes through several places, and each takes several.

    All of them everywhere with GATEPOST_TESTS_WHOLE_LIST set.
    """
    return strings if os.environ.get("GATEPOST_TESTS_WHOLE_LIST") else strings[turn % of :: of]
