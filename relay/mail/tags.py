"""Where the tags of a page begin and end, its comments, and elements whose content is no markup.

As the HTML standard's tokenizer has it, for what one reader takes for the inside of a tag another must not show.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# White space of HTML: a vertical tab is none.
SPACE = r" \t\n\f\r"
# A «=» after no name begins one (WHATWG HTML §13.2.5.32).
_NAME = rf"(?:[{SPACE}/]*+=)?+"
_ATTRIBUTES = rf"""{_NAME}[^>=]*+(?:=[{SPACE}]*+(?:"[^"]*+"|'[^']*+'|[^"'>{SPACE}][^>{SPACE}]*+)?+{_NAME}[^>=]*+)*+"""
# The last alternative takes a tag that never ends together with all that follows, as the standard does: without it
# the search would begin again at every "<". That there are no attributes is asked first: of half the tags it is so.
TAG = re.compile(
    rf"<(?:(/?+)([a-zA-Z][^{SPACE}/>]*+)((?=>)|{_ATTRIBUTES})>|[!?/][^>]*+>|[a-zA-Z/!?].*+)",
    re.DOTALL | re.ASCII,
)
# HTML knows ASCII letters and white space alone (WHATWG HTML §13.2.5): without that flag «ſ» would pass for an «s».
# Only the names are matched without regard to case: a search that begins with a plain "<" is many times faster. Two
# letters tell at once that nearly all others, a `p` above all, are none of these.
RAW = re.compile(
    r"<(?=[!sStTiInNxXpP][-cCtTiIeEfFoOmMlL])"
    rf"(!--|(?i:script|style|title|template|iframe|noembed|noframes|textarea|xmp|plaintext)(?=[{SPACE}/>]))",
    re.ASCII,
)
FOREIGN = re.compile(rf"<(?i:svg|math)(?=[{SPACE}/>])", re.ASCII)
_COMMENT_END = re.compile(r"--!?>")
# An end tag has attributes too, as a parser sees it.
_END = {
    name: re.compile(rf"</{name}(?=[{SPACE}/>]){_ATTRIBUTES}(?:>|\Z)", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "title", "iframe", "noembed", "noframes", "textarea", "xmp")
}
_IN_SCRIPT = re.compile(rf"<!(?=--)|-->|<(/?)script(?=[{SPACE}/>])", re.IGNORECASE | re.ASCII)


class Raw(NamedTuple):
    """A comment («!--»), or an element of raw text with all its content."""

    name: str
    start: int
    end: int
    attributes: str = ""
    content: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether it is a script that simpler readers see the end of sooner."""
        return self.name == "script" and "</script" in self.content.lower()


def raws(html: str) -> Iterator[Raw]:
    """Each of a page, in order; one whose tag never ends takes all that follows."""
    end = 0
    while (found := _next(html, end)) is not None:
        raw = _whole(html, found)
        end = raw.end
        yield raw


def closed(piece: str) -> str:
    """Markup that something is taken out behind: a «<» at its end is text, and makes no tag of what follows."""
    return f"{piece[:-1]}&lt;" if piece.endswith("<") else piece


def _next(html: str, start: int) -> re.Match[str] | None:
    """The next comment or element of raw text, none that only stands in an attribute of another."""
    found = RAW.search(html, start)
    while found is not None and _may_be_in_a_tag(html, start, found.start()):
        tag = next(tag for tag in TAG.finditer(html, start) if tag.end() > found.start())
        if tag.start() == found.start():
            break
        start = tag.end()
        found = RAW.search(html, start)
    return found


def _may_be_in_a_tag(html: str, start: int, at: int) -> bool:
    """Whether from `start`, which is in none, to there a tag or the value of an attribute may be left open."""
    end, tag = html.rfind(">", start, at), html.rfind("<", start, at)
    double, single = html.rfind('"', start, at), html.rfind("'", start, at)
    return tag > end or double > end or single > end or _opens(html, start, double) or _opens(html, start, single)


def _opens(html: str, start: int, quote: int) -> bool:
    before = html[quote - 1 : quote] if quote > start else ""
    return before == "=" or (before.isspace() and html[start:quote].rstrip().endswith("="))


def _whole(html: str, found: re.Match[str]) -> Raw:
    name, start = found[1].lower(), found.start()
    if name == "!--":
        return Raw(name, start, _after_comment(html, start))
    opening = TAG.match(html, start)
    if opening is None or opening[2] is None:
        return Raw(name, start, len(html))
    content, end = _content(html, name, opening.end())
    return Raw(name, start, end, opening[3], content)


def _after_comment(html: str, start: int) -> int:
    """Where a comment ends. What Outlook's conditional comments hold is shown there, so it is read as shown."""
    if html[start + 4 : start + 7].lower() == "[if" and not html[start + 7 : start + 12].strip().startswith("!"):
        end = html.find("]>", start, start + 200)
        if end > 0:
            return end + 2
    if html.startswith((">", "->"), start + 4):
        return html.index(">", start) + 1
    found = _COMMENT_END.search(html, start + 4)
    return len(html) if found is None else found.end()


def _content(html: str, name: str, start: int) -> tuple[str, int]:
    if name == "template":
        return _in_template(html, start)
    at = len(html) if name == "plaintext" else _end_of_script(html, start) if name == "script" else start
    found = _END[name].search(html, at) if at < len(html) else None
    return (html[start:], len(html)) if found is None else (html[start : found.start()], found.end())


def _end_of_script(html: str, start: int) -> int:
    """Where it ends: not at the end of one that stands in a comment in it (WHATWG HTML §13.2.5.18 on)."""
    depth = 0  # 1 in a comment, 2 in a script in that
    for found in _IN_SCRIPT.finditer(html, start):
        if found[1] is None:
            depth = 0 if found[0] == "-->" else depth or 1
        elif not found[1]:
            depth = depth and 2
        elif depth < 2:
            return found.start()
        else:
            depth = 1
    return len(html)


def _in_template(html: str, start: int) -> tuple[str, int]:
    """Its content is markup like any, with templates and raw text of its own."""
    depth, at = 1, start
    while (tag := TAG.search(html, at)) is not None:
        at = tag.end()
        if tag[2] is not None and tag[2].lower() == "template":
            depth += -1 if tag[1] else 1
            if not depth:
                return html[start : tag.start()], at
        elif (raw := RAW.match(html, tag.start())) is not None:
            at = _whole(html, raw).end
    return html[start:], len(html)
