"""Decodes the character references of HTML, however malformed."""

import html
import re

# Python parses no number of more than 4,300 digits; even eight digits are beyond the last character.
_LONG = re.compile(r"&#(?=[0-9]{100})0*+([0-9]{0,8})[0-9]*+")


def unescape(text: str) -> str:
    """The text with its references replaced by the characters they stand for."""
    return html.unescape(_LONG.sub(r"&#0\1", text) if "&#" in text else text)
