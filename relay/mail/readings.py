"""The same page as other readers take it, character for character in the same place.

Outlook obeys conditional comments: what others take for a comment is markup there, and the
other way round. Who runs scripts takes `noscript` for raw text. Which conditions hold is
judged for an Outlook of today; behind one that cannot be judged nothing is sure to be seen.
"""

import operator
import re
from collections.abc import Iterator

_NOSCRIPT = re.compile(r"(</?)noscript(?=[\s/>])", re.IGNORECASE | re.ASCII)
# Each mark is a comment, or the beginning or the end of one, to everybody else.
_MARK = re.compile(
    r"<!(?:(?:--)?\s*\[if\b([^\]>]{0,200}+)\](?:--)?>(?:\s*<!(?:--)?>|-->)?|(?:--\s*<!)?\s*\[endif\]\s*(?:--)?>)",
    re.IGNORECASE,
)
_COMMENT_END = re.compile("--!?>")
_TERM = re.compile(r" ?!? ?(\()? ?!? ?(?:([gl]te?) )?([a-z]+)(?: (\d{1,3}))? ?(?(1)\) ?)", re.ASCII)
# Of all the features whose names begin with «support» Word has every one.
_TODAY = {"mso": 16, "vml": 1, "true": 1}
_COMPARED = {None: operator.eq, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def others(html: str) -> Iterator[str]:
    """The readings that differ from that of most readers; none for most pages."""
    if _NOSCRIPT.search(html):
        yield _NOSCRIPT.sub(r"\1noframes", html)
    if "<!" in html and _MARK.search(html):
        yield "".join(_as_outlook(html))


def _as_outlook(html: str) -> Iterator[str]:
    """Marks become blanks, and what stands behind a condition that does not hold becomes a comment."""
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
    """Whether it is so in Outlook; None where it has not the plain form that conditions have: these, or these."""
    plain = " ".join(condition.lower().split())
    terms = [[_TERM.fullmatch(term) for term in each.split("&")] for each in plain.split("|")]
    if any(None in each for each in terms):
        return None
    return any(all(term is not None and _is_so(term) for term in each) for each in terms)


def _is_so(term: re.Match[str]) -> bool:
    compared, feature, version = term.group(2, 3, 4)
    own = 1 if feature.startswith("support") else _TODAY.get(feature)  # such features Word has all
    has = own is not None and (version is None or _COMPARED[compared](own, int(version)))
    return has is (term[0].count("!") != 1)
