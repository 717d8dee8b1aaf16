"""The MIME structure of a message as byte ranges in the message itself.

Nothing is copied, and nothing is ever serialised from here: edits refer to these offsets. Reading is as tolerant as
in mail readers and never fails. Damage is recorded as defects. Where readers would disagree about what is shown
(`AMBIGUOUS`), policy holds the message; beyond the limits (`BEYOND_LIMITS`) it refuses it, and the structure is
read no further. Depth times size bounds the work, and the search for delimiters runs in C.
"""

from collections.abc import Iterator

from msgspec import Struct

from relay.mail import charset, transfer
from relay.mail.header import Fault, Field, HeaderBlock
from relay.mail.parameters import Structured, parse

MAX_DEPTH = 100
MAX_PARTS = 1000
MAX_LOOK_ALIKES = 1000
_MOST_READ = 1 << 20  # octets of a page

BEYOND_LIMITS = frozenset(
    (
        "header_block_too_long",
        "header_field_too_long",
        "too_many_header_lines",
        "mime_too_deep",
        "too_many_parts",
    )
)
AMBIGUOUS = frozenset(
    (
        "base64_after_padding",
        "blank_continuation_line",
        "boundary_look_alike",
        "boundary_missing",
        "boundary_not_ascii",
        "boundary_reused",
        "boundary_trailing_space",
        "boundary_unclear",
        "charset_only_in_page",
        "charset_unknown",
        "charset_utf_16",
        "content_disposition_repeated",
        "content_elsewhere",
        "content_type_repeated",
        "encoding_of_composite",
        "encoding_repeated",
        "encoding_unknown",
        "header_name_invalid",
        "leading_continuation",
        "line_without_colon",
        "no_delimiter",
        "parameter_repeated",
        "part_after_close",
        "space_before_colon",
        "too_many_parameters",
    )
)
_TEXT_PLAIN = Structured("text/plain", {})
_RFC822 = Structured("message/rfc822", {})
_NOTHING = Structured("", {})
_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
# RFC 2046 §5.2.2, §5.2.3: assembled by the reader, or fetched, so that nobody judged it. If Outlook finds a message
# in its own format, it shows that instead.
_ELSEWHERE = frozenset(("message/partial", "message/external-body", "application/ms-tnef", "application/vnd.ms-tnef"))
_REPEATED = {
    b"content-type": "content_type_repeated",
    b"content-transfer-encoding": "encoding_repeated",
    b"content-disposition": "content_disposition_repeated",
}
_IDENTITY = {"8-bit": "8bit", "7-bit": "7bit"} | {name: name for name in transfer.IDENTITY}


class Part(Struct, eq=False):
    """One entity: the message itself or a part of it. Built once by `view` and not changed afterwards."""

    header: HeaderBlock
    end: int  # the end of the body; the line end before a delimiter belongs to the delimiter
    type: str  # "text/plain" if there is no valid one
    params: Structured
    charset: str  # the codec of the declared charset; "" if none is declared or it is unknown
    encoding: str  # "7bit" if there is none; "unknown" if it is not known
    disposition: Structured
    defects: tuple[Fault, ...]
    delimiter: int = -1  # where the delimiter line before this part begins; -1 if there is none
    children: tuple["Part", ...] = ()
    boundary: bytes = b""  # of a multipart: the boundary that separates its parts
    close: int = -1  # of a multipart: where its closing delimiter line begins; -1 if there is none
    in_message: bool = False  # inside an attached message
    is_container: bool = False  # a multipart or message whose children were read

    @property
    def start(self) -> int:
        """Where the header begins."""
        return self.header.start

    @property
    def body(self) -> int:
        """Where the body begins."""
        return self.header.end

    @property
    def is_attachment(self) -> bool:
        """Whether the sender declares it an attachment."""
        return self.disposition.value == "attachment"

    @property
    def filename(self) -> str:
        """The file name given, decoded; "" for none."""
        name = self.disposition.params.get("filename") or self.params.params.get("name") or ""
        return decode_filename(name) if name else ""

    def walk(self) -> Iterator["Part"]:
        """This part and all parts inside it, in the order of the bytes."""
        yield self
        for child in self.children:
            yield from child.walk()


class View(Struct, frozen=True, eq=False):
    """A message's bytes and the structure found in them."""

    data: bytes
    root: Part
    parts: tuple[Part, ...]
    is_signed: bool  # edits would break a signature: multipart/signed or S/MIME
    is_encrypted: bool  # nothing can be read or inserted: multipart/encrypted or S/MIME

    @property
    def header(self) -> HeaderBlock:
        """The message's own header."""
        return self.root.header

    @property
    def defects(self) -> tuple[Fault, ...]:
        """All defects of the structure, in the order of the bytes."""
        return tuple([fault for part in self.parts for fault in part.defects])

    @property
    def ambiguities(self) -> tuple[Fault, ...]:
        """The defects on which mail readers disagree; those inside attached messages do not count."""
        shown = [part for part in self.parts if not part.in_message]
        return tuple([fault for part in shown for fault in part.defects if fault.code in AMBIGUOUS])

    @property
    def beyond_limits(self) -> tuple[Fault, ...]:
        """The defects for which the message has to be refused."""
        return tuple([fault for fault in self.defects if fault.code in BEYOND_LIMITS])


