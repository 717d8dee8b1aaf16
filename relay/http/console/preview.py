"""A message as its reader would see it, but harmless.

The preview is a document of its own with a policy of its own: no scripts, forms, frames or requests to
anybody, and nothing in it has our origin (`sandbox`, both on the frame and in the policy). srcdoc is not
used: it would inherit the page's policy, which forbids the inline styles that mail is written with. nh3 is
the second line of defence: it removes every element and attribute that is not known to be harmless. Remote
images are shown only on request, since fetching one tells its owner that the message was opened.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import nh3

from relay.http.console.words import size
from relay.mail import css, transfer
from relay.mail.charset import decode_header
from relay.mail.mime import Part, View
from relay.mail.tangle import is_tangled
from relay.mail.text import part_text

MOST_MARKUP = 1 << 20  # characters of HTML or text that are shown
MOST_ENTITIES = 50_000  # in a page that is cleaned; the cleaner takes four times as long for twice as many
MOST_IMAGE = 2 << 20  # octets of an image shown inline
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_IMAGE_URLS = tuple(f"data:{kind}" for kind in _IMAGES)
_TEXTS = ("text/html", "text/plain")
_TAGS = nh3.ALLOWED_TAGS | {"font", "center"}
_LOOKS = {
    "style",
    "align",
    "valign",
    "width",
    "height",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "dir",
}
_STYLES = frozenset(
    """
    background background-color border border-bottom border-collapse border-color border-left border-radius
    border-right border-spacing border-style border-top border-width color direction display float font
    font-family font-size font-style font-weight height letter-spacing line-height list-style
    list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width
    min-height min-width mso-line-height-rule opacity overflow padding padding-bottom padding-left
    padding-right padding-top table-layout text-align text-decoration text-indent text-transform
    vertical-align visibility white-space width word-break word-wrap
    """.split()  # noqa: SIM905 - fifty names read better as words
)
_PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light">'
    "<style>body{{margin:16px;background:#fff;color:#1d1d1f;font:14px/20px system-ui,sans-serif}}"
    "*{{overflow-wrap:anywhere}}img{{max-width:100%}}"
    "pre{{white-space:pre-wrap;unicode-bidi:plaintext;font:13px/20px ui-monospace,monospace;margin:0}}</style></head>"
    "<body>{}</body></html>"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not shown but can be downloaded; `number` is its position among all parts."""

    number: int
    name: str
    type: str
    size: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header field as a person reads it."""

    name: str
    value: str


def policy(*, images: bool) -> str:
    """The Content-Security-Policy of the preview's document: it may show itself, nothing else."""
    source = "data: https:" if images else "data:"
    return f"sandbox; default-src 'none'; img-src {source}; style-src 'unsafe-inline'; frame-ancestors 'self'"


def html_of(view: View) -> str | None:
    """The HTML a reader is shown; None if there is none."""
    return _written(view, _of(view, "text/html"))


def text_of(view: View) -> str | None:
    """The plain text; None if there is none."""
    return _written(view, _of(view, "text/plain"))


def _written(view: View, parts: list[Part]) -> str | None:
    return "\n".join([part_text(view.data, part, MOST_MARKUP // len(parts)) for part in parts]) if parts else None


def has_remote_images(html: str) -> bool:
    """Whether the HTML would fetch anything from elsewhere."""
    low = html.lower()
    return "src=" in low and ("http://" in low or "https://" in low) and "<img" in low


def document(view: View, *, images: bool) -> str:
    """The preview's document: every text a reader is shown, in order, with its HTML cleaned."""
    inline = _inline_images(view)
    shown = _read(view.root)
    texts = [(part.type, part_text(view.data, part, MOST_MARKUP // len(shown))) for part in shown]
    pieces = [
        # HTML that would take the cleaner too long is shown as source.
        _cleaned(text, inline, images=images)
        if kind == "text/html" and text.count("&") <= MOST_ENTITIES and not is_tangled(text)
        else f"<pre>{escape(text)}</pre>"
        for kind, text in texts
    ]
    return _PAGE.format("<hr>".join(pieces) or "<pre>(no text)</pre>")


def _read(part: Part) -> list[Part]:
    """The parts that a reader of HTML is shown: one of several alternatives, all of anything else."""
    if not part.is_container:
        return [part] if part.type in _TEXTS and not part.is_attachment and not part.in_message else []
    within = [found for child in part.children if (found := _read(child))]
    if part.type == "multipart/alternative":
        rich = [found for found in within if any(one.type == "text/html" for one in found)]
        return (rich or within or [[]])[-1]
    return [one for found in within for one in found]


def _cleaned(html: str, inline: Mapping[str, str], *, images: bool) -> str:
    def judge(tag: str, name: str, value: str) -> str | None:
        if name == "style" and ("url(" in value.lower() or "\\" in value or _hides(value)):
            return None
        if tag == "img" and name == "src":
            if value.lower().startswith("cid:"):
                return inline.get(value[4:])
            is_data = value.lower().startswith(_IMAGE_URLS)
            return value if is_data or (images and value.lower().startswith("https://")) else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes={name: set(allowed) | _LOOKS for name, allowed in _attributes().items()},
        attribute_filter=judge,
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer",
    )


def _hides(style: str) -> bool:
    """Whether a style hides text. It is dropped, since the message's style sheet, which is not shown here,
    might undo it.
    """
    return any(verdict.value == css.HIDE for verdict in css.look(style).values())


def _attributes() -> Mapping[str, set[str]]:
    every = {tag: set(nh3.ALLOWED_ATTRIBUTES.get(tag, ())) for tag in _TAGS}
    every["font"] |= {"face", "size"}
    every["a"].discard("rel")
    return every


def _inline_images(view: View) -> dict[str, str]:
    """The message's own images as data: URLs, by Content-ID."""
    found: dict[str, str] = {}
    for part in view.parts:
        name = part.header.get(b"content-id").strip().strip(b"<>").decode("latin-1")
        if name and part.type in _IMAGES and not part.in_message and part.end - part.body <= 2 * MOST_IMAGE:
            octets = transfer.decode(view.data[part.body : part.end], part.encoding, MOST_IMAGE)
            found[name] = f"data:{part.type};base64,{base64.b64encode(octets).decode()}"
    return found


def attachments(view: View) -> list[Attachment]:
    """The parts not shown as text or HTML, including attached messages."""
    shown = {id(part) for kind in _TEXTS for part in _of(view, kind)}
    return [
        Attachment(number, part.filename or "part", part.type, size(part.end - part.body))
        for number, part in enumerate(view.parts)
        if part.type[:10] != "multipart/" and id(part) not in shown and not part.in_message
    ]


def attached(view: View, number: int) -> tuple[str, bytes] | None:
    """The file name and the content of a part; None if there is no such part."""
    if not 0 <= number < len(view.parts):
        return None
    part = view.parts[number]
    return part.filename or f"part-{number}", transfer.decode(view.data[part.body : part.end], part.encoding)


def headers(view: View) -> list[Header]:
    """The message's own fields, decoded."""
    block = view.header
    return [Header(f.name.decode("latin-1"), decode_header(block.value(f)).strip()) for f in block.fields]


def _of(view: View, kind: str) -> list[Part]:
    return [part for part in view.parts if part.type == kind and not part.is_attachment and not part.in_message]
