"""Finds the links of an HTML part that are certain to be seen; in doubt a link counts as hidden.

A message that already carries our working link gets no second footer, so a link may count only if no reader
and no trick hides it: every element around it must be a plain one, every style that applies to it harmless,
and it must have letters to read. A page that is more elaborate gets a second footer, which does no harm.
"""

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from policy.tokens import without_invisible, word_set
from relay.mail import css
from relay.mail.sheet import Rule, imports, rules

_PLAIN = word_set(
    """
    html body div p table tbody thead tfoot tr td th span center section article main footer header b i u strong em
    small font ul ol li blockquote h1 h2 h3 h4 h5 h6
    """
)
_HIDING_ATTRIBUTES = frozenset(("hidden", "inert", "popover", "aria-hidden"))
_FOREIGN_SHEET = "link[rel~=stylesheet i], link[rel=stylesheet]"
# Occurs, in some case, in every page with a tree that current browsers show in place of the element it stands in.
SHADOW = "shadowrootmode"
_SHOWN_TO_SOME = ("<!--[if", "<noscript", SHADOW)
_MOST_RULES = 200
_MOST_SELECTORS = 500
# A blank between two elements of a selector, and a tilde that is not part of an attribute test.
_WITHIN = re.compile(r"(?<![>+~\s])\s++(?![>+~])")
_AFTER = re.compile(r"~(?!=)\s*+")
_FEWEST_LETTERS = 2

_ANY = re.compile(r"[^\\]*")
_COLOR = r"#(?:[0-9a-f]{3}|[0-9a-f]{6})|(?!transparent)[a-z]+|rgb\(\d+,\d+,\d+\)"
_ROOM = r"auto|none|initial|(?:[2-9]\d|\d{3,})(?:\.\d+)?(?:px|pt|%)|\d+(?:\.\d+)?(?:em|rem|vw)"
# Values with which a property cannot hide anything; properties not listed count as unsafe.
_HARMLESS = {
    **dict.fromkeys(
        (
            *("text-align", "font-family", "font-weight", "font-style", "vertical-align", "direction", "table-layout"),
            *("text-decoration", "border-collapse", "border-spacing", "box-sizing", "word-break", "word-wrap"),
            *("overflow-wrap", "list-style", "list-style-type", "background", "background-color", "text-size-adjust"),
            *("-webkit-text-size-adjust", "-ms-text-size-adjust", "border-radius", "mso-line-height-rule"),
            *("border", "border-top", "border-right", "border-bottom", "border-left", "border-color", "border-width"),
            "clear",
        ),
        _ANY,
    ),
    **dict.fromkeys(
        [f"{box}{side}" for box in ("margin", "padding") for side in ("", "-top", "-right", "-bottom", "-left")],
        re.compile(r"[^-\\(]*"),
    ),
    "color": re.compile(_COLOR),
    "font-size": re.compile(r"(?:[89]|[1-9]\d)(?:\.\d+)?px|[6-9]\d?(?:\.\d+)?pt|(?:0?\.[6-9]\d*|[1-9](?:\.\d+)?)r?em|"
                            r"(?:[6-9]\d|\d{3})%|small|smaller|medium|large|larger|x-large"),
    "font": re.compile(
        r"(?:(?:normal|bold|italic|\d00) )*(?:[89]|[1-9]\d)px(?:/(?:1(?:\.\d+)?|[89]px|[1-9]\dpx))? [^\\(]+"
    ),
    "line-height": re.compile(r"normal|[1-9](?:\.\d+)?(?:em)?|(?:[89]|[1-9]\d)(?:\.\d+)?(?:px|pt)|\d{3}%"),
    "display": re.compile(r"block|inline|inline-block|table|table-row|table-cell|list-item"),
    "visibility": re.compile(r"visible"),
    "opacity": re.compile(r"1(?:\.0*)?"),
    "position": re.compile(r"static|relative"),
    "z-index": re.compile(r"auto|\d+"),
    "all": re.compile(r"initial"),
    "unicode-bidi": re.compile(r"normal|isolate"),
    "cursor": re.compile(r"[a-z]+"),
    "overflow": re.compile(r"visible"),
    "float": re.compile(r"none|left|right"),
    "text-indent": re.compile(r"0(?:px)?"),
    "letter-spacing": re.compile(r"normal"),
    "text-transform": re.compile(r"none"),
    "clip": re.compile(r"auto"),
    **dict.fromkeys(("clip-path", "transform", "filter"), re.compile(r"none")),
    **dict.fromkeys(("width", "max-width", "min-width", "height", "max-height", "min-height"), re.compile(_ROOM)),
}  # fmt: skip