def view(data: bytes, header: HeaderBlock | None = None) -> View:
    """Read the structure of a whole message; pass `header` if it is parsed already."""
    reader = _Reader(data)
    root = reader.message(header or HeaderBlock.parse(data))
    parts = tuple(reader.parts)
    return View(data, root, parts, *_protection(root, parts))


def decode_filename(name: str) -> str:
    """A file name as readers show it if it was written raw or as encoded words."""
    octets = name.encode("latin-1", "ignore")
    if "=?" in name:
        return charset.decode_header(octets)
    return name if any(ord(c) > 0xFF for c in name) else charset.decode(octets, "")


def _protection(root: Part, parts: tuple[Part, ...]) -> tuple[bool, bool]:
    signed = encrypted = False
    for part in parts:
        if part.in_message:
            continue
        kind = part.type
        if kind == "multipart/signed":
            signed = True
        elif kind == "multipart/encrypted":
            encrypted = True
        elif kind in ("application/pkcs7-mime", "application/x-pkcs7-mime") and (
            part is root or not part.is_attachment
        ):
            # RFC 8551 §3.2.2: without the parameter it may be either; what cannot be read counts as encrypted.
            if part.params.params.get("smime-type", "").lower() in ("signed-data", "certs-only"):
                signed = True
            else:
                encrypted = True
    return signed, encrypted


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parts: list[Part] = []
        self.look_alikes = 0

    def message(self, header: HeaderBlock) -> Part:
        return self._part(header, len(self.data), _TEXT_PLAIN, -1, 0, False, ())

    def _part(
        self,
        header: HeaderBlock,
        end: int,
        default: Structured,
        delimiter: int,
        depth: int,
        in_message: bool,
        open_boundaries: tuple[bytes, ...],
    ) -> Part:
        faults: list[Fault] = list(header.faults)
        params, encoding, disposition = _content_fields(header, default, faults)
        label = params.params.get("charset")
        codec = charset.lookup(label) if label else ""
        part = Part(header, max(end, header.end), params.value, params, codec, encoding, disposition, (), delimiter)
        part.in_message = in_message
        self.parts.append(part)
        kind = params.value
        if kind[:10] == "multipart/":
            self._multipart(part, depth, open_boundaries, faults)
        elif kind in _MESSAGES:
            if not self._is_encoded(part, faults) and not (depth and header.end >= end):
                self._attached_message(part, depth, faults)
        elif kind in _ELSEWHERE:
            faults.append(Fault("content_elsewhere", part.start))
        elif kind[:5] == "text/":
            self._text(part, faults)
        if faults:
            part.defects = tuple(faults)
        return part

    def _is_encoded(self, part: Part, faults: list[Fault]) -> bool:
        """RFC 2045 §6.4: a composite type must not be encoded, but some readers decode it all the same."""
        if part.encoding in transfer.IDENTITY:
            return False
        faults.append(Fault("encoding_of_composite", part.start))
        return True

    def _text(self, part: Part, faults: list[Fault]) -> None:
        if part.is_attachment:
            return
        if not part.charset and part.params.params.get("charset"):
            faults.append(Fault("charset_unknown", part.start))
        elif charset.is_utf_16(part.charset):
            faults.append(Fault("charset_utf_16", part.start))
        elif part.charset in ("", "ascii") and "html" in part.type and charset.page_says_otherwise(self._octets(part)):
            faults.append(Fault("charset_only_in_page", part.start))  # obeyed by some readers
        if part.encoding == "base64" and transfer.continues_after_padding(self.data, part.body, part.end):
            faults.append(Fault("base64_after_padding", part.body))

    def _octets(self, part: Part) -> bytes:
        return transfer.decode(self.data[part.body : part.end], part.encoding, _MOST_READ)

    def _attached_message(self, part: Part, depth: int, faults: list[Fault]) -> None:
        if depth >= MAX_DEPTH or len(self.parts) >= MAX_PARTS:
            faults.append(Fault("mime_too_deep" if depth >= MAX_DEPTH else "too_many_parts", part.start))
            return
        header = HeaderBlock.parse(self.data, start=part.body, stop=part.end)
        part.children = (self._part(header, part.end, _TEXT_PLAIN, -1, depth + 1, True, ()),)
        part.is_container = True

    def _multipart(self, part: Part, depth: int, open_boundaries: tuple[bytes, ...], faults: list[Fault]) -> None:
        if depth >= MAX_DEPTH:
            faults.append(Fault("mime_too_deep", part.start))
            return
        self._is_encoded(part, faults)
        boundary = part.boundary = _boundary(part, faults)
        if not boundary:
            return
        if boundary in open_boundaries:
            faults.append(Fault("boundary_reused", part.start))
        ranges = self._ranges(part, boundary, faults)
        if not ranges:
            faults.append(Fault("no_delimiter", part.body))
            return
        default = _RFC822 if part.type == "multipart/digest" else _TEXT_PLAIN  # RFC 2046 §5.1.5
        children: list[Part] = []
        inner = (*open_boundaries, boundary)
        for delimiter, start, end in ranges:
            if len(self.parts) >= MAX_PARTS:
                faults.append(Fault("too_many_parts", delimiter))
                break
            header = HeaderBlock.parse(self.data, start=start, stop=end)
            children.append(self._part(header, end, default, delimiter, depth + 1, part.in_message, inner))
        part.children = tuple(children)
        part.is_container = True

    def _ranges(self, part: Part, boundary: bytes, faults: list[Fault]) -> list[tuple[int, int, int]]:
        """For each child: (start of the delimiter line, start, end)."""
        data, stop = self.data, part.end
        needle = b"\n--" + boundary
        ranges: list[tuple[int, int, int]] = []
        delimiter = start = -1
        at = data.find(needle, max(part.body - 1, 0), stop)
        while at >= 0:
            after = at + len(needle)
            line_end = data.find(b"\n", after, stop) + 1 or stop
            rest = data[after:line_end].strip(b" \t\r\n") if line_end - after < 200 else b"?"
            if rest and rest != b"--":
                if not self._look_alike(at + 1, faults):
                    break
                at = data.find(needle, after, stop)
                continue
            if start >= 0:
                ranges.append((delimiter, start, max(start, _before_line_end(data, at))))
            if rest:
                part.close = at + 1
                if data.find(needle, line_end - 1, stop) >= 0:
                    faults.append(Fault("part_after_close", line_end))
                return ranges
            if len(ranges) > MAX_PARTS:
                return ranges
            if line_end == after + len(data[after:line_end].rstrip(b"\r\n")):
                # The message ends within the delimiter line, so no part begins here.
                return ranges
            delimiter, start = at + 1, line_end
            at = data.find(needle, line_end - 1, stop)
        if start >= 0:
            faults.append(Fault("multipart_unterminated", stop))
            ranges.append((delimiter, start, stop))
        return ranges

    def _look_alike(self, offset: int, faults: list[Fault]) -> bool:
        """Record a line that merely begins like a delimiter (RFC 2046 §5.1.1 takes it for one, readers do not)."""
        self.look_alikes += 1
        if self.look_alikes == 1:
            faults.append(Fault("boundary_look_alike", offset))
        elif self.look_alikes > MAX_LOOK_ALIKES:
            faults.append(Fault("too_many_parts", offset))
            return False
        return True


