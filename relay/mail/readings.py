"""The same page as other readers interpret it, with every character at the same position.

Outlook obeys conditional comments: what is a comment to others is markup there, and the reverse. A reader
that runs scripts treats `noscript` as raw text. Conditions are evaluated for a current Outlook; if one cannot
be evaluated, nothing after it counts as certainly seen.
"""

import operator
import re
from collections.abc import Iterator

_NOSCRIPT = re.compile(r"<(/?)(?i:noscript)(?=[\s/>])", re.ASCII)
# To all other readers, each mark is a comment, or the beginning or end of one.
_MARK = re.compile(
    r"<!(?:(?:--)?\s*\[if\b([^\]>]{0,200}+)\](?:--)?>(?:\s*<!(?:--)?>|-->)?|(?:--\s*<!)?\s*\[endif\]\s*(?:--)?>)",
    re.IGNORECASE,
)
_COMMENT_END = re.compile("--!?>")
_TERM = re.compile(r" ?!? ?(\()? ?!? ?(?:([gl]te?) )?([a-z]+)(?: (\d{1,3}))? ?(?(1)\) ?)", re.ASCII)
# Word has every feature whose name begins with «support».
_TODAY = {"mso": 16, "vml": 1, "true": 1}
_COMPARED = {None: operator.eq, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def others(html: str) -> Iterator[str]:
    """The readings that differ from most readers' one; none for most pages."""
    if _NOSCRIPT.search(html):
        yield _NOSCRIPT.sub(r"<\1noframes", html)
    if "<!" in html and _MARK.search(html):
        yield "".join(_as_outlook(html))


def _as_outlook(html: str) -> Iterator[str]:
    """Marks become blanks, and what follows a condition that does not hold becomes a comment."""
    at, is_left_out = 0, False
    for found in _MARK.finditer(html):
        yield _between(html[at : found.start()], is_left_out)
        size, at = len(found[0]), found.end()
        if is_left_out:
            is_left_out = found[1] is not None
            yield " " * size if is_left_out else "-->".rjust(size)
        elif found[1] is not None and (holds := _holds(found[1])) is not True:
            is_left_out = True
            yield "<!--".ljust(size)
            if holds is None:
                break
        else:
            yield " " * size
    yield _between(html[at:], is_left_out)


def _between(html: str, is_left_out: bool) -> str:
    return _COMMENT_END.sub(lambda end: " " * len(end[0]), html) if is_left_out else html


def _holds(condition: str) -> bool | None:
    """Whether a condition holds in Outlook; None if it is not a plain combination of `|` and `&`."""
    plain = " ".join(condition.lower().split())
    terms = [[_TERM.fullmatch(term) for term in each.split("&")] for each in plain.split("|")]
    if any(None in each for each in terms):
        return None
    return any(all(term is not None and _is_so(term) for term in each) for each in terms)


def _is_so(term: re.Match[str]) -> bool:
    compared, feature, version = term.group(2, 3, 4)
    own = 1 if feature.startswith("support") else _TODAY.get(feature)  # Word has all of these
    has = own is not None and (version is None or _COMPARED[compared](own, int(version)))
    return has is (term[0].count("!") != 1)
