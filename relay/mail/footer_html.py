"""Finds a place in an HTML part where a footer is certain to be seen.

Each candidate is tried with an HTML5 parser: the footer must end up directly in the body, in no other
element, and no style may hide the page itself (`page`). The end of the body is tried first, then the same
place with all elements closed that were left open, then the top of the body, which nothing after it can
affect. The result must hold in every reading of the page (`readings`). If no place will do, the message
cannot carry a footer.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from relay.mail import page
from relay.mail.readings import others
from relay.mail.sight import SHADOW, surely_seen_links
from relay.mail.tangle import is_tangled

_MARK = "data-gatepost-place"
_BODY_TAG = re.compile(r"<(?i:body)(?=[\s/>])[^>]*+(?:>|\Z)", re.ASCII)
_HEAD_END = re.compile(r"</(?i:head)\s*>", re.ASCII)
_HTML_TAG = re.compile(r"\s*(?:<(?i:!doctype)[^>]*>\s*)?(?:<(?i:html)(?=[\s/>])[^>]*>)?", re.ASCII)
_MOST_OPEN = 200
_MOST_PARSED = 1024 * 1024  # characters; a tree takes about thirty times its text
# Octets beyond which no link counts as seen: the result is at worst a second footer, while checking costs much more.
MOST_SEEN = 256 * 1024
_PAGE_TAG = re.compile(r"<(?i:html|body|frameset)(?=[\s/>])", re.ASCII)  # these change the page even if they come late
# Put inline on every element of the footer, so that no style sheet of the message affects it: `all` resets every
# property, the rest is for readers that do not know `all`. The z-index puts it above anything that might cover it.
VISIBLE = (
    "all:initial!important;display:block!important;visibility:visible!important;opacity:1!important;"
    "position:relative!important;z-index:2147483647!important;float:none!important;clear:both!important;"
    "height:auto!important;max-height:none!important;width:auto!important;max-width:none!important;"
    "overflow:visible!important;clip:auto!important;clip-path:none!important;transform:none!important;"
    "filter:none!important;text-indent:0!important;letter-spacing:normal!important;"
    "direction:ltr!important;unicode-bidi:isolate!important;align-self:stretch!important;"
)


class Place(NamedTuple):
    """Where the footer goes, and the end tags it needs before it."""

    at: int
    closing: str = ""


class _Tried(NamedTuple):
    """A place that was tried: the tree with a footer there, and the elements around it, innermost first."""

    place: Place
    tree: LexborHTMLParser
    footer: LexborNode
    enclosing: tuple[str, ...]


def find_place(html: str) -> Place | None:
    """The first place where a footer is seen; None if there is none."""
    low = html.replace("\u0130", "I").lower()
    if SHADOW in low:
        return None
    if _is_too_much(html):
        return _top_without_parsing(html)
    readings = [*others(html)]
    for tried in _tries(html, _end(low)):
        if fit := _in_every_reading(tried, readings):
            is_hidden = page.STYLE in low and any(page.hides(one.tree, one.footer) for one in fit)
            return None if is_hidden else fit[0].place
    return None


def seen_links(html: str) -> list[str]:
    """The targets of the links that every reader sees; none if the markup is too much to tell."""
    return [] if _is_too_much(html) else surely_seen_links(html)


def _is_too_much(html: str) -> bool:
    """Whether parsing it would cost too much memory or time."""
    return len(html) > _MOST_PARSED or is_tangled(html)


def _top_without_parsing(html: str) -> Place | None:
    """A place at the top of the body, if nothing after it can change or hide the page; only the text before
    is parsed.
    """
    if page.may_hide(html):
        return None
    for at in _tops(html):
        before = html[:at]
        is_last_word = _PAGE_TAG.search(html, at) is None
        if not is_last_word or _is_too_much(before):
            continue
        fit = _in_every_reading(_tried(before, Place(at)), [*others(before)])
        if fit and not any(page.hides(one.tree, one.footer) for one in fit):
            return fit[0].place
    return None


def _end(low: str) -> int:
    at = low.rfind("</body")
    if at < 0:
        at = low.rfind("</html")
    return len(low) if at < 0 else at


def _tops(html: str) -> list[int]:
    found = (_BODY_TAG.search(html), _HEAD_END.search(html), _HTML_TAG.match(html))
    return [*dict.fromkeys(match.end() for match in found if match is not None), 0][:4]


def _tries(html: str, end: int) -> Iterator[_Tried | None]:
    """Try the footer at the end of the body, there with the open elements closed, and at the top."""
    first = _tried(html, Place(end))
    yield first
    if first is not None and 0 < len(first.enclosing) <= _MOST_OPEN:
        yield _tried(html, Place(end, "".join([f"</{name}>" for name in first.enclosing])))
    for at in _tops(html):
        yield _tried(html, Place(at))


def _in_every_reading(tried: _Tried | None, readings: list[str]) -> list[_Tried]:
    """The footer at the same place in each reading; none if in one of them it is not directly in the body."""
    if tried is None or tried.enclosing or any(map(is_tangled, readings)):
        return []
    found = [_tried(reading, tried.place) for reading in readings]
    fit = [tried, *(one for one in found if one is not None and not one.enclosing)]
    return fit if len(fit) > len(found) else []


def _tried(html: str, place: Place) -> _Tried | None:
    """A footer tried at this place; None if it would not be an element, or if the page's own tags hide the page."""
    mark = f"{_MARK}-{len(html)}-{hash(html) & 0xFFFFFFFF}"
    tree = LexborHTMLParser(f"{html[: place.at]}{place.closing}<div {mark}>x</div>{html[place.at :]}")
    node = _last_in_body(tree, mark) or tree.css_first(f"div[{mark}]")
    if node is None or node.text() != "x":
        return None
    enclosing: list[str] = []
    above = node.parent
    while above is not None and above.tag and not above.tag.startswith("-"):
        name = above.tag
        if name in page.NAMES:
            if page.hides_itself(above):
                return None
        else:
            enclosing.append(name)
        above = above.parent
    return _Tried(place, tree, node, tuple(enclosing))


def _last_in_body(tree: LexborHTMLParser, mark: str) -> LexborNode | None:
    """The marked element if it is the last of the body, as usual; much cheaper than a selector."""
    node = tree.body.last_child if tree.body is not None else None
    while node is not None and node.tag == "-text":
        node = node.prev
    return node if node is not None and node.tag == "div" and mark in node.attributes else None