def _before_line_end(data: bytes, newline: int) -> int:
    return newline - 1 if newline and data[newline - 1] == 13 else newline


def _boundary(part: Part, faults: list[Fault]) -> bytes:
    text = part.params.params.get("boundary", "")
    boundary = charset.encode(text, "latin-1") or text.encode("utf-8", "replace")
    if not text.isascii():
        faults.append(Fault("boundary_not_ascii", part.start))
    stripped = boundary.rstrip()
    if not stripped:
        faults.append(Fault("boundary_missing", part.start))
    elif stripped != boundary:
        faults.append(Fault("boundary_trailing_space", part.start))
    return stripped


def _content_fields(
    header: HeaderBlock, default: Structured, faults: list[Fault]
) -> tuple[Structured, str, Structured]:
    """Content-Type, Content-Transfer-Encoding and Content-Disposition; the first of each."""
    for field in header.repeated:
        code = _REPEATED.get(field.name)
        if code and _written(header, field) != _written(header, header.named[field.name]):
            faults.append(Fault(code, field.start))
    kind, encoding, disposition = map(header.named.get, _REPEATED)
    return (
        default if kind is None else _type(_written(header, kind), header.start, faults),
        "7bit" if encoding is None else _encoding(_written(header, encoding), header.start, faults),
        _NOTHING if disposition is None else _noted(parse(_written(header, disposition)), header.start, faults),
    )


def _written(header: HeaderBlock, field: Field) -> bytes:
    return bytes(header.data[field[3] : field[2]]).strip()


def _noted(value: Structured, offset: int, faults: list[Fault]) -> Structured:
    faults.extend(Fault(code, offset) for code in value.faults)
    return value


def _type(value: bytes, offset: int, faults: list[Fault]) -> Structured:
    found = _noted(parse(value), offset, faults)
    main, slash, sub = found.value.partition("/")
    if main and slash and sub and "/" not in sub:
        return found
    # RFC 2045 §5.2: unreadable types count as plain text.
    faults.append(Fault("content_type_invalid", offset))
    return Structured("text/plain", found.params)


def _encoding(value: bytes, offset: int, faults: list[Fault]) -> str:
    """The transfer encoding if it is a single token; of other values only some readers decode."""
    name = value.lower().decode("latin-1")
    if name in transfer.KNOWN:
        return name
    if not name:
        return "7bit"
    identity = _IDENTITY.get(parse(value).value)  # nothing has to be decoded, however it is written
    if identity is None:
        faults.append(Fault("encoding_unknown", offset))
    return identity or "unknown"
