"""What the style sheets of a message say of an element: only of simple selectors (`p`, `.x`, `p.x`, `#x`).

Not a style engine, and doubt counts as shown: a rule inside `@media` and its
like, or with a selector that is not simple, hides nothing, but may show again
all it might reach, whatever else hides it.
"""

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, field

from relay.mail import css
from relay.mail.entities import unescape

_BRACE = re.compile(r"([{}])")
_DEEPEST = 20
#: Stands for the selectors of the frames of an animation: they select a moment, no element.
FRAME = "@keyframes"
_KEYFRAMES = re.compile(r"@(?:-[a-z]+-)?keyframes\b", re.IGNORECASE)
_SIMPLE = re.compile(r"(\*|[a-zA-Z][a-zA-Z0-9-]*)?([.#][A-Za-z0-9_-]+)?")
_ADDITIONS = re.compile(r"\[[^\]]*+\]?|::?[a-z-]++(?:\([^)]*+\)?)?", re.IGNORECASE)
_COMBINATOR = re.compile(r"[\s>+~]+")
_LAST = re.compile(r"(\*|[a-zA-Z][\w-]*+)?([.#][\w-]++)?(?:[.#][\w-]++)*+")
_IMPORT = re.compile(r"@import(?!\s{0,9}(?:url\()?[\"']?https://fonts\.googleapis\.com/)", re.IGNORECASE)
_SHOWS_ALL = (
    "display:block;visibility:visible;opacity:1;font-size:medium;text-indent:0;position:static;color:?;background:?"
)
_LONGEST_SIGN = 2  # letters
_MOST_SIGNS = 10_000  # in all style of a page; Gmail drops a sheet of 16 KB, which has a tenth of them
# A string ends with its line too, or with all there is: none is looked through from each quote in it.
_QUOTED = r"\"([^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+)\"?+|'([^'\\\n]*+(?:\\.[^'\\\n]*+)*+)'?+"
_STRING = re.compile(_QUOTED, re.DOTALL)
_COMMENT = re.compile(rf"/\*.*?(?:\*/|\Z)|{_QUOTED}", re.DOTALL)
# A declaration that speaks in strings, found by what is quickly found; its value.
_STRING_BEGINS = re.compile(r":[^:;{}\"']*+[\"']")
_VALUE = re.compile(rf"(?:{_QUOTED}|[^;{{}}\"'])*+", re.DOTALL)
_ATTRIBUTE = re.compile(r"attr\(\s*+(?!href\b)([\w-]++)", re.IGNORECASE)
# Only looked at, so that no value holds back what another reader takes for an attribute.
_HELD = re.compile(r"""(?<=[\s/"'])([\w-]++)\s*+=\s*+(?=("[^"]*+"|'[^']*+'|[^\s>]{1,40}+))""")
# What puts words into the page: before or after an element, as the sign of an item of a list, or by a name of its own.
_SAYING = re.compile(r"content|quotes|list-style[a-z-]*|symbols|prefix|suffix|--[^:]+")
Strength = tuple[float, ...]  # importance, inline or not, then specificity and order: the greater is obeyed


class Rule(NamedTuple):
    """One rule of a sheet; `is_sure` where it holds on every screen."""

    selectors: str
    body: str
    is_sure: bool


#: Stands for the rules of a page that has more style than is read: it may say anything of anything.
_ANYTHING = Rule("*", f"{_SHOWS_ALL};order:?", is_sure=False)


def rules(sheets: Sequence[str]) -> list[Rule]:
    """Every rule of a page, those within others too."""
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
            yield Rule(named, body, len(above) == 1)
        if brace == "{":
            above.append(head.strip() or "*")
        elif above:
            above.pop()


