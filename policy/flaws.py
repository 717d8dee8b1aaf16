"""Flaws of a message: what readers and spam filters hold against it, as agents in particular produce it.

Each is certain enough to be named with the words that show it: something left to fill in, the
model's own voice, a subject that pretends or shouts, a link that hides where it leads, a file or
a page that mailbox providers do not take whole. There is no list of suspicious words, since
filters judge those by who sends them.

Pure and deterministic; of a long text the beginning is read.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from msgspec import Struct

from policy.content import Content

READ = 20_000  # characters
CLIPPED = 102 * 1024  # octets of a page, after which Gmail shows «[Message clipped]» instead of the rest
_LONGEST = 60
_MOST = 500  # links
_SHOUTED = 12  # capitals; fewer may be a name or a number
_HIDDEN = 1_000

# Merge fields of template languages, and what language models leave for a person to fill in.
_WHO = r"(?:your|my|(?:recipient|customer|client|contact|prospect|sender)(?:['’]s)?)"
_WHAT = (
    r"(?:(?:full|first|last|company|business|job) )?"
    r"(?:name|company|title|position|role|department|phone(?: number)?|e-?mail(?: address)?|website"
    r"|contact info(?:rmation)?|signature|organi[sz]ation)"
)
_PLACEHOLDER = re.compile(
    r"\{\{[^{}\n]{1,60}\}\}|\{%[^{}\n]{1,60}%\}|\*\|[A-Z0-9_:]{2,40}\|\*"
    r"|%(?:first|last|full|customer|user|company|[fl])_?name%"
    r"|\{(?:first|last|full|your|customer|client|user|company|recipient|contact|lead|prospect|sender)?[ _]?name\}"
    rf"|\[(?:(?:insert|enter) [^\]\n]{{1,60}}|{_WHO} {_WHAT}|(?:full |first |last |company )?name"
    r"|ihr(?:e|en)? name|vorname|nachname|votre nom|prénom|(?:tu|su) nombre|il tuo nome|seu nome|uw naam)\]"
    rf"|<(?:insert [^>\n]{{1,60}}|{_WHO} {_WHAT}|(?:first|last) name)>",
    re.IGNORECASE,
)
_OPENS = "{[%<|"
_NOBODY = re.compile(
    r"^[ \t]*(?:dear|hi|hello|hey|hallo|liebe[r]?|bonjour|hola|ciao) (?:undefined|null|nan|\[object object\])(?!\w)",
    re.IGNORECASE | re.MULTILINE,
)
_MODEL = re.compile(
    r"as an? (?:ai|large) language model|my knowledge cutoff"
    r"|i (?:cannot|can['’]t|can not) (?:fulfill|assist with) (?:this|that|your) request",
    re.IGNORECASE,
)
_OF_MODELS = ("language model", "knowledge cutoff", " request")  # one of these is in whatever _MODEL finds
# At the beginning: the model hands over its work, or writes the subject into the text.
_HANDED = re.compile(
    r"\s*(?:(?:sure|certainly|of course|absolutely)[!,.] )?here(?:['’]s| is) (?:an?|the|your) (?:[\w-]+ ){0,3}"
    r"(?:e-?mail|message|reply|response)\b[^\n]{0,60}:|\s*(?:\*\*)?subject(?: line)?:(?:\*\*)? ?[^\n]+\n",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|odp|rif|回复|答复|返信)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
_MARKS = re.compile(r"[!?！？]{3,}|[$€£]{2,}")

_HOST = re.compile(r"https?://(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[^/?#:]+)", re.IGNORECASE)
_SHORTENERS = frozenset(
    """
    bit.ly tinyurl.com goo.gl is.gd v.gd ow.ly buff.ly cutt.ly rb.gy t.ly tiny.cc shorturl.at rebrand.ly s.id bl.ink
    soo.gd clck.ru adf.ly shorte.st bc.vc tny.im
    """.split()  # noqa: SIM905 - names read better as words
)
# What Gmail refuses (support.google.com/mail/answer/6590).
_REFUSED_FILES = frozenset(
    """
    ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe hta img ins iso isp
    jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd vxd wsc
    wsf wsh xll
    """.split()  # noqa: SIM905
)


class Flaw(Struct, frozen=True):
    """One flaw: its kind, and the words or the number that show it; "" where the kind says all."""

    kind: str
    shown: str = ""


def flaws(content: Content) -> tuple[Flaw, ...]:
    """The flaws of a message, each kind once."""
    found = [(kind, find(content)) for kind, (find, _) in _KINDS.items()]
    return tuple([Flaw(kind, shown[:_LONGEST]) for kind, shown in found if shown is not None])


def told(kind: str, shown: str) -> str:
    """A flaw in words."""
    return _KINDS[kind][1].format(shown)


# -- details ------------------------------------------------------------------------------


def _placeholder(content: Content) -> str | None:
    for text in (content.subject, content.text[:READ]):
        if any(map(text.__contains__, _OPENS)) and (found := _PLACEHOLDER.search(text)):
            return found[0]
    found = _NOBODY.search(content.text[:READ])
    return found[0].strip() if found else None


def _model(content: Content) -> str | None:
    found = _HANDED.match(content.text[:200])
    if found is None and any(map(content.text[:READ].lower().__contains__, _OF_MODELS)):
        found = _MODEL.search(content.text[:READ])
    return " ".join(found[0].split()) if found else None


def _empty(content: Content) -> str | None:
    return None if content.subject.strip() else ""


def _answer(content: Content) -> str | None:
    found = None if content.is_reply else _ANSWER.match(content.subject)
    return found[0].strip() if found else None


def _shouting(content: Content) -> str | None:
    subject = content.subject
    letters = sum(map(str.isupper, subject)) if subject == subject.upper() else 0
    return "" if letters >= _SHOUTED and " " in subject.strip() else None


def _marks(content: Content) -> str | None:
    found = _MARKS.search(content.subject)
    return found[0] if found else None


def _shortened(content: Content) -> str | None:
    return next((host for host in _hosts(content) if host in _SHORTENERS), None)


def _numeric(content: Content) -> str | None:
    return next((host for host in _hosts(content) if _is_public_address(host)), None)


def _file(content: Content) -> str | None:
    return next((name for name in content.attachments if name.rpartition(".")[2].lower() in _REFUSED_FILES), None)


def _clipped(content: Content) -> str | None:
    return f"{content.page // 1024:,}" if content.page > CLIPPED else None


def _hidden(content: Content) -> str | None:
    return "" if len(content.hidden) > max(_HIDDEN, len(content.text)) else None


def _hosts(content: Content) -> Iterator[str]:
    for link in content.links[:_MOST]:
        if found := _HOST.match(link):
            yield found[1].lower().removeprefix("www.")


def _is_public_address(host: str) -> bool:
    if not host[:1].isdigit() and host[:1] != "[":
        return False
    try:
        return ip_address(host.strip("[]").partition("]")[0]).is_global
    except ValueError:
        return False


# What finds a flaw, and how it is told.
_KINDS: dict[str, tuple[Callable[[Content], str | None], str]] = {
    "placeholder_left": (_placeholder, "{} is left in the text"),
    "model_speaks": (_model, "the text has the model's own words: {}"),
    "subject_empty": (_empty, "the subject is empty"),
    "false_answer": (_answer, "the subject says {} but the message answers none"),
    "subject_shouts": (_shouting, "the subject is in capitals"),
    "subject_marks": (_marks, "the subject has {}"),
    "shortened_link": (_shortened, "a link leads through {}"),
    "link_to_address": (_numeric, "a link leads to the address {}"),
    "file_refused": (_file, "mailbox providers refuse files like {}"),
    "page_clipped": (_clipped, "the page has {} KB, and Gmail shows 102"),
    "text_hidden": (_hidden, "more text is hidden than shown"),
}
KINDS = tuple(_KINDS)
