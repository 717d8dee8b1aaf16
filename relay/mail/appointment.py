"""What a calendar part says to who is shown it: readers show its description in place of the text beside it.

Read line by line (RFC 5545 §3.1), whatever the structure around; nothing here fails.
"""

import re

from relay.mail import html

_SAID = re.compile(r"^(?:summary|description|comment|location|x-alt-desc)[;:](.*)$", re.MULTILINE | re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\\;,nN])")


def described(calendar: str) -> str:
    """The words of all its appointments, a line each; the calendar is unfolded."""
    said = [_ESCAPED.sub(_unescaped, found[1]) for found in _SAID.finditer(calendar)]
    # What stands between the name and its value are parameters, no words of the appointment.
    return "\n".join([html.read(one).text if "<" in one else one.rpartition('":')[2] for one in said])


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] in "nN" else found[1]
