"""How an element of an HTML part is displayed, from its attributes, its style and the message's style rules."""

import re
from typing import NamedTuple

from policy.tokens import word_set
from relay.mail import css
from relay.mail.entities import unescape
from relay.mail.sheet import Sheet

_QUOTE = re.compile(
    r"gmail_quote|divrplyfwdmsg|yahoo_quoted|moz-cite-prefix|protonmail_quote", re.IGNORECASE | re.ASCII
)
# WHATWG HTML §13.2.5.32: a name may begin with any character, and of two with the same name the first counts.
_ATTRIBUTE = re.compile(
    r"""([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"""
    r"""(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:"([^"]*+)"|'([^']*+)'|([^ \t\n\f\r>"'][^ \t\n\f\r>]*+))?+)?+"""
)
# The ways of hiding text that an element inside can undo.
_VEILS = frozenset(("size", "box"))
# Elements whose box may be closed or moved; elements with a font size or colours of their own (a table has one in
# «quirks mode», in which most mail is shown).
_BOXES = word_set(
    """
    address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header li main
    nav ol p pre section ul
    """
)
_CONTROLS = frozenset(("button", "select"))
_INKED = _CONTROLS.union(("a", "mark"))
_SIZING = _CONTROLS.union(("table",))
_STYLED = _INKED.union(_SIZING)
_SIZED = frozenset(("size",))


def attributes_of(text: str) -> dict[str, str]:
    """The attributes of a tag, with names in lower case and references in values decoded."""
    found: dict[str, str] = {}
    for name, quoted, single, bare in _ATTRIBUTE.findall(text):
        found.setdefault(css.lower(name), unescape(quoted or single or bare))
    return found


class Style(NamedTuple):
    """What an element's own attributes and the rules for it say; "" where they say nothing."""

    hides: bool = False
    quotes: bool = False
    color: str = ""
    background: str = ""
    veils: frozenset[str] = frozenset()
    unveils: frozenset[str] = frozenset()


# For an element about which nothing is said.
PLAIN = Style()


def styled(name: str, attributes: str, rules: Sheet) -> Style:
    """Whether an element is hidden or shown again, and its colours."""
    if not attributes.strip("/ \n\r\t") and not rules.names(name) and name not in _STYLED:
        return PLAIN
    said = attributes_of(attributes)
    marks = [f".{word}" for word in said.get("class", "").split()] + ([f"#{said['id']}"] if said.get("id") else [])
    found = rules.obeyed(name, marks, css.look(said["style"]) if "style" in said else {})
    hiding = {way for way, value in found.items() if value == css.HIDE}
    if name not in _BOXES:
        hiding.discard("box")
    background = found.get("ground") or _ground(name, said)
    shows = {way for way, value in found.items() if value == css.SHOW}
    return Style(
        "display" in hiding,
        said.get("type", "").lower().startswith("cite") or _QUOTE.search(" ".join(marks)) is not None,
        found.get("color") or _ink(name, said),
        background if background != "transparent" else "",
        _VEILS & hiding,
        _VEILS & shows | (_SIZED if name in _SIZING or (name == "font" and "size" in said) else frozenset()),
    )


def _ground(name: str, said: dict[str, str]) -> str:
    """The background of an element without any style."""
    if "background" in said or name in _CONTROLS or name == "mark":
        return css.UNKNOWN
    return css.attribute_color(said["bgcolor"]) if "bgcolor" in said else ""


def _ink(name: str, said: dict[str, str]) -> str:
    """The text colour of an element without any style."""
    if name == "font" and "color" in said:
        return css.attribute_color(said["color"])
    return css.UNKNOWN if name in _INKED or "text" in said else ""
