"""Finds private keys in their usual file formats: PEM, OpenPGP, SSH2 and PuTTY.

An opening line is a finding only if key material follows it, since manuals mention such
lines. Between the two there may be header fields, and whatever settings files, source code
and quotations insert: a literal `\\n`, quotes, commas, diff signs, line numbers. A prefix
before every line, such as the file name that `grep` prints, is recognised because the opening
line and the line after it share it. Every repetition is bounded and possessive (it never
backtracks), so the cost is linear.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from string import digits

# What JSON, YAML, a shell, source code or a quotation puts between the lines of a key.
_GAP = r"(?:\\++[nrt]?+|&#1[03];|%0[AaDd]|\d{1,6}+[-:)\t |]|//|[\s\"'`>|,+#*-]){0,64}+"
_FIELD = rf"[A-Za-z][A-Za-z-]{{1,30}}+: {{0,3}}+(?:[^\r\n\\]|\\++[\"']){{0,200}}+(?=[\r\n\\]){_GAP}"
# 32 characters in a row, neither a long word nor filler. A key's first line is longer; a path or name seldom is.
_MATERIAL = r"(?!.[a-z]{15}|[A-Z]{16}|(?P<one>.)(?P=one){15})[A-Za-z0-9+/]{32}"
_FIELDS_AND_KEY = re.compile(rf"{_GAP}(?:{_FIELD}){{0,8}}{_MATERIAL}")
_KEY = re.compile(f"{_GAP}{_MATERIAL}")
_ARMOUR = re.compile(r"-{4,5} ?BEGIN (?P<kind>(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?) ?----")
_PUTTY = re.compile(r"Private-Lines: {0,3}\d{1,4}")
_BEFORE, _AFTER = 256, 2048  # characters around an opening in which a common line prefix is looked for


def private_keys(text: str) -> Iterator[tuple[str, str]]:
    """For each key: how it begins, and its kind in the words of its opening line."""
    if "PRIVATE KEY" in text:
        for match in _opened(_ARMOUR, _FIELDS_AND_KEY, text):
            yield "-----BEGIN", match["kind"].lower()
    if "Private-Lines:" in text:
        for _ in _opened(_PUTTY, _KEY, text):
            yield "Private-Lines", "putty private key"


def _opened(opening: re.Pattern[str], key: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches of `opening` that are followed by a match of `key`."""
    for match in opening.finditer(text):
        if key.match(text, match.end()) or (
            (before := _before(text, match)) and key.match(_bared(text, match, before))
        ):
            yield match


def _before(text: str, opening: re.Match[str]) -> str:
    """The text before an opening on its line."""
    if text[opening.start() - 1 : opening.start()] == "\n":  # the usual case
        return ""
    return text[max(opening.start() - _BEFORE, 0) : opening.start()].replace("\\n", "\n").rpartition("\n")[2]


def _bared(text: str, opening: re.Match[str], before: str) -> str:
    """The text after an opening, without the prefix its lines share with the opening line."""
    after = text[opening.end() : opening.end() + _AFTER].replace("\\n", "\n")
    line = after.partition("\n")[2][: len(before)]
    common = line[: bisect_left(range(1, len(line) + 1), True, key=lambda n: line[:n] not in before)].rstrip(digits)
    return after.replace(f"\n{common}", "\n") if common else ""