def surely_seen_links(html: str) -> list[str]:
    """The targets of the links that every reader sees and can follow."""
    tree = LexborHTMLParser(html)
    anchors = [node for node in tree.css("a[href]") if _is_in_plain_sight(node)]
    low = html.lower()
    if not anchors or any(mark in low for mark in _SHOWN_TO_SOME) or tree.css_first(_FOREIGN_SHEET) is not None:
        return []
    doubtful = _doubtful_elements(tree)
    if doubtful is None:
        return []
    return [
        href
        for node in anchors
        if (href := node.attributes.get("href")) and doubtful.isdisjoint(one.mem_id for one in _upwards(node))
    ]


def _is_in_plain_sight(anchor: LexborNode) -> bool:
    if not _has_letters(anchor):
        return False
    return all(
        (node.tag in _PLAIN or node.mem_id == anchor.mem_id)
        and _HIDING_ATTRIBUTES.isdisjoint(node.attributes)
        and is_harmless(node.attributes.get("style") or "")
        for node in _upwards(anchor)
    )


def _has_letters(anchor: LexborNode) -> bool:
    shown = without_invisible(anchor.text())
    return sum(map(str.isalnum, shown)) >= _FEWEST_LETTERS


def _upwards(node: LexborNode) -> Iterator[LexborNode]:
    above: LexborNode | None = node
    while above is not None and above.tag and not above.tag.startswith("-"):
        yield above
        above = above.parent


def is_harmless(style: str) -> bool:
    """Whether none of these declarations could hide anything."""
    said = [declaration.partition(":") for declaration in css.plain(style).split(";")]
    return all(may_be_said(name, value.removesuffix("!important")) for name, _, value in said if name)


def may_be_said(name: str, value: str) -> bool:
    """Whether a property with this value cannot hide anything."""
    allowed = _HARMLESS.get(name)
    return allowed is not None and allowed.fullmatch(value) is not None


def _doubtful_elements(tree: LexborHTMLParser) -> frozenset[int] | None:
    """The elements that a rule of the message's style sheets might hide; None if that cannot be determined."""
    sheets = [sheet.text() for sheet in tree.css("style")]
    found = rules(sheets)
    if len(found) > _MOST_RULES or any(map(imports, sheets)):
        return None
    selectors = {*harmful_selectors(found)}
    if len(selectors) > _MOST_SELECTORS:
        return None
    doubtful: set[int] = set()
    for selector in selectors:
        try:
            doubtful.update([node.mem_id for node in tree.css(near_end(without_states(selector)))])
        except SelectolaxError:  # not a selector, or of a kind the parser does not know
            return None
    return frozenset(doubtful)


def harmful_selectors(found: Iterable[Rule]) -> Iterator[str]:
    """The selectors of rules that might hide something, on any screen."""
    for rule in found:
        if not is_harmless(rule.body):
            yield from map(str.strip, rule.selectors.lower().split(","))


def without_states(selector: str) -> str:
    """The selector without `:hover` and the like, which may become true, and without attribute tests for
    emptied strings.
    """
    plain = re.sub(r"::?[a-z-]++(?:\([^)]*+\)?)?|\[[^\]\"]*+\"\"[^\]]*+\]", "", selector.strip())
    return plain.strip() or "*"


def near_end(selector: str) -> str:
    """The end of a selector: one element and one ancestor. It selects everything that the whole selector does.

    The parser tries every combination of descendant steps; a few of them in a row would take it years.
    """
    *above, last = _WITHIN.split(_AFTER.split(selector.strip())[-1])
    nearest = re.split("[>+]", above[-1])[-1] if above else ""
    return f"{nearest} {last}".strip() or "*"
