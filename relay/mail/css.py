"""Determines which style declarations hide text from every reader.

Only what Gmail, Yahoo and the browsers all support counts: Gmail ignores `visibility`, `position` and negative
lengths, Yahoo `opacity` (caniemail.com), so their readers see what these would hide. In doubt text counts as shown:
of two declarations of one property, the one a browser would apply decides, and a list that cannot be parsed hides
nothing.
"""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

HIDE, SHOW, SAME = "hide", "show", "same"  # SAME: as in the parent element

# Comments, strings and URLs as CSS Syntax §4.3 delimits them: nothing in them is a declaration.
_APART = re.compile(
    r"""(?P<comment>/\*(?:[^*]|\*(?!/))*+(?:\*/)?)"""
    r"""|url\(\s*+(?!["'])(?:[^)\\]|\\.)*+\)?"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)"""
    r"""|(?P<escape>\\(?:[0-9a-fA-F]{1,6}\s?|.))""",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
_MAY_STAND_APART = re.compile(r"""["'(/\\]""")
_NAMING = re.compile(r"[\w-]")
_SIGNS = (":", ";", ",", "!")
# CSS Syntax §4.3.7: a backslash followed by hexadecimal digits, or by any other character.
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_STRUCTURE = re.compile(r"[{};,\\]")
_READABLE = re.compile(r"""(?:[^()\[\]{}"'\\]|"[^"]*+"|'[^']*+'|\((?:[^()\[\]{}"'\\;]|\([^()\[\]{}"'\\;]*+\))*+\))*+""")
# The property that hides in each way, and the values with which it does.
_WAYS = {
    "display": ("display", re.compile(r"none")),
    "size": ("font-size", re.compile(r"0*[01](?:\.\d*)?(?:px|pt)|\.\d+(?:px|pt)|0+(?:\.0*)?(?:em|rem|%|vw|vh)?")),
}
_FONT_SIZE = re.compile(r"(?:^| )((?:\d*\.)?\d+[a-z%]*)(?=[/ ])")
_RELATIVE = re.compile(r"[\d.]+(?:em|ex|ch|%)|inherit|unset|smaller|larger")
_NO_ROOM = re.compile(r"[01](?:px)?")
_NO_PADDING = re.compile(r"0(?:px)?(?: 0(?:px)?)*")
_CLOSED = re.compile(r"hidden|clip")
_END = re.compile(r"right|end|-webkit-right")
_WIDE = re.compile(r"\d{3}")
_MOVES = frozenset(("position", "transform", "translate", "inset"))
# With these, text may be visible whatever its colour, or have a different background.
_PAINTS = frozenset(
    (
        *("text-shadow", "filter", "mix-blend-mode", "background-clip", "-webkit-background-clip"),
        *("-webkit-text-fill-color", "-webkit-text-stroke", "-webkit-text-stroke-width"),
    )
)
_PICTURES = frozenset(("background-image", "box-shadow", "border-image", "backdrop-filter"))
_RESET = ("display", "font-size", "overflow", "position", "color")
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})")
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,([\d.]+))?\)")
_NAMED = {
    "white": "ffffff",
    "black": "000000",
    "snow": "fffafa",
    "ivory": "fffff0",
    "whitesmoke": "f5f5f5",
    **dict.fromkeys(("gray", "grey"), "808080"),
    **dict.fromkeys(("dimgray", "dimgrey"), "696969"),
    **dict.fromkeys(("slategray", "slategrey"), "708090"),
    **dict.fromkeys(("lightslategray", "lightslategrey"), "778899"),
    "cadetblue": "5f9ea0",
}
_KELVIN = "\u212a"
UNKNOWN = "?"


class Verdict(NamedTuple):
    """The effect of a list of declarations on one way of hiding: HIDE, SHOW or SAME, or a colour."""

    value: str
    important: bool


Look = dict[str, Verdict]
Read = TypeVar("Read")


def remembered(most: int, longest: int) -> Callable[[Callable[[str], Read]], Callable[[str], Read]]:
    """Cache the result for styles of up to `longest` characters: mails, and mailings, repeat their styles."""

    def keep(read: Callable[[str], Read]) -> Callable[[str], Read]:
        cached = lru_cache(maxsize=most)(read)
        return wraps(read)(lambda style: cached(style) if len(style) <= longest else read(style))

    return keep


_of_an_element = remembered(most=512, longest=300)


@_of_an_element
def look(style: str) -> Look:
    """Parse the declarations of a style attribute."""
    text = plain(style)
    said = _obeyed(text)
    found: Look = {}
    for way, (name, pattern) in _WAYS.items():
        if name in said:
            found[way] = _verdict(said[name], pattern)
    found |= _box(said) | _colors(said)
    if any("animation" in name for name in said):  # what is animated may come into sight
        found |= dict.fromkeys(("size", "box"), Verdict(SHOW, True))
    if _READABLE.fullmatch(text) is None:
        found = {way: verdict for way, verdict in found.items() if verdict.value != HIDE}
        found |= {way: Verdict(UNKNOWN, found[way].important) for way in ("color", "ground") if way in found}
    return found


@_of_an_element
def declarations(style: str) -> list[tuple[str, Verdict]]:
    """Every property that is declared, with its value."""
    return _declarations(plain(style))


def _declarations(text: str) -> list[tuple[str, Verdict]]:
    found: list[tuple[str, Verdict]] = []
    for declaration in text.split(";"):
        name, _, value = declaration.partition(":")
        worth = value.removesuffix("!important")
        if worth:
            found.append((name, Verdict(worth, worth != value)))
    return found


