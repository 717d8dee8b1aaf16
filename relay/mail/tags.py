"""Where the tags and comments of a page begin and end, and the elements whose content is not markup.

It follows the HTML standard's tokenizer, since what one reader takes for the inside of a tag another must not show.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# White space in HTML; vertical tab is not part of it.
SPACE = r" \t\n\f\r"
# A «=» with no name before it begins one (WHATWG HTML §13.2.5.32).
_NAME = rf"(?:[{SPACE}/]*+=)?+"
_ATTRIBUTES = rf"""{_NAME}[^>=]*+(?:=[{SPACE}]*+(?:"[^"]*+"|'[^']*+'|[^"'>{SPACE}][^>{SPACE}]*+)?+{_NAME}[^>=]*+)*+"""
# The last alternative takes a tag that never ends together with everything after it, as the standard does; otherwise
# the search would start again at every "<". That there are no attributes is tested first, since that is so for half
# of the tags.
TAG = re.compile(
    rf"<(?:(/?+)([a-zA-Z][^{SPACE}/>]*+)((?=>)|{_ATTRIBUTES})>|[!?/][^>]*+>|[a-zA-Z/!?].*+)",
    re.DOTALL | re.ASCII,
)
# HTML knows only ASCII letters and white space (WHATWG HTML §13.2.5): without that flag «ſ» would match «s». Only the
# names ignore case: a search that begins with a fixed "<" is many times faster. Two letters suffice to exclude nearly
# all other tags, above all `p`.
RAW = re.compile(
    r"<(?=[!sStTiInNxXpP][-cCtTiIeEfFoOmMlL])"
    rf"(!--|(?i:script|style|title|template|iframe|noembed|noframes|textarea|xmp|plaintext)(?=[{SPACE}/>]))",
    re.ASCII,
)
FOREIGN = re.compile(rf"<(?i:svg|math)(?=[{SPACE}/>])", re.ASCII)
_COMMENT_END = re.compile(r"--!?>")
# An end tag may have attributes, too, as a parser sees it.
_END = {
    name: re.compile(rf"</{name}(?=[{SPACE}/>]){_ATTRIBUTES}(?:>|\Z)", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "title", "iframe", "noembed", "noframes", "textarea", "xmp")
}
_IN_SCRIPT = re.compile(rf"<!(?=--)|-->|<(/?)script(?=[{SPACE}/>])", re.IGNORECASE | re.ASCII)


class Raw(NamedTuple):
    """A comment («!--»), or an element of raw text with its content."""

    name: str
    start: int
    end: int
    attributes: str = ""
    content: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether it is a script that simpler readers consider to end earlier."""
        return self.name == "script" and "</script" in self.content.lower()


def raws(html: str) -> Iterator[Raw]:
    """Each comment and raw text element of a page, in order; one whose tag never ends takes everything after it."""
    end = 0
    while (found := _next(html, end)) is not None:
        raw = _whole(html, found)
        end = raw.end
        yield raw


def closed(piece: str) -> str:
    """Markup after which something was removed: a «<» at its end is escaped, so that it makes no tag of
    what follows.
    """
    return f"{piece[:-1]}&lt;" if piece.endswith("<") else piece


def _next(html: str, start: int) -> re.Match[str] | None:
    """The next comment or raw text element that is not merely text in an attribute of another."""
    found = RAW.search(html, start)
    while found is not None and _may_be_in_a_tag(html, start, found.start()):
        tag = next(tag for tag in TAG.finditer(html, start) if tag.end() > found.start())
        if tag.start() == found.start():
            break
        start = tag.end()
        found = RAW.search(html, start)
    return found


def _may_be_in_a_tag(html: str, start: int, at: int) -> bool:
    """Whether a tag or attribute value may be open at `at`; at `start` none is."""
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
    """Where a comment ends. Outlook shows the content of conditional comments, so that counts as shown."""
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
    """Where a script ends: not at the end tag of a script inside a comment in it (WHATWG HTML §13.2.5.18 ff.)."""
    depth = 0  # 1 inside a comment, 2 in a script inside that
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
    """The content of a template, which is markup like any other, with templates and raw text of its own."""
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
