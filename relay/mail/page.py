"""Whether the page around a footer (html, body, and neighbouring elements) might hide it.

In doubt it counts as hidden. The footer's own elements set their appearance inline and as important, out of
reach of any rule. What rules can affect is the page around them, parts of them that are not elements
(`::before`, `::first-line`), and neighbours that are drawn over them or pull them out of the window.
"""

import re
from collections.abc import Iterator
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from relay.mail import css
from relay.mail.entities import unescape
from relay.mail.sheet import Rule, reach, rules
from relay.mail.sight import may_be_said, near_end, without_states

NAMES = frozenset(("html", "body"))
_ROOT = frozenset(("html",))
_HIDING = frozenset(("hidden", "inert", "popover"))  # inert: its links cannot be followed
# Occurs, in some case, in every page that has rules or inline styles.
STYLE = "style"
# The colour of the footer's text.
INK = "#767676"
_INK_RANGE = 0x30  # a background closer to the ink than this leaves too little contrast
_MOST_SELECTORS = 200
_MOST_SHEETS = 50
_LONGEST_TAGS = 10_000
_TAG = re.compile(r"<(?:html|body)(?=[\s/>])[^>]*+", re.IGNORECASE | re.ASCII)
_STYLE = re.compile(r"<style", re.IGNORECASE | re.ASCII)
_STYLE_END = re.compile(r"</style", re.IGNORECASE | re.ASCII)
_ATTRIBUTE_TESTS = re.compile(r"\[[^\]]*+\]?")
_PART = re.compile(r"::?(?:before|after|first-line|first-letter)")
_OF_PARTS = frozenset(
    ("box-sizing", "content", "clear", "display", "height", "width", "visibility", "margin", "padding")
)
_OURS = NAMES.union(("*", "div", "a", "br"))
_MOST_PARTS = 20
# Properties of the page's box that cannot hide its content; the footer resets whatever it would inherit.
_INHERITED = re.compile(
    r"(?!.*(?:clip|fill|stroke|clamp|hide|transform|filter|font-size$))"
    r"(?:(?:font|text|word|letter|white|line|list|mso|border|outline|background|overscroll|scrollbar|-ms|-premailer)-?.*|--.*"
    r"|-(?:webkit|moz)-(?:text-size|font|osx-font|tap|touch|user-select|box-sizing|print|overflow-scrolling).*"
    r"|(?:-[a-z]+-)?transition.*|color(?:-scheme)?|supported-color-schemes|quotes|hyphens|cursor|tab-size|orphans|widows"
    r"|scroll-behavior|(?:align|place)-items|gap|user-select|print-color-adjust|accent-color)"
)
_FONT_SIZE = re.compile(r"\d{2,}(?:\.\d+)?(?:px|%|pt)|inherit|initial")
# With other alignments, content larger than the page also overflows at its start, where nobody can scroll.
_FROM_THE_START = re.compile(r"(?:(?:normal|stretch|(?:flex-)?start|space-between)(?: |$))+")
_PAGE_BOX = {
    "all": re.compile(r"(?!)"),  # would reset what another rule says about the layout
    "display": re.compile(r"block|flex|initial|inherit|flow-root"),
    "flex-direction": re.compile(r"column"),
    "flex-wrap": re.compile(r"nowrap"),
    "float": re.compile(r"none|left"),
    **dict.fromkeys(("justify-content", "align-content", "place-content"), _FROM_THE_START),
    **dict.fromkeys(("overflow", "overflow-y"), re.compile(r"visible|auto|scroll|initial")),
    "overflow-x": re.compile(r"[a-z]+"),
    **dict.fromkeys(("height", "max-height"), re.compile(r"auto|none|initial|(?:max|fit)-content|100%|100d?vh")),
    "min-height": re.compile(r"[^-\\(]*"),
    "min-width": re.compile(r"[a-z]+|\d{1,3}(?:\.\d+)?(?:px|pt)?|\d\d?(?:\.\d+)?(?:r?em|%|v[a-z]+)|100(?:%|v[a-z]+)"),
    **dict.fromkeys(("top", "right", "bottom", "left", "inset"), re.compile(r"0(?:px)?|auto")),
    "zoom": re.compile(r"1|100%|normal"),
}
_EDGES = ("margin", "padding", "border")
# Space beside or above the page that might push it out of the window; the digits of a colour do not count.
_WIDE = re.compile(
    r"(?<![#0-9a-f.])(?:\d{4}|\d{3}(?:\.\d+)?(?:%|(?!p[xt])[a-z])|\d\d(?:\.\d+)?(?:in|cm|pc)|(?:\d*\.)?\d+e[+\d])"
    r"|\d(?:v[a-z]|cq)|(?<!rgb)(?<!rgba)(?<!hsl)(?<!hsla)\("
)
_WIDER = re.compile(r"\d{4}|\d{3}(?:\.\d+)?r?em|(?!100[%v])\d{3}(?:\.\d+)?[%v]")  # a width larger than any window
_COLORS = re.compile(r"#[0-9a-f]{3,8}|rgba?\([^()]{0,40}\)|[a-z]+")
_HSL = re.compile(r"hsla?\([^()%]{0,20}%[ ,]([\d.]{1,9})%")
_STRANGE_COLOR = re.compile(r"(?:hwb|lab|lch|color|color-mix)\(")
_WHOLE = re.compile(r"\+?0*+([0-9]{0,11})[0-9]*+")  # more digits than these exceed any height
_HIGHEST = 2147483647  # the footer's z-index, the highest there is
_LOWERED = ("absolute", "fixed", "sticky")
_UPWARDS = frozenset(
    ("margin", "margin-top", "margin-bottom", "margin-block", "margin-block-start", "margin-block-end")
)
_NEGATIVE = re.compile(r"-(\d{1,6}(?:\.\d{1,3})?|\.\d{1,3})(em|rem|%|vh|vw)?")
_LARGE = {"em": 16, "rem": 16, "%": 10, "vh": 10, "vw": 10}  # pixels for one unit, roughly
_MOST_PULLED = 150  # pixels by which the footer may be pulled up: the margins of an overlapping picture


