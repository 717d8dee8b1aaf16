"""Whether a page's markup is nested so deeply that an HTML parser takes forever.

A parser that follows the standard takes time quadratic in the depth of its tree. So an upper bound of the depth is
counted in linear time before anything is parsed. What only looks like an end tag (in a comment, a text, an
attribute) ends no element here either.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from relay.mail.html import VOID, without_raw
from relay.mail.tags import FOREIGN, RAW, TAG, raws

# Elements that have no content, or that the next one of their kind closes. A `dd` does not close the `li` around it,
# nor an `li` a `dd`: the two can nest without limit, so one of them is counted.
_NOT_COUNTED = VOID.union(("p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "html", "head", "body"))
# An option counts as never closed: the parser goes over all previous ones of its select for each.
_NO_END = "/option"
# Cut as coarsely as possible for speed; the name is then extracted once for each different piece. Most tags of a page
# are not counted, and passing over them here takes a third of the time.
_TAG_START = re.compile(r"<(?!/?(?:p|td|tr|li|br|img)[ >])([/a-zA-Z][^> \t\n\r\f\v]*+)", re.ASCII)
_TAG_NAME = re.compile(r"(/?)([a-zA-Z][^\s/>]*)", re.ASCII)
_MOST_NAMES = 1000
_MOST_DEEP = 256
# A "<" within a tag, a ">" within an attribute, as far as these characters alone tell. Everything between them is
# removed first, which halves the time; characters brought together by that can only give more matches.
_PLACES = b"<>=\"'"
_MAY_HOLD_TAGS = re.compile(rb"<[^<>]*+<|=(?:\"[^\"<>]*+>|'[^'<>]*+>)")
_ELSE = bytes(set(range(256)) - set(_PLACES))
_USUAL_NAMES = 30  # the number of a page's nesting elements removed first
_WINDOW = 32 * 1024
_FIRST_SIGN = 0x4E00  # as many characters from here on as are needed, without a meaning of their own


def is_tangled(html: str) -> bool:
    """Whether elements are nested, or left open, so deeply that a parser following the standard takes forever.

    The count is an upper bound: an element that ends with its parent counts as still open.
    """
    if html.count("<") <= 2 * _MOST_DEEP:
        return False
    signs = _Signs()
    order = "".join(map(signs.__getitem__, _all_tags(html)))
    if len(signs.pairs) > _MOST_NAMES:
        return True
    pairs = [*signs.pairs.values()]
    short = order
    for opens, closes in 2 * pairs[:_USUAL_NAMES]:  # twice, for elements that contained nothing but such a pair
        short = short.replace(opens + closes, "")
    # Each of these removed at most one level.
    return _deepest(short, pairs) + 2 * _USUAL_NAMES > _MOST_DEEP and _deepest(order, pairs) > _MOST_DEEP


def _all_tags(html: str) -> Iterable[str]:
    """Each tag as a slash, if it is an end tag, and its name.

    If a text or an attribute might contain what looks like a tag, the slow and exact way is taken.
    """
    markup, within = (without_raw(html)[0], _tags_within(html)) if RAW.search(html) else (html, ())
    places = markup.encode("ascii", "ignore").translate(None, _ELSE)
    if not _is_plain(places) and _MAY_HOLD_TAGS.search(places):
        return chain(_tags(markup), *within)
    tags = chain.from_iterable(_TAG_START.findall(markup, start, end) for start, end in _windows(markup))
    return chain(tags, *within)


def _is_plain(places: bytes) -> bool:
    """Whether there are only tags, and attributes in double quotes without any of these characters; three times
    faster.
    """
    left = places.replace(b'=""', b"").replace(b"<>", b"")
    return b"<" not in left and b"=" not in left


def _tags(markup: str) -> Iterator[str]:
    pieces = TAG.split(markup)  # text, slash, name, attributes, text, …; the name is missing if it is not a tag
    return (f"{slash}{name}" for slash, name in zip(pieces[1::4], pieces[2::4], strict=True) if name)


def _tags_within(html: str) -> Iterator[Iterator[str]]:
    """The start tags inside templates, and inside raw text that is markup within svg or math; nothing
    there must end.
    """
    foreign = FOREIGN.search(html) is not None
    for raw in raws(html):
        if raw.name == "template" or foreign:
            yield (tag for tag in _tags(raw.content) if not tag.startswith("/"))


class _Signs(dict[str, str]):
    """A character for each tag that opens or closes a counted element, "" for others; assigned as they occur."""

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
    """Pieces that begin with a tag and fit into the processor's cache, so that one is done with before the next."""
    start = 0
    while start < len(html):
        end = len(html) if start + _WINDOW >= len(html) else html.rfind("<", start + 1, start + _WINDOW)
        yield start, (end := end if end > 0 else start + _WINDOW)
        start = end


def _deepest(order: str, pairs: list[tuple[str, str]]) -> int:
    """The largest number of elements open at once; an end tag without an open element is ignored."""
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
