"""Header fields as byte ranges into their message.

Reading is as tolerant as in mail readers and never fails: what no standard allows is read in the simplest way
and recorded in `faults`, each kind at its first occurrence, so that policy can refuse or hold the message.
Nothing is decoded, and only the lower-cased names are copied. The work is linear in the header block and
stops at the limits, which are checked on bytes first: a block that is too long, or has too many lines, has
its fault first and only the fields within the limit.

The block ends at the first empty line, or at the first line that cannot belong to a header, which is then the
first line of the body (as in Postfix and CPython). Both CRLF and bare LF end a line.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct


class Limits(NamedTuple):
    """The limits on the header of a message or part."""

    block: int = 256 * 1024
    field: int = 64 * 1024
    lines: int = 1000


class Field(NamedTuple):
    """One header field: `data[start:end]` is the whole field, with folded lines and the line end."""

    name: bytes  # lower case
    start: int
    end: int
    value_start: int  # the octet after the colon


class Fault(NamedTuple):
    """Something wrong in a header block: a fixed code, and the offset where it was found."""

    code: str
    offset: int


LIMITS = Limits()

# RFC 5322 §2.2: a name consists of printable US-ASCII except the colon.
_FIELD = re.compile(rb"([!-9;-~]+):[^\n]*(?:\n[ \t][^\n]*)*\n?")
# RFC 5322 §4.5.8 (obsolete) allows white space before the colon, and other octets occur in names. Readers disagree
# about both, so such a line is read as a field and recorded as a fault.
_DAMAGED_FIELD = re.compile(rb"([^ \t\r\n:]+)([ \t]*):[^\n]*(?:\n[ \t][^\n]*)*\n?")
_CONTINUATION = re.compile(rb"(?:[ \t][^\n]*\n?)+")
_BLANK_CONTINUATION = re.compile(rb"\n[ \t]+\r?(?:\n|\Z)")
_MBOX_FROM = re.compile(rb">?From [^\n]*\n?")
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r?\n")


class HeaderBlock(Struct, frozen=True, eq=False):
    """The header of a message or of a part."""

    data: bytes | memoryview
    start: int
    fields: tuple[Field, ...]
    fields_end: int  # the position of the empty line; new fields may be inserted here
    end: int  # where the body begins
    faults: tuple[Fault, ...]
    named: Mapping[bytes, Field]  # the first field of each name, by lower-case name

    @classmethod
    def parse(
        cls, data: bytes | memoryview, limits: Limits = LIMITS, start: int = 0, stop: int | None = None
    ) -> "HeaderBlock":
        """Read the header that begins at `start`; `stop` is the end of the message or part."""
        stop = len(data) if stop is None else stop
        fields_end, end = _extent(data, start, stop)
        faults: list[Fault] = []
        reach = _within_limits(data, start, fields_end, limits, faults)
        fields, junk = _fields(data, start, reach, limits, faults)
        if junk is not None:
            fields_end = end = junk
        named = {field[0]: field for field in reversed(fields)}
        return cls(data, start, tuple(fields), fields_end, end, tuple(faults), named)

    @property
    def repeated(self) -> tuple[Field, ...]:
        """Every field that follows another of its name, in order."""
        if len(self.named) == len(self.fields):
            return ()
        return tuple([field for field in self.fields if field is not self.named[field[0]]])

    def all(self, name: bytes) -> tuple[Field, ...]:
        """Every field of this (lower-case) name, in order."""
        first = self.named.get(name)
        return () if first is None else (first, *[field for field in self.repeated if field[0] == name])

    def first(self, name: bytes) -> Field | None:
        """The first field of this (lower-case) name."""
        return self.named.get(name)

    def raw(self, field: Field) -> bytes:
        """The whole field as it is, with its line end."""
        return bytes(self.data[field.start : field.end])

    def value(self, field: Field) -> bytes:
        """The value stripped and unfolded (RFC 5322 §2.2.3: line ends are removed, white space stays)."""
        value = bytes(self.data[field.value_start : field.end]).strip(b" \t\r\n")
        return _FOLD.sub(b"", value) if b"\n" in value else value

    def get(self, name: bytes) -> bytes:
        """The value of the first field of this name; empty if there is none."""
        field = self.named.get(name)
        return b"" if field is None else self.value(field)


def _extent(data: bytes | memoryview, start: int, stop: int) -> tuple[int, int]:
    """Where the fields end and where the body begins."""
    if data[start : start + 1] == b"\n":
        return start, min(start + 1, stop)
    if data[start : start + 2] == b"\r\n":
        return start, min(start + 2, stop)
    found = _EMPTY_LINE.search(data, start, stop)
    return (stop, stop) if found is None else (found.start() + 1, found.end())


def _within_limits(data: bytes | memoryview, start: int, end: int, limits: Limits, faults: list[Fault]) -> int:
    """The offset up to which fields may be read; adds the faults of the block as a whole."""
    if end - start > limits.block:
        faults.append(Fault("header_block_too_long", start + limits.block))
        end = start + limits.block
    block = bytes(data[start:end])
    returns = block.count(b"\r")
    lines = block.count(b"\n")
    if lines > limits.lines:
        faults.append(Fault("too_many_header_lines", start))
    if b"\0" in block:
        faults.append(Fault("nul_in_header", start + block.index(b"\0")))
    if returns and returns != block.count(b"\r\n"):
        faults.append(Fault("bare_cr_in_header", start))
    blank = _BLANK_CONTINUATION.search(block) if b"\n " in block or b"\n\t" in block else None
    if blank:
        faults.append(Fault("blank_continuation_line", start + blank.start() + 1))
    return end


def _fields(
    data: bytes | memoryview, start: int, end: int, limits: Limits, faults: list[Fault]
) -> tuple[list[Field], int | None]:
    """The fields in `data[start:end]`, and the offset of a line that belongs to no header, if there is one."""
    fields: list[Field] = []
    match, append, new = _FIELD.match, fields.append, tuple.__new__
    position = start
    while position < end:
        found = match(data, position, end)
        if found is not None:
            after = found.end()
            # Made this way because the constructor of a named tuple takes twice as long.
            append(new(Field, (found[1].lower(), position, after, found.end(1) + 1)))
            position = after
            continue
        field, after = _damaged(data, position, start, end, faults)
        if after == position:
            return _limited(fields, limits, faults), position
        if field is not None:
            append(field)
        position = after
    return _limited(fields, limits, faults), None


def _limited(fields: list[Field], limits: Limits, faults: list[Fault]) -> list[Field]:
    if fields and fields[-1].end - fields[0].start > limits.field:
        long = next((f.start for f in fields if f.end - f.start > limits.field), None)
        if long is not None:
            faults.append(Fault("header_field_too_long", long))
    return fields[: limits.lines]


def _damaged(
    data: bytes | memoryview, position: int, start: int, end: int, faults: list[Fault]
) -> tuple[Field | None, int]:
    """Read a line that is no well-formed field: as a field all the same, as lines to skip, or as the start of
    the body.
    """
    found = _DAMAGED_FIELD.match(data, position, end)
    if found is not None:
        code = "space_before_colon" if found[2] else "header_name_invalid"
        if code not in [fault.code for fault in faults]:
            faults.append(Fault(code, position))
        return Field(found[1].lower(), position, found.end(), found.end(2) + 1), found.end()
    if position == start:
        skipped = _CONTINUATION.match(data, position, end)
        if skipped is not None:
            faults.append(Fault("leading_continuation", position))
            return None, skipped.end()
        skipped = _MBOX_FROM.match(data, position, end)
        if skipped is not None:
            faults.append(Fault("mbox_from_line", position))
            return None, skipped.end()
    faults.append(Fault("line_without_colon", position))
    return None, position
