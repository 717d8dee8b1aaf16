"""What a reader would see of a message, as the one value policy judges text by.

Every alternative is read: where the plain text says other things than the
HTML, both are in the text, since some reader shows either. Only the first
`MAX_TEXT` characters of what is shown are kept, out of at most `MAX_MARKUP`
octets a part: enough to judge by, and a bound on the work. Text sent as an
attachment counts only where the message shows next to nothing else. Nothing
here fails on a damaged message.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from policy.content import Content
from relay.mail import charset, html, transfer
from relay.mail.header import HeaderBlock
from relay.mail.links import text_links
from relay.mail.mime import Part, View

MAX_TEXT = 64 * 1024
MAX_MARKUP = 256 * 1024
_NEXT_TO_NOTHING = 200  # characters
_SAME = 0.8  # of the words of one alternative that must stand in the other
_MOST_NAMES = 100

_ATTRIBUTION = re.compile(
    r"^(?:On .{5,200} wrote:|Am .{5,200} schrieb .{1,100}:|Le .{5,200} a écrit ?:|El .{5,200} escribió:"
    r"|Em .{5,200} escreveu:|Il .{5,200} ha scritto:|Op .{5,200} schreef .{1,100}:"
    r"|-{3,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine|Mensaje original"
    r"|Mensagem original|Messaggio originale|Oorspronkelijk bericht|元のメッセージ) ?-{3,}.*)$",
    re.MULTILINE,
)
_QUOTE_SIGNS = ("\n>", "wrote:", "---", "schrieb", "crit", "escri", "escre", "scritto", "schreef")
_REPLY_SUBJECT = re.compile(
    r"\s*(?:re|aw|sv|antw|fwd?|wg|tr|rv|enc|i|doorst|vs|odp)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
_DISPLAY_NAME = re.compile(rb'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<')


@dataclass(slots=True)
class _Gathered:
    """What is collected on the way through the parts."""

    texts: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: dict[str, None] = field(default_factory=dict)
    alts: dict[str, None] = field(default_factory=dict)
    attachments: list[str] = field(default_factory=list)
    attached_texts: list[Part] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    room: int = MAX_TEXT


def content(view: View) -> Content:
    """Reads what policy judges."""
    header = view.header
    subject = charset.decode_header(header.get(b"subject"))
    is_reply = header.first(b"in-reply-to") is not None or header.first(b"references") is not None
    found = _Gathered()
    _gather(view.data, view.root, found)
    _read_attached(view.data, found)
    if not is_reply and not _REPLY_SUBJECT.match(subject):
        found.texts += found.quoted  # nothing there to be quoted from: it is this message's own text
        found.quoted = []
    return Content(
        subject=_settled(subject),
        text=_settled("\n".join(found.texts)),
        quoted=_settled("\n".join(found.quoted)),
        hidden=_settled("\n".join(found.hidden)),
        links=tuple(found.links),
        image_alts=tuple(found.alts),
        attachments=tuple(found.attachments[:_MOST_NAMES]),
        language=_language(header, found),
        is_reply=is_reply,
        is_bulk=_is_bulk(header),
        is_automatic=header.get(b"auto-submitted").strip().lower() not in (b"", b"no"),
        from_name=_settled(from_name(header.get(b"from"))),
    )


def part_text(data: bytes, part: Part, limit: int = MAX_MARKUP) -> str:
    """A text part decoded: transfer encoding and charset undone, line ends LF."""
    # More than three characters an octet no encoding takes: what is beyond need not be copied to be left out.
    raw = data[part.body : min(part.end, part.body + 3 * limit + 1)]
    octets = transfer.decode(raw, part.encoding, limit)
    return charset.decode(octets[:limit], part.charset).replace("\r\n", "\n")


def from_name(value: bytes) -> str:
    """The display name in a From value; "" when it has none."""
    found = _DISPLAY_NAME.match(value[:2000])
    name = (found[1] or found[2] or b"") if found else b""
    return charset.decode_header(name.replace(b"\\", b"")).strip()


def split_quoted(text: str) -> tuple[str, str]:
    """Plain text without and with only what it quotes of earlier messages."""
    if not text.startswith(">") and not any(sign in text for sign in _QUOTE_SIGNS):
        return text, ""
    own: list[str] = []
    quoted: list[str] = []
    found = _ATTRIBUTION.search(text)
    head = text if found is None else text[: found.start()]
    for line in head.split("\n"):
        (quoted if line.startswith(">") else own).append(line)
    if found is not None:
        # What stands unquoted below an attribution line may be the answer, written below; a forward quotes to the end.
        whole = text[found.start()] == "-"
        for line in text[found.start() :].split("\n"):
            (quoted if whole or line.startswith(">") or line == found[0] else own).append(line)
    return "\n".join(own).strip(), "\n".join(quoted).strip()


def _gather(data: bytes, part: Part, found: _Gathered) -> None:
    kind = part.type
    if part.is_container:
        if kind == "multipart/alternative":
            _alternative(data, part, found)
        elif kind == "multipart/related":
            _related(data, part, found)
        elif kind[:8] == "message/":
            _attached_message(data, part, found)
        else:
            for child in part.children:
                _gather(data, child, found)
    elif kind in ("text/plain", "text/html", "text/enriched", "text/markdown") or kind[:10] == "multipart/":
        if part.is_attachment or part.filename:
            found.attachments.append(part.filename)
            found.attached_texts.append(part)
        else:
            _add(found, *_read(data, part))
    elif part.delimiter >= 0 or kind[:5] != "text/":
        name = part.filename
        if name or part.is_attachment:
            found.attachments.append(name)
    else:
        _add(found, *_read(data, part))


def _alternative(data: bytes, part: Part, found: _Gathered) -> None:
    """The richest alternative first, as most readers show it; the others where they say something else."""
    known: set[str] = set()
    for child in reversed(part.children):
        one = _Gathered(room=found.room)
        _gather(data, child, one)
        words = set(" ".join(one.texts).split())
        if not words <= known:
            if len(words & known) < _SAME * len(words):
                found.texts += one.texts
                found.quoted += one.quoted
                found.room = max(0, found.room - sum(map(len, one.texts)))
            known |= words
        found.hidden += one.hidden
        found.links.update(one.links)
        found.alts.update(one.alts)
        found.attachments += one.attachments
        found.attached_texts += one.attached_texts
        found.languages += one.languages


def _related(data: bytes, part: Part, found: _Gathered) -> None:
    for number, child in enumerate(part.children):
        if number == 0 or (child.is_container or child.type[:5] == "text/"):
            _gather(data, child, found)
        elif child.is_attachment:
            found.attachments.append(child.filename)


def _attached_message(data: bytes, part: Part, found: _Gathered) -> None:
    inner = _Gathered(room=found.room)
    root = part.children[0]
    _gather(data, root, inner)
    texts = [charset.decode_header(root.header.get(b"subject")), *inner.texts, *inner.quoted]
    if "".join(found.texts).strip():
        found.quoted += texts
    else:
        found.texts += texts
    found.hidden += inner.hidden
    found.links.update(inner.links)
    found.attachments += [part.filename, *inner.attachments]


def _read(data: bytes, part: Part) -> tuple[html.Shown, str]:
    text = part_text(data, part)
    if part.type == "text/html":
        return html.read(text), part.type
    text = html.tidy(text[: MAX_TEXT * 2])
    own, quoted = split_quoted(text)
    return html.Shown(own, quoted, links=text_links(own)), part.type


def _add(found: _Gathered, shown: html.Shown, kind: str) -> None:
    text = shown.text[: found.room]
    found.room -= len(text)
    if text:
        found.texts.append(text)
    if shown.quoted:
        found.quoted.append(shown.quoted[:MAX_TEXT])
    if shown.hidden:
        found.hidden.append(shown.hidden[:MAX_TEXT])
    found.links.update(dict.fromkeys(shown.links))
    found.alts.update(dict.fromkeys(shown.image_alts))
    if shown.language and kind == "text/html":
        found.languages.append(shown.language)


def _read_attached(data: bytes, found: _Gathered) -> None:
    if found.attached_texts and sum(map(len, found.texts)) < _NEXT_TO_NOTHING:
        for part in found.attached_texts:
            _add(found, *_read(data, part))


def _settled(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text[:MAX_TEXT].strip()


def _language(header: HeaderBlock, found: _Gathered) -> str:
    named = header.get(b"content-language").decode("latin-1").split(",")[0].strip().lower()
    return named or next(_named(found.languages), "")


def _named(languages: list[str]) -> Iterator[str]:
    return (language for language in languages if language)


def _is_bulk(header: HeaderBlock) -> bool:
    if header.first(b"list-id") is not None or header.first(b"list-unsubscribe") is not None:
        return True
    return header.get(b"precedence").strip().lower() in (b"bulk", b"list")
