"""What an HTML part shows: its text, with hidden text kept separate, its links and the texts of its pictures.

A scanner that follows the HTML standard's tokenizer, linear in its input, which runs no scripts and loads nothing.
Tags that only style text cost no Python code; elements are followed one by one only if something may be hidden or
quoted. In doubt text counts as shown: what cannot be proven hidden is judged.
"""

import re
from collections.abc import Iterable
from html import escape
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from msgspec import Struct, field

from policy.tokens import without_invisible
from relay.mail import css, sheet
from relay.mail.entities import unescape
from relay.mail.style import PLAIN, Style, attributes_of, styled
from relay.mail.tags import FOREIGN, TAG, closed, raws


class Shown(NamedTuple):
    """The reading of an HTML part."""

    text: str
    quoted: str = ""
    hidden: str = ""
    links: tuple[str, ...] = ()
    image_alts: tuple[str, ...] = ()
    language: str = ""


_BLOCKS = (
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head"
    "er|hr|html|li|main|nav|ol|option|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)
_BLOCK_NAMES = frozenset(_BLOCKS.replace("h[1-6]", "h1|h2|h3|h4|h5|h6").split("|"))
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_SHOWN_RAW = frozenset(("textarea", "xmp", "plaintext"))
# A reader that does not know the element shows its content: no mail reader supports frames, and Outlook no templates.
_UNKNOWN_TO_SOME = frozenset(("iframe", "template", "noembed", "noframes"))
# Attributes with links, and attributes whose text is shown.
_NOTED = {
    **dict.fromkeys(("a", "area"), ("href",)),
    "img": ("alt",),
    "input": ("value", "placeholder", "alt"),
    **dict.fromkeys(("option", "optgroup"), ("label",)),
}
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
# At least one of these must occur in the attributes (in lower case) for anything to be hidden or quoted.
_SIGNS = ("display", "overflow", "transparent", "/*", "\\", "cite", "quote", "rplyfwd", "&#")
_TINY = re.compile(r"font(?:-size)?\s*:\s*(?:[a-z]+ )*0*\.?[01](?![0-9]|\.[0-9]*r?em)")
_COLORS = re.compile(r"(background(?:-color)?|bgcolor|color)\s*[:=]\s*[\"']?\s*(#?[a-z0-9]++(?:\([^()]{0,60}\))?)")
_PICTURE = re.compile(r"<(?i:ima?ge?|svg|video|object|embed|input)(?=[\s/>])|(?i:background\s*=|url\s*\()", re.ASCII)
_MOST_LOGOS = 20  # in a signature; more are a page of pictures
_LONGEST_LOGO = 1000  # characters of its tag
_LANG = re.compile(r"""<(?i:html)\s[^<>]*?(?i:\blang)\s*=\s*["']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)""", re.ASCII)
_MOST_LINKS = 500
_UNTIDY = ("  ", "\t", " \n", "\n ", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f")
_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f"
_BREAK = "\x02"  # marks the line break of a block until white space is normalised


def read(html: str) -> Shown:
    """Read what a person sees of `html`."""
    html = _without_signs(html)
    shown = _read(html)
    if "<![CDATA[" not in html:
        return shown
    # In svg and math this is text; elsewhere it is a comment that ends earlier.
    other = _read(_CDATA.sub(lambda found: escape(found[1]), html))
    return shown._replace(text="\n".join(filter(None, (shown.text, other.text, other.quoted))))


def _read(html: str) -> Shown:
    language = _LANG.search(html, 0, 2000)
    markup, shown_raw, unseen, sheets = without_raw(html)
    rules = sheet.sheet(*sheets) if sheets else sheet.NO_SHEET
    links: dict[str, None] = {}
    alts: dict[str, None] = {}
    # text, slash, name, attributes, text, …: three groups for each tag
    pieces = TAG.split(markup)
    if _may_hide("\n".join(filter(None, pieces[3::4])).lower()):
        seen, quoted, hidden = _follow(pieces, rules, links, alts)
        unseen.append(hidden)
    else:
        seen, quoted = _all(pieces, links, alts), ""
    shown_raw += sheet.generated(sheets, markup)
    if shown_raw:
        seen = f"{seen}\n{tidy(' '.join(shown_raw))}".strip()
    hidden = "\n".join(filter(None, unseen))
    return Shown(seen, quoted, hidden, tuple(links), tuple(alts), language[1].lower() if language else "")


def _without_signs(html: str) -> str:
    """Remove NUL, which is not shown, and our own mark; inside a tag they are replaced, since they are part of
    names there.
    """
    if "\0" in html or _BREAK in html:
        html = TAG.sub(lambda tag: tag[0].replace("\0", "\ufffd").replace(_BREAK, "\ufffd"), html)
    return html.replace("\0", "").replace(_BREAK, "")


def has_pictures(html: str) -> bool:
    """Whether the page may show any picture larger than a signature's logo, by whatever means."""
    is_styled = "<style" in html.lower()
    found = islice(_PICTURE.finditer(html), _MOST_LOGOS)
    return any(number == _MOST_LOGOS or is_styled or not _is_logo(html, one) for number, one in enumerate(found, 1))


def _is_logo(html: str, found: re.Match[str]) -> bool:
    """Whether it is an image that declares a small size itself, which nothing else may change."""
    if found[0].lower() != "<img":
        return False
    tag = html[found.end() : found.end() + _LONGEST_LOGO].partition(">")[0]
    said = attributes_of(tag)
    width, height = said.get("width", ""), said.get("height", "0")
    return "style" not in said and width.isdecimal() and height.isdecimal() and int(width) <= 200 and int(height) <= 100


def tidy(text: str) -> str:
    """Plain text without invisible characters, blank lines and superfluous blanks."""
    if not text.isascii():
        text = without_invisible(text)
    if not _may_need_tidying(text):
        return "\n".join(filter(None, text.strip(" ").split("\n")))
    return "\n".join(filter(None, map(" ".join, map(str.split, text.split("\n")))))


def _may_need_tidying(text: str) -> bool:
    """Whether any line might have white space other than single blanks between words."""
    return not text.isascii() or any(map(text.__contains__, _UNTIDY))


def _may_hide(attributes: str) -> bool:
    """Whether anything in these attributes could hide text; if not, no element has to be followed."""
    if not attributes:
        return False
    if any(map(attributes.__contains__, _SIGNS)) or ("font" in attributes and _TINY.search(attributes)):
        return True
    if "color" not in attributes and "background" not in attributes:
        return False
    inks, grounds = {"000000"}, {"ffffff"}
    for name, value in set(_COLORS.findall(attributes)):
        (inks if name == "color" else grounds).add(css.color_value(value))
    if "transparent" in inks or len(inks) >= 50 or len(grounds) >= 50:
        return True
    return any(css.is_alike(ink, ground) for ink in inks for ground in grounds)


def _all(pieces: list[str], links: dict[str, None], alts: dict[str, None]) -> str:
    """The text if nothing is hidden, one line for each block."""
    names = pieces[2::4]
    small = _small(names)
    if not _NOTED.keys().isdisjoint(small.values()):
        for index, name in enumerate(names):
            if small[name] in _NOTED:
                _note(small[name], pieces[4 * index + 3], links, alts)
    breaks = {name: _BREAK if small[name] in _BLOCK_NAMES else "" for name in small}
    return _settled(chain.from_iterable(zip_longest(pieces[0::4], map(breaks.__getitem__, names), fillvalue="")))


def _small(names: list[str]) -> dict[str, str]:
    """The names of tags in lower case, each different one converted once; "" for what is not an element's."""
    return {name: css.lower(name or "") for name in {*names}}


def _settled(pieces: Iterable[str]) -> str:
    text = "".join(pieces)
    if "&" in text:
        text = unescape(text)
    if not text.isascii():
        return tidy(" ".join(text.split()).replace(_BREAK, "\n"))
    for blank in filter(text.__contains__, _BLANKS):  # a third of the time of splitting it into words
        text = text.replace(blank, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return "\n".join(filter(None, map(str.strip, text.split(_BREAK))))


def _note(name: str, attributes: str, links: dict[str, None], alts: dict[str, None]) -> None:
    """Record the target of a link, or the text that stands for a picture or is in a form field."""
    low = attributes.lower()
    if not any(map(low.__contains__, _NOTED[name])):
        return
    said = attributes_of(attributes)
    if name == "input" and said.get("type", "").strip().lower() == "hidden":
        return
    for wanted in _NOTED[name]:
        values, value = links if wanted == "href" else alts, said.get(wanted, "").strip()
        if value and len(values) < _MOST_LINKS:
            values[value] = None


def without_raw(html: str) -> tuple[str, list[str], list[str], list[str]]:
    """The markup without comments and raw text elements; separately, the raw text that is shown, that is not, and
    style.
    """
    pieces: list[str] = []
    shown: list[str] = []
    unseen: list[str] = []
    sheets: list[str] = []
    position = 0
    foreign = FOREIGN.search(html) is not None
    for raw in raws(html):
        pieces.append(closed(html[position : raw.start]))
        position = raw.end
        if raw.name in _SHOWN_RAW:
            shown.append(raw.content)
        # In svg and math these contain markup, which may become visible. For some readers, scripts end earlier.
        if (foreign and ("<" in raw.content or raw.attributes.endswith("/"))) or raw.is_doubtful:
            pieces.append(_as_text(raw.content))
        elif raw.name in _UNKNOWN_TO_SOME:
            pieces.append(_as_text(" ".join((attributes_of(raw.attributes).get("srcdoc", ""), raw.content))))
        elif raw.name == "style":
            sheets.append(raw.content)
        elif raw.name == "title" and raw.content.strip():
            unseen.append(_all(TAG.split(raw.content), {}, {}))
    pieces.append(html[position:])
    return "".join(pieces), shown, unseen, sheets


def _as_text(markup: str) -> str:
    """What markup might show, as text without tags, so that no tag left open in it hides what follows."""
    return f" {escape(_all(TAG.split(markup), {}, {}))} "


class _Element(NamedTuple):
    name: str
    kind: int  # how everything in it is seen: 0 shown, 1 quoted, 2 hidden
    own: int  # how its own text is seen: also hidden under a veil, or if its colour is that of the background
    color: str
    background: str
    veils: frozenset[str] = frozenset()  # ways of hiding that an element inside can undo


class _Stack(Struct):
    """The open elements; each knows how its text is seen."""

    open: list[_Element] = field(default_factory=lambda: [_Element("", 0, 0, "000000", "ffffff")])
    count: dict[str, int] = field(default_factory=dict)

    def push(self, element: _Element) -> None:
        self.open.append(element)
        self.count[element.name] = self.count.get(element.name, 0) + 1

    def pop_to(self, name: str) -> None:
        """Close the innermost element of this name and everything inside it; nothing if none is open."""
        while self.count.get(name, 0):
            closed = self.open.pop()
            self.count[closed.name] -= 1
            if closed.name == name:
                return

    def imply(self, name: str) -> None:
        """Apply the end tags that HTML allows to be omitted, as far as they end hidden text."""
        top = self.open[-1].name
        if (top == "p" and name in _BLOCK_NAMES and name != "br") or (top == name and name in ("li", "option", "tr")):
            self.pop_to(top)
        elif top in ("td", "th") and name in ("td", "th", "tr"):
            self.pop_to(top)
            if name == "tr" and self.open[-1].name == "tr":
                self.pop_to("tr")
        elif top in ("dd", "dt") and name in ("dd", "dt"):
            self.pop_to(top)


def _follow(
    pieces: list[str], rules: sheet.Sheet, links: dict[str, None], alts: dict[str, None]
) -> tuple[str, str, str]:
    """Follow every element; returns the text shown, quoted, and hidden."""
    kinds: tuple[list[str], list[str], list[str]] = ([], [], [])
    stack = _Stack()
    for name in ("html", "body"):  # these exist even without tags; that such a page is hidden is doubtful
        page = styled(name, "", rules)._replace(hides=False, veils=frozenset())
        stack.open[0] = _element("", page, stack.open[0])
    known: dict[tuple[str, str], Style] = {}  # a mail styles many elements alike
    small = _small(pieces[2::4])
    for text, slash, name, attributes in zip(
        pieces[0:-1:4], pieces[1::4], map(small.__getitem__, pieces[2::4]), pieces[3::4], strict=True
    ):
        kinds[stack.open[-1].own].append(text)
        if not name:
            continue
        if slash:
            stack.pop_to(name)
        elif name not in VOID:
            stack.imply(name)
            style = known.get((name, attributes))
            if style is None:
                style = known[name, attributes] = styled(name, attributes, rules)
            stack.push(_element(name, style, stack.open[-1]))
        own = stack.open[-1].own
        if name in _BLOCK_NAMES:
            kinds[own].append(_BREAK)
        if name in _NOTED and own < 2 and not slash:
            _note(name, attributes, links, alts)
    kinds[stack.open[-1].own].append(pieces[-1])
    return _settled(kinds[0]), _settled(kinds[1]), _settled(kinds[2])


def _element(name: str, style: Style, parent: _Element) -> _Element:
    kind, color, background, veils = parent.kind, parent.color, parent.background, parent.veils
    if style is PLAIN:
        return _Element(name, kind, parent.own, color, background, veils)
    background = style.background or background
    color = style.color or color
    veils = (veils - style.unveils) | style.veils
    if style.hides:
        kind = 2
    elif kind == 0 and style.quotes:
        kind = 1
    is_unseen = veils or color == "transparent" or css.is_alike(color, background)
    return _Element(name, kind, 2 if is_unseen else kind, color, background, veils)
