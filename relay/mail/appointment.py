"""The text that a calendar part shows: readers display its description in place of the text beside it.

Read line by line (RFC 5545 §3.1), whatever surrounds it; never raises.
"""

import re

from relay.mail import html

_SAID = re.compile(r"^(?:summary|description|comment|location|x-alt-desc)[;:](.*)$", re.MULTILINE | re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\\;,nN])")


def described(calendar: str) -> str:
    """The words of all its appointments, one a line; the calendar is unfolded already."""
    said = [_ESCAPED.sub(_unescaped, found[1]) for found in _SAID.finditer(calendar)]
    # Between the name and its value are parameters, which are not shown.
    return "\n".join([html.read(one).text if "<" in one else one.rpartition('":')[2] for one in said])


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] in "nN" else found[1]
