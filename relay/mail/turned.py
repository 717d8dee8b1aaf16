"""Text stored backwards that a reader is shown forwards: what is judged is not what is read."""

from relay.mail import css

_OVERRIDE = "\u202e"  # U+202D only says what Latin letters do anyway, and surrounds numbers copied from a phone
_MARKUP_SIGNS = ("<bdo", "bidi-override", "isolate-override")


def is_turned(text: str) -> bool:
    """Whether this text contains the character that reverses what follows."""
    return not text.isascii() and _OVERRIDE in text


def is_page_turned(markup: str) -> bool:
    """Whether an HTML page, its references decoded, reverses text: by character, element or style."""
    low = css.unescaped(markup).lower()
    return is_turned(low) or any(map(low.__contains__, _MARKUP_SIGNS))