def hides_itself(node: LexborNode) -> bool:
    """Whether the page's own tag has something that might hide its content."""
    attributes = node.attributes
    if not attributes:
        return False
    ground = css.attribute_color(attributes.get("bgcolor") or "")
    is_hidden = not _HIDING.isdisjoint(attributes) or node.tag in _hidden_by(attributes.get("style") or "")
    return is_hidden or css.is_alike(INK[1:], ground, _INK_RANGE)


def may_hide(html: str) -> bool:
    """The same for a page too large to parse, including its rules, judged from the text alone."""
    starts = [found.start() for found in _STYLE.finditer(html)]
    if len(starts) > _MOST_SHEETS:
        return True
    ends = [_STYLE_END.search(html, start) for start in starts]
    sheets = [
        html[start : end.start() if end else len(html)].partition(">")[2]
        for start, end in zip(starts, ends, strict=True)
    ]
    found = rules(sheets)
    is_hidden = next(_for_page(found, unescape(" ".join(_TAG.findall(html))).lower()), None) is not None
    return is_hidden or any(_PART.search(rule.selectors) or _overlays(rule.body) for rule in found)


def hides(tree: LexborHTMLParser, footer: LexborNode) -> bool:
    """Whether some rule, on any screen, or some neighbour might hide the footer."""
    found = rules([sheet.text() for sheet in tree.css("style")])
    if found:
        bare = "".join([_bare(tree.css_first(name)) for name in ("html", "head", "body")])
        if len(bare) > _LONGEST_TAGS or _has_rule(bare, found) or _paints_over(tree, bare, footer, found):
            return True
    return _has_overlay(tree, found)


def _has_rule(bare: str, found: list[Rule]) -> bool:
    """Whether a rule that might hide the page's content applies to it."""
    selectors = [*_for_page(found, bare.lower())]
    if len(selectors) > _MOST_SELECTORS:
        return True
    page = LexborHTMLParser(bare) if selectors else None
    return page is not None and any(_selects(page, selector, names) for selector, names in selectors)