class Sheet(Struct):
    """What the rules of a message say: of each selector that is looked up, for each way, the one obeyed."""

    hiding: dict[str, dict[str, Strength]] = field(default_factory=dict)
    showing: dict[str, dict[str, tuple[Strength, str]]] = field(default_factory=dict)

    def add(self, rule: Rule, order: int) -> None:
        """Takes in a rule. Classes are told apart by case where they hide, not where they show."""
        for selector in map(str.strip, rule.selectors.split(",")):
            simple = _SIMPLE.fullmatch(selector) if rule.is_sure else None
            for way, verdict in css.look(rule.body).items():
                if simple is not None and selector:
                    self._add(
                        (simple[1] or "").lower() + (simple[2] or ""), way, verdict, _strength(simple, verdict, order)
                    )
                elif verdict.value != css.HIDE:
                    value = css.UNKNOWN if way in ("color", "ground") else verdict.value
                    self._add(reach(selector), way, css.Verdict(value, True), (verdict.important, 0, math.inf))

    def _add(self, selector: str, way: str, verdict: css.Verdict, strength: Strength) -> None:
        name = selector.removeprefix("*") or "*"
        if verdict.value == css.HIDE:
            known = self.hiding.setdefault(name, {})
            known[way] = max(known.get(way, strength), strength)
        else:
            shown = self.showing.setdefault(name.lower(), {})
            shown[way] = max(shown.get(way, (strength, verdict.value)), (strength, verdict.value))

    def names(self, name: str) -> bool:
        """Whether any rule may be meant for an element of this name that has no attributes."""
        return any(key in kept for key in (name, "*") for kept in (self.hiding, self.showing))

    def obeyed(self, name: str, marks: list[str], own: css.Look, *, is_hidden: bool) -> dict[str, str]:
        """What holds for an element with these marks (`.x`, `#x`) and this style of its own."""
        hides = {way: (verdict.important, 1.0) for way, verdict in own.items() if verdict.value == css.HIDE}
        hiding: dict[str, Strength] = {"display": (-1.0,), **hides} if is_hidden else {**hides}
        showing: dict[str, tuple[Strength, str]] = {
            way: ((verdict.important, 1.0), verdict.value) for way, verdict in own.items() if verdict.value != css.HIDE
        }
        if self.hiding or self.showing:
            for key in ("*", name, *marks, *[name + mark for mark in marks]):
                for way, strength in self.hiding.get(key, {}).items():
                    hiding[way] = max(hiding.get(way, strength), strength)
                for way, shown in self.showing.get(key.lower(), {}).items():
                    showing[way] = max(showing.get(way, shown), shown)
        result = {way: value for way, (_, value) in showing.items()}
        return result | {
            way: css.HIDE for way, found in hiding.items() if way not in showing or found > showing[way][0]
        }


#: What a message without a style sheet says.
NO_SHEET = Sheet()


def _strength(selector: re.Match[str], verdict: css.Verdict, order: int) -> Strength:
    mark, tag = selector[2] or "", selector[1] or "*"
    return (verdict.important, 0, 100 * mark.startswith("#") + 10 * mark.startswith(".") + (tag != "*"), order)


def reach(selector: str) -> str:
    """The tag, class or id that whatever this selects must have; `*` where that cannot be told."""
    last = _COMBINATOR.split(_ADDITIONS.sub("", selector).strip())[-1]
    found = _LAST.fullmatch(last)
    return "*" if found is None else found[2] or found[1] or "*"


def generated(sheets: Sequence[str], markup: str) -> list[str]:
    """The words sheets themselves put into the page, attributes of its elements too; signs and icons are none."""
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
    """Whether a sheet brings in another that may say anything."""
    return _IMPORT.search(text) is not None or ("\\" in text and "@import" in css.plain(text))


@lru_cache(maxsize=16)
def sheet(*texts: str) -> Sheet:
    """Reads the style sheets of a message."""
    result = Sheet()
    found = [rule for rule in rules(texts) if rule.selectors != FRAME]
    if any(map(imports, texts)):  # nothing is loaded: it may show whatever is hidden
        found.append(Rule("*", _SHOWS_ALL, is_sure=False))
    for order, rule in enumerate(found):
        result.add(rule, order)
    return result
