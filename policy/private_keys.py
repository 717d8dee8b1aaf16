"""Finds private keys in the forms they are kept in: PEM, OpenPGP, SSH2 and PuTTY.

An opening is a finding only where key material follows it, since manuals name such
openings. Between the two there may be header fields, and whatever settings, source
code and quotations put there: a literal `\\n`, quotes, commas, the signs of a diff, line numbers.
Every repetition is bounded and gives nothing back, so the cost is linear.
"""

import re
from collections.abc import Iterator

# As JSON, YAML, a shell, source code and a quotation part the lines of a key.
_GAP = r"(?:\\++[nrt]?+|&#1[03];|%0[AaDd]|\d{1,5}+[:\t|]|//|[\s\"'`>|,+#*-]){0,64}+"
_FIELD = rf"[A-Za-z][A-Za-z-]{{1,30}}+: {{0,3}}+(?:[^\r\n\\]|\\++[\"']){{0,200}}+(?=[\r\n\\]){_GAP}"
# In a row, and neither a long word nor a filler; the first line of a key is longer, a path or a name seldom is.
_MATERIAL = r"(?!.[a-z]{15}|[A-Z]{16}|(?P<one>.)(?P=one){15})[A-Za-z0-9+/]{32}"
_OPENING = r"---- ?BEGIN (?P<kind>(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?) ?----"
_ARMOURED = re.compile(rf"{_OPENING}{_GAP}(?:{_FIELD}){{0,8}}{_MATERIAL}")
_PUTTY = re.compile(rf"Private-Lines: {{0,3}}\d{{1,4}}{_GAP}{_MATERIAL}")


def private_keys(text: str) -> Iterator[tuple[str, str]]:
    """How each begins, and what kind of key it is in the words of its opening."""
    if "PRIVATE KEY" in text:
        for match in _ARMOURED.finditer(text):
            yield "-----BEGIN", match["kind"].lower()
    if "Private-Lines:" in text:
        for _ in _PUTTY.finditer(text):
            yield "Private-Lines", "putty private key"