def _obeyed(text: str) -> Look:
    """The value of each property that a browser would apply: the last one, of the important ones if there are any."""
    said: Look = {}
    for name, verdict in _declarations(text):
        if name in said and said[name].important > verdict.important:
            continue
        said[name] = verdict
        if name == "font":
            said["font-size"] = verdict._replace(value=_size(verdict.value))
        elif name == "all":
            kept = {reset: said[reset] for reset in _RESET if reset in said and said[reset].important > verdict[1]}
            said |= dict.fromkeys(_RESET, verdict) | kept
    return said


def _size(font: str) -> str:
    """The size in a `font` value."""
    sizes = _FONT_SIZE.findall(font)
    return sizes[-1] if sizes else font if font in ("inherit", "unset") else UNKNOWN


def _verdict(said: Verdict, hiding: re.Pattern[str]) -> Verdict:
    if hiding.fullmatch(said.value):
        return said._replace(value=HIDE)
    return said._replace(value=SAME if _RELATIVE.fullmatch(said.value) else SHOW)


def _box(said: Look) -> Look:
    """Whether the element's box has no room, or whether the element might leave a box without room."""
    if _is_shut(said):
        return {"box": Verdict(HIDE, False)}
    moves = not _MOVES.isdisjoint(said) or _says(said, "text-align", _END)
    moves = moves or any(name.startswith("margin") and _WIDE.search(said[name].value) for name in said)
    return {"box": Verdict(SHOW, True)} if moves else {}


def _is_shut(said: Look) -> bool:
    if not _says(said, "overflow", _CLOSED):
        return False
    if any(name.startswith(("min-", "overflow-")) for name in said):
        return False
    if any(name.startswith("padding") and not _NO_PADDING.fullmatch(said[name].value) for name in said):
        return False
    return any(_says(said, name, _NO_ROOM) for name in ("max-height", "height", "max-width", "width"))


def _says(said: Look, name: str, pattern: re.Pattern[str]) -> bool:
    return name in said and pattern.fullmatch(said[name].value) is not None


def _colors(said: Look) -> Look:
    found: Look = {}
    if not _PAINTS.isdisjoint(said):
        found["color"] = Verdict(UNKNOWN, True)
    elif "color" in said:
        found["color"] = said["color"]._replace(value=color_value(said["color"].value))
    if not _PICTURES.isdisjoint(said):
        found["ground"] = Verdict(UNKNOWN, True)
    else:
        for name in ("background", "background-color"):
            # If both are declared, the second may be invalid and so without effect: the background is unknown.
            if name in said:
                value = UNKNOWN if "ground" in found else _ground(said[name].value)
                found["ground"] = Verdict(value, said[name].important)
    return found


def _ground(value: str) -> str:
    return "transparent" if value in ("none", "initial") else color_value(value)


@_of_an_element
def plain(style: str) -> str:
    """Declarations in lower case, without comments, escapes and white space, as far as that does not change them."""
    text = " ".join(lower(without_comments(style)).split())
    for sign in _SIGNS:
        text = text.replace(f" {sign}", sign).replace(f"{sign} ", sign)
    return text


def unescaped(text: str) -> str:
    """Text of a style sheet with its escapes decoded."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    if not found[1]:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"


def without_comments(style: str) -> str:
    """Style in which every brace, comma and semicolon is a separator: strings that contain one are emptied."""
    return _APART.sub(_apart, style) if _MAY_STAND_APART.search(style) else style


def _apart(found: re.Match[str]) -> str:
    if found["comment"]:
        return " "
    if found["escape"]:
        letter = unescaped(found["escape"])
        return letter if _NAMING.fullmatch(letter) else "\ufffd"  # an escaped brace is not a brace
    if found["string"]:
        return '""' if _STRUCTURE.search(found["string"]) else found["string"]
    return "url()"


def lower(text: str) -> str:
    """Lower case as in browsers: the Kelvin sign, whose lower case is an ASCII letter, is not folded."""
    return text.lower() if text.isascii() else text.replace(_KELVIN, "\ufffd").lower()


def attribute_color(text: str) -> str:
    """The value of a colour attribute (`bgcolor`), where the number sign may be missing."""
    value = text.strip().lower()
    if len(value) in (3, 6) and not value.strip("0123456789abcdef"):
        value = f"#{value}"
    return color_value(value)


def color_value(text: str) -> str:
    """A colour as six hex digits, `transparent`, or `?` if it cannot be determined."""
    name = text.strip()
    if name == "transparent":
        return name
    if name in _NAMED:
        return _NAMED[name]
    if (found := _HEX.fullmatch(name)) is not None:
        digits = found[1] if len(found[1]) > 4 else "".join([digit * 2 for digit in found[1]])
        return _seen_through(digits[:6], int(digits[6:] or "ff", 16) / 255)
    if (rgb := _RGB.fullmatch(name)) is not None:
        digits = "".join([f"{min(int(rgb[channel]), 255):02x}" for channel in (1, 2, 3)])
        return _seen_through(digits, _number(rgb[4] or "1"))
    return UNKNOWN


def _seen_through(digits: str, opacity: float) -> str:
    """The colour of something translucent depends on what is behind it, so it is unknown."""
    return digits if opacity >= 1 else UNKNOWN if opacity else "transparent"


def _number(text: str) -> float:
    return float(text) if text.count(".") <= 1 and text.strip(".") else 0.5


@lru_cache(maxsize=512)
def is_alike(color: str, background: str, within: int = 8) -> bool:
    """Whether text of this colour cannot be distinguished from its background."""
    if len(color) != 6 or len(background) != 6:
        return False
    pairs = zip(bytes.fromhex(color), bytes.fromhex(background), strict=True)
    return all(abs(one - other) <= within for one, other in pairs)
