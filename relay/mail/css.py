"""Which style declarations take text out of a reader's sight.

Not a style engine: simple selectors and inline styles, read so that doubt
counts as shown. Whoever hides text behind more than that only gets it judged
as if it were seen. Rules inside `@media` and its like depend on the screen and
are passed over.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_HIDES = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font-size:(?:0*[01](?:\.\d*)?(?:px|pt)?|\.\d+(?:px|pt)?|0+(?:em|rem|%|vw))"
    r"(?=[;!}]|$)|font:(?:[a-z]+\s)*0(?:px)?[/\s]|(?:^|;)opacity:0*(?:\.0\d*)?(?=[;!]|$)"
    r"|(?:left|right|top|text-indent|margin-left):-\d{3,}|clip:rect\(0"
)
_HIDES_BY = ("font", "display:none", "visib", "opacity:", ":-", "clip:")  # one of these stands in whatever matches it
_NO_ROOM = re.compile(r"(?:^|;)(?:max-)?(?:height|width):[01](?:px)?(?=[;!]|$)")
_SHOWS = re.compile(r"display:(?!none)|visibility:visible")
_BLANK = re.compile(r"\s+|/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.DOTALL)
_COLOR = re.compile(r"(?:^|;)color:([^;!]+)")
_BACKGROUND = re.compile(r"(?:^|;)background(-color|-image)?:([^;!]+)")
_HEX = re.compile(r"#([0-9a-f]{3,8})")
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,([\d.]+))?\)")
_NAMED = {"white": "ffffff", "black": "000000", "snow": "fffafa", "ivory": "fffff0", "whitesmoke": "f5f5f5"}
_SIMPLE = re.compile(r"(?:\*|[a-z][a-z0-9-]*)?(?:[.#][A-Za-z0-9_-]+)?")
_MOST_SELECTORS = 500
_KELVIN = "\u212a"
UNKNOWN = "?"


class Look(NamedTuple):
    """What an element's own style says; "" where it says nothing."""

    hides: bool
    shows: bool
    color: str
    background: str


NO_LOOK = Look(False, False, "", "")


def look(style: str) -> Look:
    """Reads the declarations of a style attribute; a mail repeats a few of them over and over."""
    return _cached_look(style) if len(style) <= 300 else _look(style)


@lru_cache(maxsize=512)
def _cached_look(style: str) -> Look:
    return _look(style)


def _look(style: str) -> Look:
    squeezed = squeeze(style)
    # A look for the plain word spares most styles the pattern.
    found = _COLOR.search(squeezed) if "color:" in squeezed else None
    color = color_value(found[1]) if found else ""
    return Look(
        hides(squeezed) or color == "transparent",
        ("display:" in squeezed or "visib" in squeezed) and _SHOWS.search(squeezed) is not None,
        color,
        _background(squeezed) if "background" in squeezed else "",
    )


def hides(squeezed: str) -> bool:
    """Whether these declarations (squeezed) take text out of sight."""
    if any(sign in squeezed for sign in _HIDES_BY) and _HIDES.search(squeezed):
        return True
    return "overflow:hidden" in squeezed and _NO_ROOM.search(squeezed) is not None


def squeeze(style: str) -> str:
    """Declarations in lower case, with no white space or comments that matter."""
    text = unescape(lower(style.strip()))
    if "/*" in text and "*/" not in text:
        text = text[: text.index("/*")]
    text = _BLANK.sub(" ", text) if "\n" in text or "/*" in text or "  " in text else text
    return (
        text.replace(": ", ":")
        .replace("; ", ";")
        .replace(" :", ":")
        .replace(" ;", ";")
        .replace(", ", ",")
        .replace(" !", "!")
    )


def lower(text: str) -> str:
    """Lower case as browsers take it: the Kelvin sign, whose small letter is an ASCII one, names nothing they know."""
    return text.lower() if text.isascii() else text.replace(_KELVIN, "\ufffd").lower()


def unescape(text: str) -> str:
    """Style in lower case with its escapes resolved."""
    return lower(_ESCAPE.sub(_unescaped, text)) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    """CSS Syntax §4.3.7: a backslash and hexadecimal digits, or any other character, stand for a character."""
    if found[1] is None:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 else ""


def attribute_color(text: str) -> str:
    """The value of a colour attribute (`bgcolor`), where the number sign may be missing."""
    value = text.strip().lower()
    if len(value) in (3, 6) and not value.strip("0123456789abcdef"):
        value = f"#{value}"
    return color_value(value)


def color_value(text: str) -> str:
    """A colour as six hex digits, `transparent`, or `?` where it cannot be told."""
    name = text.strip()
    if name == "transparent":
        return name
    if name in _NAMED:
        return _NAMED[name]
    found = _HEX.fullmatch(name)
    if found is not None:
        digits = found[1]
        return "".join(digit * 2 for digit in digits[:3]) if len(digits) < 6 else digits[:6]
    rgb = _RGB.fullmatch(name)
    if rgb is None:
        return UNKNOWN
    if rgb[4] and not rgb[4].strip("0."):
        return "transparent"
    return "".join(f"{min(int(rgb[channel]), 255):02x}" for channel in (1, 2, 3))


@lru_cache(maxsize=512)
def is_alike(color: str, background: str, within: int = 8) -> bool:
    """Whether text of this colour cannot be told from its background."""
    if len(color) != 6 or len(background) != 6:
        return False
    pairs = zip(bytes.fromhex(color), bytes.fromhex(background), strict=True)
    return all(abs(one - other) <= within for one, other in pairs)


def hiding_selectors(sheet: str) -> frozenset[str]:
    """The simple selectors (`p`, `.x`, `p.x`, `#x`) a style sheet hides and does not show again."""
    hidden: dict[str, bool] = {}
    depth = 0
    for piece in unescape(sheet).split("}"):
        opened = piece.count("{")
        if depth == 0 and opened == 1:
            selectors, _, body = piece.partition("{")
            _note(hidden, selectors, squeeze(body))
        depth = max(0, depth + opened - 1)
        if len(hidden) > _MOST_SELECTORS:
            break
    return frozenset([name for name, hiding in hidden.items() if hiding])


def _note(hidden: dict[str, bool], selectors: str, body: str) -> None:
    hiding = hides(body)
    if not hiding and not _SHOWS.search(body):
        return
    for selector in selectors.split(","):
        name = selector.strip()
        if name and _SIMPLE.fullmatch(name):
            hidden[name] = hiding


def _background(squeezed: str) -> str:
    found = _BACKGROUND.search(squeezed)
    if found is None:
        return ""
    if found[1] == "-image" or "url(" in found[2] or "gradient" in found[2]:
        return UNKNOWN
    value = found[2].split(" ")[0] if found[1] is None and not found[2].startswith("rgb") else found[2]
    return color_value(value)