def _for_page(found: list[Rule], tags: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The selectors that might match html or body, from rules that might hide their content, each with the
    elements affected.
    """
    for rule in found:
        names = _hidden_by(rule.body)
        if not names:
            continue
        for selector in map(str.strip, rule.selectors.lower().split(",")):
            if (
                selector[:1] != "@"
                and "::" not in selector
                and not _PART.search(selector)
                and _may_mean(reach(selector), tags)
            ):
                yield selector, names


def _may_mean(reached: str, tags: str) -> bool:
    return reached in NAMES or reached == "*" or (reached[0] in ".#" and reached[1:] in tags)


def _hidden_by(style: str) -> frozenset[str]:
    """Which of html and body might hide their content with this style, or show it on a background of the
    ink's colour.
    """
    said = css.declarations(style)
    if not all(_is_kind(name, value) for name, (value, _) in said):
        return NAMES
    if not any(value == "flex" for _, (value, _) in said):
        return frozenset()
    # In a row, the footer would stand beside everything else. In a column it begins where it always does
    # (`align-self`); but a body that is itself inside a column may be moved, or shrunk to nothing.
    return _ROOT if any(name == "flex-direction" for name, _ in said) else NAMES


def _is_kind(name: str, value: str) -> bool:
    if name.startswith("background") and _is_of_ink(value):
        return False
    if name in _PAGE_BOX:
        return _PAGE_BOX[name].fullmatch(value) is not None
    if (name.startswith(_EDGES) and _WIDE.search(value)) or (name == "width" and _WIDER.search(value)):
        return False
    if _INHERITED.fullmatch(name) or (name == "font-size" and _FONT_SIZE.fullmatch(value)):
        return True
    return may_be_said(name, value)


def _is_of_ink(value: str) -> bool:
    """Whether a background has, or might have, a colour on which the footer is unreadable."""
    if any(25 <= float(light.strip(".") or 0) <= 68 for light in _HSL.findall(value) if light.count(".") <= 1):
        return True
    colors = map(css.color_value, _COLORS.findall(value))
    return _STRANGE_COLOR.search(value) is not None or any(css.is_alike(INK[1:], one, _INK_RANGE) for one in colors)


def _paints_over(tree: LexborHTMLParser, bare: str, footer: LexborNode, found: list[Rule]) -> bool:
    """Whether a rule paints or writes on a part of the footer that is not an element."""
    selectors = {
        selector.strip()
        for rule in found
        if ":" in rule.selectors and not {name for name, _ in css.declarations(rule.body)} <= _OF_PARTS
        for selector in rule.selectors.lower().split(",")
        if _PART.search(selector) and reach(selector) in _OURS
    }
    if not selectors or len(selectors) > _MOST_PARTS:
        return bool(selectors)
    alone = LexborHTMLParser(f"{bare}<div>")
    return any(_may_be_ours(tree, alone, footer, selector) for selector in selectors)


def _may_be_ours(tree: LexborHTMLParser, alone: LexborHTMLParser, footer: LexborNode, selector: str) -> bool:
    """Whether a selector might match the footer. `alone` is the page with nothing but the footer in it;
    `tree` shows what comes before it.
    """
    plain = without_states(_ATTRIBUTE_TESTS.sub("", selector))
    tag = reach(plain)
    if tag in NAMES:
        return True
    within = plain.removesuffix(tag).rstrip(" >")
    ours = f"{within} div" if tag != "*" else plain
    footers = ours if within.endswith(("+", "~")) else within or "*"
    try:
        if ("+" in footers or "~" in footers) and any(n.mem_id == footer.mem_id for n in tree.css(near_end(footers))):
            return True
        return any(node.tag != "head" for one in (footers, ours) for node in alone.css(one))
    except SelectolaxError:
        return True


def _has_overlay(tree: LexborHTMLParser, found: list[Rule]) -> bool:
    """Whether anything has the footer's z-index, or pulls what follows far up."""
    styles = [style for node in tree.css("[style]") if (style := node.attributes.get("style"))]
    pulls = {style: _pull(style) for style in {*styles}}  # a mail styles many elements alike
    if any(map(_overlays, pulls)) or any(_overlays(rule.body) for rule in found):
        return True
    pulled = sum(map(pulls.__getitem__, styles))
    pulling = [
        (selector, pull) for rule in found if (pull := _pull(rule.body)) for selector in rule.selectors.split(",")
    ]
    if len(pulling) > _MOST_PARTS:
        return True
    try:
        for selector, pull in pulling:
            if pulled > _MOST_PULLED:
                break
            pulled += pull * len(tree.css(near_end(without_states(selector.lower()))))
    except SelectolaxError:
        return True
    return pulled > _MOST_PULLED


def _overlays(style: str) -> bool:
    """Whether an element with this style has the footer's z-index, or may lie behind it in the ink's colour."""
    low = style.lower()
    if "z-" not in low and "position" not in low and "\\" not in low:
        return False
    said = css.declarations(style)
    if any(name == "z-index" and _is_highest(value) for name, (value, _) in said):
        return True
    names = {name for name, _ in said}
    is_placed = any(
        name == "position" and (value in _LOWERED or not names.isdisjoint(("top", "bottom", "inset")))
        for name, (value, _) in said
    )
    return is_placed and any(name.startswith("background") and _is_of_ink(value) for name, (value, _) in said)


def _is_highest(value: str) -> bool:
    found = _WHOLE.fullmatch(value)
    return "(" in value or (found is not None and int(found[1] or 0) >= _HIGHEST)


def _pull(style: str) -> float:
    """By how many pixels an element with this style may pull up what follows it."""
    if "-" not in style or ("margin" not in style.lower() and "\\" not in style):
        return 0
    said = css.declarations(style)
    return sum(
        _pulled_by(_vertical(value) if name == "margin" else value) for name, (value, _) in said if name in _UPWARDS
    )


def _pulled_by(value: str) -> float:
    if "calc(" in value and "-" in value:
        return _MOST_PULLED + 1
    return sum(float(number) * _LARGE.get(unit, 1) for number, unit in _NEGATIVE.findall(value))


def _vertical(value: str) -> str:
    """The top and bottom of the four sides of a margin."""
    return value if "(" in value else " ".join(value.split(" ")[0:3:2])


def _bare(node: LexborNode | None) -> str:
    """An element's start tag alone, for testing selectors on the page without its content."""
    if node is None:
        return ""
    pairs = [f'{name}="{escape((value or "").lower())}"' for name, value in node.attributes.items()]
    return f"<{node.tag} {' '.join(pairs)}>"


def _selects(page: LexborHTMLParser, selector: str, names: frozenset[str]) -> bool:
    try:
        found = [*page.css(selector), *page.css(without_states(selector))]
    except SelectolaxError:  # not a selector, or of a kind the parser does not know
        return reach(selector) in names.union("*") or any(
            name in selector for name in ("body", "html", "root", "*", "&")
        )
    return any(node.tag in names for node in found)
