"""What a display name shows, and whether it could deceive its reader.

The name is judged as readers show it, with encoded words decoded (RFC 2047). A suspicion is not a verdict:
policy may hold the message, and the console shows the code points.
"""

import re
import unicodedata
from collections.abc import Collection

from relay.mail.script import look_alike_scripts

ADDRESS = "address_in_name"
DIRECTION = "direction_control"
INVISIBLE = "invisible_character"
MIXED_SCRIPTS = "mixed_scripts"
LOOK_ALIKE = "look_alike_name"

_ADDRESS = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+")
_SHOWN = 1000  # no reader shows more of a name
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters of other scripts that look like Latin ones (the common ones of Unicode TR39).
_LATIN = str.maketrans(
    "аеорсухіјѕһԁԛԝвнкмтАВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορυνιοӏ",
    "aeopcyxijshdqwbhkmtabesijkmhopctxyabezhikmnoptyxaopuviol",
)


def has_control(text: str) -> bool:
    """Whether `text` contains a control character, including any kind of line end."""
    return not text.isprintable() and any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text)


def suspicions(name: str, address: str, own_names: Collection[str]) -> tuple[str, ...]:
    """Codes for whatever in a display name could deceive; empty for an honest one."""
    found = []
    name = name[:_SHOWN]
    if "@" in name and any(hit.casefold() != address.casefold() for hit in _ADDRESS.findall(name)):
        found.append(ADDRESS)
    if not name.isascii():
        if not _BIDI.isdisjoint(name):
            found.append(DIRECTION)
        if any(unicodedata.category(c) == "Cf" and c not in _BIDI for c in name):
            found.append(INVISIBLE)
        if any(len(look_alike_scripts(word)) > 1 for word in name.split() if not word.isascii()):
            found.append(MIXED_SCRIPTS)
        if any(_looks_like(name, own) for own in own_names):
            found.append(LOOK_ALIKE)
    return tuple(found)


def _looks_like(name: str, own: str) -> bool:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return own.casefold() in _skeleton(name) and own.casefold() not in plain


def _skeleton(name: str) -> str:
    """The name in the Latin letters for which a hurried reader takes it."""
    folded = unicodedata.normalize("NFKD", name).translate(_LATIN)
    return "".join(c for c in folded if unicodedata.category(c) not in ("Mn", "Cf")).casefold()
