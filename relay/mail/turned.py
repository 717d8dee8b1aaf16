"""Text written backwards that a reader is shown forwards: what is judged is not what is read."""

import re
from html import unescape

_OVERRIDE = "\u202e"  # U+202D only says what Latin letters do anyway, and stands around numbers copied from a phone
_MARKUP_SIGNS = ("<bdo", "bidi-override", "isolate-override")
_ESCAPE = re.compile(r"\\(?:0*([0-7][0-9a-fA-F])\s?|(.))")  # of CSS, ASCII alone


def is_turned(text: str) -> bool:
    """Whether this text has a character that turns what follows about."""
    return not text.isascii() and _OVERRIDE in text


def is_page_turned(markup: str) -> bool:
    """Whether an HTML page turns text about, by character, element or style."""
    text = unescape(markup) if "&#" in markup else markup
    low = (_ESCAPE.sub(_escaped, text) if "\\" in text else text).lower()
    return is_turned(text) or any(map(low.__contains__, _MARKUP_SIGNS))


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[2]
