"""The same page as other readers take it, character for character in the same place.

Outlook obeys conditional comments: what others take for a comment is markup there, and the
other way round. Who runs scripts takes `noscript` for raw text. Which conditions hold is
judged for an Outlook of today.
"""

import re
from collections.abc import Iterator

_NOSCRIPT = re.compile(r"(</?)noscript(?=[\s/>])", re.IGNORECASE | re.ASCII)
# Each mark is a comment, or the beginning or the end of one, to everybody else.
_MARK = re.compile(
    r"<!(?:--)?\s*\[if\b([^\]>]{0,200}+)\](?:--)?>(?:\s*<!(?:--)?>|-->)?|(?:<!--\s*)?<!\s*\[endif\]\s*(?:--)?>",
    re.IGNORECASE,
)
_IN_OUTLOOK = re.compile(r"mso|vml|true|!", re.IGNORECASE)
_NOT_IN_OUTLOOK = re.compile(r"[\s(]*!\s*\(?\s*(?:gte?\s|lte?\s)?\s*(?:mso|vml|true)|[\s(]*false", re.IGNORECASE)


def others(html: str) -> Iterator[str]:
    """The readings that differ from that of most readers; none for most pages."""
    if _NOSCRIPT.search(html):
        yield _NOSCRIPT.sub(r"\1noframes", html)
    if _MARK.search(html):
        yield "".join(_as_outlook(html))


def _as_outlook(html: str) -> Iterator[str]:
    """Marks become blanks, and what stands behind a condition that does not hold becomes a comment."""
    at, is_left_out = 0, False
    for found in _MARK.finditer(html):
        between = html[at : found.start()]
        yield between.replace("-->", "   ") if is_left_out else between
        size = len(found[0])
        if is_left_out:
            is_left_out = found[1] is not None
            yield " " * size if is_left_out else "-->".rjust(size)
        else:
            is_left_out = found[1] is not None and not _holds(found[1])
            yield ("<!--" if is_left_out else "").ljust(size)
        at = found.end()
    yield html[at:].replace("-->", "   ") if is_left_out else html[at:]


def _holds(condition: str) -> bool:
    return _IN_OUTLOOK.search(condition) is not None and _NOT_IN_OUTLOOK.match(condition) is None
