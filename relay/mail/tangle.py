"""Whether a page's markup nests so deep that an HTML parser takes forever.

A parser that keeps to the standard is quadratic in the depth of its tree. So elements are counted
before anything is parsed, from above and in linear time; what only looks like the end of an
element (in a comment, a text, an attribute) ends none here either.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from relay.mail.html import VOID, without_raw
from relay.mail.tags import FOREIGN, RAW, TAG, raws

# Elements that have no content, or that the next of their kind closes. A `dd` closes no `li` it stands in, nor an `li`
# a `dd`: the two nest without end, so one of them counts.
_NOT_COUNTED = VOID.union(("p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "html", "head", "body"))
# An option counts as never closed: the parser goes over all that a select has before each.
_NO_END = "/option"
# Cut as coarsely as is quick; the name in it is looked for once in each that is different.
_TAG_START = re.compile(r"<([/a-zA-Z][^>\s]{0,40})", re.ASCII)
_TAG_NAME = re.compile(r"(/?)([a-zA-Z][^\s/>]*)", re.ASCII)
_MOST_NAMES = 1000
_MOST_DEEP = 256
# Comments and the like, a "<" within a tag, a ">" within an attribute: all that these characters alone tell of it.
# What stands between them is left out first, which halves the time; what that brings together is only more.
_PLACES = b"<>=!?\"'"
_MAY_HOLD_TAGS = re.compile(rb"<(?:[!?]|[^<>]*+<)|=(?:\"[^\"<>]*+>|'[^'<>]*+>)")
_ELSE = bytes(set(range(256)) - set(_PLACES))
_DOCTYPE = re.compile(r"\s*(?:<!(?i:doctype)[^>]*>)?")
_USUAL_NAMES = 30  # of a page's elements that can nest
_WINDOW = 32 * 1024
_FIRST_SIGN = 0x4E00  # of as many letters as are needed, with no meaning here


def is_tangled(html: str) -> bool:
    """Whether elements nest, or are left open, so deep that a parser which keeps to the standard takes forever.

    Counted from above: what ends with its parent counts as open on.
    """
    if html.count("<") <= 2 * _MOST_DEEP:
        return False
    signs = _Signs()
    order = "".join(map(signs.__getitem__, _all_tags(html)))
    if len(signs.pairs) > _MOST_NAMES:
        return True
    pairs = [*signs.pairs.values()]
    short = order
    for opens, closes in 2 * pairs[:_USUAL_NAMES]:  # twice: an element that held one other goes too
        short = short.replace(opens + closes, "")
    # Each of these took away one level at most.
    return _deepest(short, pairs) + 2 * _USUAL_NAMES > _MOST_DEEP and _deepest(order, pairs) > _MOST_DEEP


def _all_tags(html: str) -> Iterable[str]:
    """What each tag begins with: a slash where it ends an element, and its name.

    Where a comment, a text or an attribute might hold what looks like a tag, the slow way: no parser is fooled by it.
    """
    doctype = _DOCTYPE.match(html)
    assert doctype is not None, "it matches nothing, too"
    places = html[doctype.end() :].encode("ascii", "ignore").translate(None, _ELSE)
    if (not _is_plain(places) and _MAY_HOLD_TAGS.search(places)) or RAW.search(html, doctype.end()):
        return chain(_tags(without_raw(html)[0]), *_tags_within(html))
    return chain.from_iterable(_TAG_START.findall(html, start, end) for start, end in _windows(html))


def _is_plain(places: bytes) -> bool:
    """Whether all is tags and attributes in double quotes that hold none of these: three times as quick to see."""
    left = places.replace(b'=""', b"").replace(b"<>", b"")
    return b"<" not in left and b"=" not in left


def _tags(markup: str) -> Iterator[str]:
    pieces = TAG.split(markup)  # text, slash, name, attributes, text, …; no name where it is no tag
    return (f"{slash}{name}" for slash, name in zip(pieces[1::4], pieces[2::4], strict=True) if name)


def _tags_within(html: str) -> Iterator[Iterator[str]]:
    """What opens in templates, and in what is markup where it stands in svg or math; nothing there need end."""
    foreign = FOREIGN.search(html) is not None
    for raw in raws(html):
        if raw.name == "template" or foreign:
            yield (tag for tag in _tags(raw.content) if not tag.startswith("/"))


class _Signs(dict[str, str]):
    """A letter for each tag that opens or closes an element that counts, none for the others; made as they come."""

    def __init__(self) -> None:
        self.pairs: dict[str, tuple[str, str]] = {}  # by name: the letters of its tags

    def __missing__(self, tag: str) -> str:
        found = _TAG_NAME.match(tag)
        name = found[2].lower() if found else ""
        sign = ""
        if found and name not in _NOT_COUNTED and found[0].lower() != _NO_END:
            first = _FIRST_SIGN + 2 * len(self.pairs)
            sign = self.pairs.setdefault(name, (chr(first), chr(first + 1)))[found[1] == "/"]
        self[tag] = sign
        return sign


def _windows(html: str) -> Iterator[tuple[int, int]]:
    """Pieces that begin with a tag and fit the processor's cache: what is made of one is gone before the next."""
    start = 0
    while start < len(html):
        end = len(html) if start + _WINDOW >= len(html) else html.rfind("<", start + 1, start + _WINDOW)
        yield start, (end := end if end > 0 else start + _WINDOW)
        start = end


def _deepest(order: str, pairs: list[tuple[str, str]]) -> int:
    """How many elements are open at most; an end of none that is open ends nothing."""
    left = dict.fromkeys([opens for opens, _ in pairs], 0)
    opened_by = {closes: opens for opens, closes in pairs}
    total = deepest = 0
    for sign in order:
        if sign in left:
            left[sign] += 1
            total += 1
            deepest = max(deepest, total)
        elif left[opened_by[sign]]:
            left[opened_by[sign]] -= 1
            total -= 1
    return deepest
