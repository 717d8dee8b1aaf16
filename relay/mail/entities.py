"""Character references of HTML, whatever a message puts in them."""

import html
import re

# Python reads no number of more than 4,300 digits, and eight of them are no character already.
_LONG = re.compile(r"&#(?=[0-9]{100})0*+([0-9]{0,8})[0-9]*+")


def unescape(text: str) -> str:
    """The text with the characters that its references stand for."""
    return html.unescape(_LONG.sub(r"&#0\1", text) if "&#" in text else text)
