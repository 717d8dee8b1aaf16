"""What a reader would see of a message: the one value on which policy bases its judgement of text.

Every alternative is read. Where the plain text and the HTML differ, both are in the text, since each is shown by
some readers; what may be shown in place of the text (`otherwise`) is kept separate. Text of an unknown type is read
as plain text (RFC 2046 §4.1.4), and so is text with a file name that is not marked as an attachment.

Of the visible text, the beginning and the end are kept, `MAX_TEXT` characters in all, out of at most `MAX_MARKUP` for
a part; in a longer part, style sheets and empty lines do not count. That is enough for a judgement, and bounds the
work. Whatever leaves without being shown, including attached texts, is passed unchanged to the search for secrets, up
to `MAX_UNSEEN` octets of each part, since a large message must not cost several times its size. Attached text counts
as visible only if the message shows next to nothing else. Nothing here fails on a damaged message.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator

from msgspec import Struct, field

from policy.content import Content
from policy.tokens import TOKENISED
from relay.mail import charset, files, html
from relay.mail.appointment import described
from relay.mail.entities import unescape
from relay.mail.header import HeaderBlock
from relay.mail.links import text_links
from relay.mail.mime import Part, View
from relay.mail.quotation import is_attributed, split_quoted
from relay.mail.shortening import MAX_TEXT, Room, ends, without_blanks, without_unshown
from relay.mail.turned import is_page_turned, is_turned

MAX_UNSEEN = files.MAX_READ
_NEXT_TO_NOTHING = 200  # characters
_SAME = 0.8  # the share of one alternative's words that must be in the other
_MOST_NAMES = 100
_MOST_OTHERS = 20
_LONGEST_NAME = 4  # words; a longer display name is read as text, which readers see above everything else
_MOST_NAMED = 4_000  # octets of a field with names

_MARKUP = frozenset(
    ("text/html", "text/watch-html", "text/x-amp-html", "application/xhtml+xml", "text/enriched", "text/richtext")
)
_USUAL = _MARKUP | {"text/plain", "text/markdown"}

# Not shown by browsers. NUL is handled by the caller, and escapes switch charsets.
_CONTROLS = bytes({*range(1, 32), 127} - set(b"\t\n\v\f\r\x1b"))
_REPLY_SUBJECT = re.compile(
    r"\s*(?:re|aw|sv|antw|fwd?|wg|tr|rv|enc|i|doorst|vs|odp)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
_DISPLAY_NAME = re.compile(rb'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<')


class _Gathered(Struct):
    """What is collected from the parts."""

    room: Room = field(default_factory=Room)
    texts: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: dict[str, None] = field(default_factory=dict)
    alts: dict[str, None] = field(default_factory=dict)
    has_pictures: bool = False
    has_files: bool = False
    attachments: list[str] = field(default_factory=list)
    attached_texts: list[Part] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    is_turned: bool = False
    page: int = 0
    otherwise: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def add_aside(self, other: "_Gathered") -> None:
        """Take over what counts wherever in the message it stands; the caller places the texts."""
        self.hidden += other.hidden
        self.links.update(other.links)
        self.alts.update(other.alts)
        self.has_pictures |= other.has_pictures
        self.has_files |= other.has_files
        self.attachments += other.attachments
        self.is_turned |= other.is_turned
        self.otherwise += other.otherwise
        self.unseen += other.unseen


def content(view: View, own_names: Collection[str] = ()) -> Content:
    """Read what policy judges. `own_names` were given to the mailbox by a person and are not text of the message."""
    header = view.header
    subject = charset.decode_header(header.get(b"subject"))
    is_reply = header.first(b"in-reply-to") is not None or header.first(b"references") is not None
    found = _Gathered(unseen=_between_bodies(view))
    _gather(view.data, view.root, found)
    _read_attached(view.data, found)
    if not is_reply and not _REPLY_SUBJECT.match(subject):
        found.texts += found.quoted  # there is nothing to quote from, so it is this message's own text
        found.quoted = []
    own, quoted = "\n".join(found.texts), "\n".join(found.quoted)
    name = _settled(from_name(header.get(b"from")), found)
    named = [name, *(_settled(one, found) for one in _names(header))]
    if long := [one for one in named if len(one.split()) > _LONGEST_NAME and one not in own_names]:
        found.otherwise.insert(0, "\n".join(long))
    if found.has_files and not view.is_encrypted:
        found.has_pictures |= not "".join((own, quoted, *found.otherwise)).strip()
    return Content(
        subject=_settled(subject, found),
        text=_settled(own, found),
        quoted=_settled(quoted, found),
        is_attributed=is_attributed(own, quoted),
        otherwise=tuple(found.otherwise[:_MOST_OTHERS]),
        hidden=_settled("\n".join(found.hidden), found),
        links=tuple(found.links),
        image_alts=tuple(found.alts),
        has_pictures=found.has_pictures and len(own) < _NEXT_TO_NOTHING,
        attachments=tuple(found.attachments[:_MOST_NAMES]),
        language=_language(header, found),
        is_reply=is_reply,
        is_bulk=_is_bulk(header),
        is_turned=found.is_turned or any(map(is_turned, (subject, *found.attachments))),
        is_automatic=header.get(b"auto-submitted").strip().lower() not in (b"", b"no"),
        from_name=name,
        unseen=tuple(found.unseen),
        page=found.page,
        files=files.hash_of(view),
    )


def part_text(data: bytes, part: Part, limit: int) -> str:
    """A text part decoded: transfer encoding, charset and format=flowed line breaks (RFC 3676) undone, with LF line
    ends.
    """
    octets = files.octets_of(data, part, limit)
    if not part.charset or charset.is_ascii_superset(part.charset):
        octets = octets.translate(None, _CONTROLS)
    text = charset.decode(octets, part.charset).replace("\r\n", "\n")
    if part.type in files.RECORDS:
        return files.unfolded(text)
    return text.replace(" \n", "") if part.params.params.get("delsp", "").lower() == "yes" else text


def _names(header: HeaderBlock) -> Iterator[str]:
    """The display names of whom the message is to and who else has a part in it: readers show them, too."""
    for about in (b"sender", b"reply-to", b"to", b"cc"):
        for before in header.get(about)[:_MOST_NAMED].split(b"<")[:-1]:
            name = before.rpartition(b">")[2].replace(b"\\", b"")
            if name.count(b" ") >= _LONGEST_NAME or b"=?" in name or not name.isascii():
                yield charset.decode_header(name.strip(b' ",;'))


def from_name(value: bytes) -> str:
    """The display name in a From value; "" if there is none."""
    found = _DISPLAY_NAME.match(value[:2000])
    name = (found[1] or found[2] or b"") if found else b""
    return charset.decode_header(name.replace(b"\\", b"")).strip()


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
    elif kind[:5] == "text/" or kind[:10] == "multipart/" or kind in _MARKUP or kind in files.RECORDS:
        _text(data, part, found)
    else:
        _file(data, part, found)


def _text(data: bytes, part: Part, found: _Gathered) -> None:
    """Text is shown unless it is marked as an attachment, or is a record that readers display in its own way."""
    name = part.filename
    if name or part.is_attachment:
        found.attachments.append(name)
    if (
        part.type in files.RECORDS
        and part.delimiter >= 0
        and (text := _whole(data, part)).lstrip().startswith(files.BEGINNINGS)
    ):
        # Readers display an appointment as such even if it is attached.
        found.unseen.append(text)
        found.otherwise.append(described(text[: found.room.take(len(text))]))
    # RFC 2183 §2.8: an unknown disposition counts as an attachment.
    elif part.is_attachment or (name and part.disposition.value not in ("", "inline")):
        found.attached_texts.append(part)
    else:
        _read(data, part, found)


def _file(data: bytes, part: Part, found: _Gathered) -> None:
    """Any other part; its name does not tell whether it is text, since keys and settings may be called anything."""
    found.has_files = True
    if (name := part.filename) or part.is_attachment:
        found.attachments.append(name)
    elif part.type[:6] == "image/":
        found.has_pictures = True
    _hand_on(data, part, found)


def _hand_on(data: bytes, part: Part, found: _Gathered) -> None:
    if files.is_text(data, part):
        found.unseen.append(files.text_of(data, part))


def _alternative(data: bytes, part: Part, found: _Gathered) -> None:
    """The richest alternative first, as most readers show it; the others where they say something else."""
    known: set[str] = set()
    first = ""
    richest_first = part.children[::-1]
    for child in sorted(richest_first, key=_is_unusual):
        one = _Gathered(room=found.room)
        _gather(data, child, one)
        _keep_ends(one)
        text = " ".join(one.texts)
        words = set(text.split())
        if first and not _is_same(words, known, text) and _is_other(text[:TOKENISED], first[: len(text)]):
            found.otherwise.append(text)  # the first one says something else, even if it has many of these words
        first = first or text[:TOKENISED]
        if not words <= known:
            if len(words & known) < _SAME * len(words):
                found.texts += one.texts
                found.quoted += one.quoted
            else:
                found.unseen += one.texts + one.quoted
            known |= words
        found.add_aside(one)
        found.attached_texts += one.attached_texts
        found.languages += one.languages
        found.page = max(found.page, one.page)


def _is_same(words: set[str], known: set[str], text: str) -> bool:
    """Whether an alternative says the same as those before, judged by the sets of words that exist already."""
    return len(text) <= TOKENISED and len(words & known) >= _SAME * max(len(words), len(known))


def _is_other(text: str, first: str) -> bool:
    words, those = set(text.split()), set(first.split())
    return bool(those) and len(words & those) < _SAME * max(len(words), len(those))


def _is_unusual(part: Part) -> bool:
    return not part.is_container and part.type not in _USUAL


def _related(data: bytes, part: Part, found: _Gathered) -> None:
    for number, child in enumerate(part.children):
        if number == 0 or (child.is_container or child.type[:5] == "text/"):
            _gather(data, child, found)
        else:
            if child.is_attachment:
                found.attachments.append(child.filename)
            _hand_on(data, child, found)


def _attached_message(data: bytes, part: Part, found: _Gathered) -> None:
    inner = _Gathered(room=found.room)
    root = part.children[0]
    _gather(data, root, inner)
    _keep_ends(inner)
    texts = [charset.decode_header(root.header.get(b"subject")), *inner.texts, *inner.quoted]
    if "".join(found.texts).strip():
        found.quoted += texts
    else:
        found.texts += texts
    found.attachments.append(part.filename)
    found.add_aside(inner)
    found.unseen += [files.text_of(data, text) for text in inner.attached_texts]


def _whole(data: bytes, part: Part) -> str:
    return part_text(data, part, min(part.end - part.body, MAX_UNSEEN))


def _read(data: bytes, part: Part, found: _Gathered) -> None:
    text = _whole(data, part)
    if "\0" in text:
        found.unseen.append(files.text_of(data, part))
    if part.charset and not charset.is_ascii_superset(part.charset):
        look = data[part.body : min(part.end, part.body + MAX_UNSEEN)]
        found.unseen.append(look.decode("latin-1"))  # as seen by those who do not know the charset
    if part.type in _MARKUP:
        found.page = max(found.page, len(text))
        plain = unescape(text) if "&#" in text else text
        found.unseen.append(plain)
        found.is_turned |= is_page_turned(plain)
        for piece in found.room.ends_of(text, without_unshown):
            shown_page = _page(piece, part)
            _add(found, shown_page, is_page=True)
            # Checked only if it may matter, since the search covers all of the markup.
            found.has_pictures |= len(shown_page.text) < _NEXT_TO_NOTHING and html.has_pictures(piece)
        return
    found.is_turned |= is_turned(text)
    shown = "\n".join(found.room.ends_of(text, without_blanks))
    own, quoted = split_quoted(html.tidy(shown))
    links = text_links(own)
    if shown != text:
        found.unseen.append(text)
        own, quoted = ends(own), ends(quoted)  # the complete text has been passed on already
    _add(found, html.Shown(own, quoted, links=links), is_page=False)


def _page(markup: str, part: Part) -> html.Shown:
    shown = html.read(markup)
    if part.type == "text/x-amp-html" and shown.hidden:
        # The style sheet required by AMP hides the whole page until a reader that knows AMP shows it.
        return shown._replace(text=f"{shown.text}\n{shown.hidden}".strip(), hidden="")
    return shown


def _add(found: _Gathered, shown: html.Shown, *, is_page: bool) -> None:
    for pieces, piece in ((found.texts, shown.text), (found.quoted, shown.quoted), (found.hidden, shown.hidden)):
        if piece:
            pieces.append(piece)
    found.links.update(dict.fromkeys(shown.links))
    found.alts.update(dict.fromkeys(shown.image_alts))
    if shown.language and is_page:
        found.languages.append(shown.language)


def _read_attached(data: bytes, found: _Gathered) -> None:
    is_next_to_nothing = sum(map(len, found.texts)) < _NEXT_TO_NOTHING
    for part in found.attached_texts:
        if is_next_to_nothing:
            _read(data, part, found)
        else:
            found.unseen.append(files.text_of(data, part))


def _between_bodies(view: View) -> list[str]:
    """Everything that is no part's body: header fields, preambles, epilogues; raw, and with encoded words decoded."""
    pieces: list[bytes] = []
    position = 0
    for part in view.parts:
        if not part.is_container:
            pieces.append(view.data[position : min(part.body, position + MAX_UNSEEN)])
            position = part.end
    octets = b"".join([*pieces, view.data[position : position + MAX_UNSEEN]])
    text = charset.decode(octets, "")
    return [text, charset.decode_header(octets)] if "=?" in text else [text]


def _keep_ends(found: _Gathered) -> None:
    """Limit what was collected, so that text in nested parts is not processed again at each level."""
    for pieces in (found.texts, found.quoted):
        if sum(map(len, pieces)) > MAX_TEXT:
            text = "\n".join(pieces)
            found.unseen.append(text)
            pieces[:] = [ends(text)]


def _settled(text: str, found: _Gathered) -> str:
    if len(text) > MAX_TEXT:
        found.unseen.append(text)
        text = ends(text)
    if not text.isascii():
        text = ends(unicodedata.normalize("NFC", text))
    return text.strip()


def _language(header: HeaderBlock, found: _Gathered) -> str:
    named = header.get(b"content-language").decode("latin-1").split(",")[0].strip().lower()
    return named or next(filter(None, found.languages), "")


def _is_bulk(header: HeaderBlock) -> bool:
    if header.first(b"list-id") is not None or header.first(b"list-unsubscribe") is not None:
        return True
    return header.get(b"precedence").strip().lower() in (b"bulk", b"list")
