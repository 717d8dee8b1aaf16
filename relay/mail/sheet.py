"""The effect of a message's style sheets on an element.

This is not a style engine, and in doubt text counts as shown. No rule hides anything, since Gmail ignores style
sheets in the body, long or faulty ones, and all of them for some accounts. But each rule may show again everything
it might match, whatever else hides it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, field

from relay.mail import css
from relay.mail.entities import unescape

_BRACE = re.compile(r"([{}])")
_DEEPEST = 20
# Stands for the selectors of an animation's frames, which select a moment and not an element.
FRAME = "@keyframes"
_KEYFRAMES = re.compile(r"@(?:-[a-z]+-)?keyframes\b", re.IGNORECASE)
_ADDITIONS = re.compile(r"\[[^\]]*+\]?|::?[a-z-]++(?:\([^)]*+\)?)?", re.IGNORECASE)
_COMBINATOR = re.compile(r"[\s>+~]+")
_LAST = re.compile(r"(\*|[a-zA-Z][\w-]*+)?([.#][\w-]++)?(?:[.#][\w-]++)*+")
_IMPORT = re.compile(r"@import(?!\s{0,9}(?:url\()?[\"']?https://fonts\.googleapis\.com/)", re.IGNORECASE)
_SHOWS_ALL = (
    "display:block!important;font-size:medium!important;position:static;color:?!important;background:?!important"
)
_LONGEST_SIGN = 2  # letters of a generated sign that is not a word
_MOST_SIGNS = 10_000  # separators in all style of a page; Gmail drops a sheet over 16 KB, which has a tenth of that
# A string also ends with its line or the input, so that no quote in it starts a search through the rest.
_QUOTED = r"\"([^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+)\"?+|'([^'\\\n]*+(?:\\.[^'\\\n]*+)*+)'?+"
_STRING = re.compile(_QUOTED, re.DOTALL)
_COMMENT = re.compile(rf"/\*.*?(?:\*/|\Z)|{_QUOTED}", re.DOTALL)
# A declaration with strings in its value, found by a fast search; its value.
_STRING_BEGINS = re.compile(r":[^:;{}\"']*+[\"']")
_VALUE = re.compile(rf"(?:{_QUOTED}|[^;{{}}\"'])*+", re.DOTALL)
_ATTRIBUTE = re.compile(r"attr\(\s*+(?!href\b)([\w-]++)", re.IGNORECASE)
# Only matched by look-ahead, so that no value hides what another reader takes for an attribute.
_HELD = re.compile(r"""(?<=[\s/"'])([\w-]++)\s*+=\s*+(?=("[^"]*+"|'[^']*+'|[^\s>]{1,40}+))""")
# Properties that put words into the page: before or after an element, as the marker of a list item, or by a variable.
_SAYING = re.compile(r"content|quotes|list-style[a-z-]*|symbols|prefix|suffix|--[^:]+")


class Rule(NamedTuple):
    """One rule of a sheet."""

    selectors: str
    body: str


# Stands for the rules of a page with more style than is read: it may have any effect on anything.
_ANYTHING = Rule("*", f"{_SHOWS_ALL};order:?")


def rules(sheets: Sequence[str]) -> list[Rule]:
    """Every rule of a page, including nested ones."""
    if sum(sheet.count(sign) for sheet in sheets for sign in "{,;") > _MOST_SIGNS:
        return [_ANYTHING]
    return [rule for sheet in sheets for rule in _of_one(sheet)]


@css.remembered(most=16, longest=64 * 1024)
def _of_one(sheet: str) -> tuple[Rule, ...]:
    return tuple(_rules(sheet))


def _rules(sheet: str) -> Iterator[Rule]:
    above: list[str] = []
    pieces = _BRACE.split(css.without_comments(sheet.replace("<!--", " ").replace("-->", " ")))
    for piece, brace in zip(pieces[0::2], [*pieces[1::2], "}"], strict=True):
        body, _, head = piece.rpartition(";") if brace == "{" else (piece, "", "")
        named = next((name for name in reversed(above[-_DEEPEST:]) if name[:1] != "@"), "*" * (len(above) > _DEEPEST))
        if len(above) > 1 and _KEYFRAMES.match(above[-2]):
            named = FRAME
        if named and body.strip():
            yield Rule(named, body)
        if brace == "{":
            above.append(head.strip() or "*")
        elif above:
            above.pop()


class Sheet(Struct):
    """What a message's rules show, by the tag, class or id that they might match and the way of hiding; with
    whether it is important.
    """

    showing: dict[str, dict[str, tuple[bool, str]]] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        look = css.look(rule.body)
        for selector in rule.selectors.split(","):
            shown = self.showing.setdefault(reach(selector).lower(), {})
            for way, (value, important) in look.items():
                if value != css.HIDE:
                    said = important, css.UNKNOWN if way in ("color", "ground") else value
                    shown[way] = max(shown.get(way, said), said)

    def names(self, name: str) -> bool:
        """Whether any rule may match an element of this name without attributes."""
        return name in self.showing or "*" in self.showing

    def obeyed(self, name: str, marks: list[str], own: css.Look) -> dict[str, str]:
        """What applies to an element with these marks (`.x`, `#x`) and this style of its own."""
        said = {way: (important, True, value) for way, (value, important) in own.items()}
        for key in ("*", name, *map(str.lower, marks)):
            for way, (important, value) in self.showing.get(key, {}).items():
                shown = important, False, value
                said[way] = max(said.get(way, shown), shown)
        return {way: value for way, (_, _, value) in said.items()}


# For a message without a style sheet.
NO_SHEET = Sheet()


def reach(selector: str) -> str:
    """The tag, class or id that everything selected must have; `*` if it cannot be determined."""
    last = _COMBINATOR.split(_ADDITIONS.sub("", selector).strip())[-1]
    found = _LAST.fullmatch(last)
    return "*" if found is None else found[2] or found[1] or "*"


def generated(sheets: Sequence[str], markup: str) -> list[str]:
    """The words that style sheets put into the page, including attributes of its elements; single signs and icons
    do not count.
    """
    sheets = [_COMMENT.sub(lambda found: " " if found[0][0] == "/" else found[0], one) for one in sheets]
    found = [said for one in sheets for said in _said(one)]
    names = {name.lower() for one in sheets for name in _ATTRIBUTE.findall(css.unescaped(one))}
    if names:
        held = dict.fromkeys([value for name, value in _HELD.findall(markup) if name.lower() in names])
        found += [unescape(value.strip("\"'")) for value in held]
    return [one for one in found if sum(map(str.isalpha, one)) > _LONGEST_SIGN]


def _said(text: str) -> Iterator[str]:
    end = 0
    for found in _STRING_BEGINS.finditer(text):
        if found.start() < end:
            continue
        declaration = re.split("[;{}]", text[end : found.start() + 1])[-1]
        value = _VALUE.match(text, found.start())
        assert value is not None, "it matches nothing, too"
        end = value.end()
        *_, name = ["", *css.unescaped(declaration.partition(":")[0]).lower().replace("/", " ").split()]
        if _SAYING.fullmatch(name):
            strings = [(one or other).replace("\\\n", "") for one, other in _STRING.findall(value[0])]
            yield "".join(map(css.unescaped, strings))


def imports(text: str) -> bool:
    """Whether a sheet imports another, which may say anything."""
    return _IMPORT.search(text) is not None or ("\\" in text and "@import" in css.plain(text))


@lru_cache(maxsize=16)
def sheet(*texts: str) -> Sheet:
    """Parse the style sheets of a message."""
    result = Sheet()
    found = [rule for rule in rules(texts) if rule.selectors != FRAME]
    if any(map(imports, texts)):  # it is not loaded, so it may show anything that is hidden
        found.append(Rule("*", _SHOWS_ALL))
    for rule in found:
        result.add(rule)
    return result
