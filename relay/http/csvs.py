"""CSV import and export, record by record, so that even millions of rows are never held in memory.

On export, a cell that a spreadsheet would take for a formula is prefixed with an apostrophe (faults H12);
plain numbers are not. On import that apostrophe is removed again. A quoted cell may contain line breaks
(RFC 4180 §2); where a quote is never closed, nothing after it can be read, and the import says so.
"""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from typing_extensions import TypedDict

from relay.http.problems import invalid
from relay.http.shapes import ShownAs, Told

FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
BATCH = 500
LONGEST = 65_536  # octets of a record
_CLOSING = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')  # the rest of a quoted cell
_QUOTES = "a cell with a quote in it goes into quotes, and that quote is doubled"
UNCLOSED = f"a quoted cell does not end: {_QUOTES}"
TOLD = 100  # unreadable lines named in the answer
_FILE = {"schema": {"type": "string", "format": "binary"}}
BODY = {"requestBody": {"required": True, "content": {"text/csv": _FILE, "application/octet-stream": _FILE}}}


class Csv(StreamingResponse):
    """A file of CSV."""

    media_type = "text/csv"


class LineError(TypedDict):
    """A line that could not be read."""

    line: int
    message: str


class ImportResult(Told):
    """The result of an import: `errors` names the first lines that could not be read, `ignoredColumns` the
    columns of the file that have no meaning here.
    """

    imported: int
    skipped: int
    errors: Annotated[list[dict[str, Any]], ShownAs(list[LineError])]
    ignored_columns: list[str]


@dataclass(slots=True)
class Tally:
    """The progress of an import."""

    imported: int = 0
    skipped: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def wrong(self, line: int, message: str) -> None:
        """Count a line that cannot be read."""
        self.skipped += 1
        if len(self.errors) < TOLD:
            self.errors.append({"line": line, "message": message})

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        told = {"imported": self.imported, "skipped": self.skipped, "errors": self.errors}
        return {**told, "ignoredColumns": self.ignored}


async def lines(request: Request) -> AsyncIterator[bytes]:
    """The lines of the body as they arrive; an overlong line is cut to a little over the limit, so that it is
    noticed.
    """
    rest = b""
    async for chunk in request.stream():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
        rest = rest[: LONGEST + 1]
    if rest:
        yield rest


class Unclosed(ValueError):
    """A quoted cell does not end."""


class Records:
    """Puts lines together to records: a quoted cell may go on over line breaks (RFC 4180 §2)."""

    def __init__(self) -> None:
        self.begins = 0  # the line on which the latest record begins
        self._number = 0
        self._record = bytearray()
        self._is_open = False

    def add(self, line: bytes) -> list[str] | None:
        """The cells of the record that this line, without its line feed, ends; None if the record goes on.

        Raises ValueError if it is not CSV, and Unclosed if no further line can be read.
        """
        self._number += 1
        was_open = self._is_open
        if not was_open:
            self.begins, self._record = self._number, bytearray()
            line = line.removeprefix(codecs.BOM_UTF8)
        self._record += line
        if len(self._record) > LONGEST:
            raise Unclosed(UNCLOSED) if was_open else ValueError("the line is too long")
        self._is_open = _ends_in_quotes(line, was_open)
        if not self._is_open:
            return _cells(self._record.removesuffix(b"\r"))
        self._record += b"\n"
        return None

    def end(self) -> None:
        """Raises Unclosed if the last record is not complete."""
        if self._is_open:
            raise Unclosed(UNCLOSED)


def _ends_in_quotes(line: bytes, is_quoted: bool) -> bool:
    """Whether the end of the line is within a quoted cell; `is_quoted` says so of its beginning."""
    at = 0
    while True:
        if not is_quoted and line.startswith(b'"', at):
            is_quoted, at = True, at + 1
        if is_quoted:
            closing = _CLOSING.match(line, at)
            if closing is None:
                return True
            is_quoted, at = False, closing.end()
        comma = line.find(b",", at)
        if comma < 0:
            return False
        at = comma + 1


def _cells(record: bytes | bytearray) -> list[str]:
    """The cells of a record. Raises ValueError if it is not CSV."""
    try:
        text = record.decode()
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
    try:
        return next(csv.reader(io.StringIO(text), strict=True), [])
    except csv.Error:
        advice = "a carriage return ends no line, LF or CRLF does" if "\r" in text else _QUOTES
        raise ValueError(f"is not CSV: {advice}") from None


class Sheet:
    """A file with these columns, line by line. The first column is required; a file of that column alone needs no head.

    If `closed`, unknown columns are refused: their content would be lost silently.
    """

    def __init__(self, known: Sequence[str], *, closed: bool = False) -> None:
        self.head: list[str] = []
        self._known = known
        self._closed = closed
        self._records = Records()

    @property
    def line(self) -> int:
        """The line on which the latest row begins."""
        return self._records.begins

    @property
    def ignored(self) -> list[str]:
        """The columns that have no meaning here."""
        return [name[:40] for name in self.head if name and name not in self._known][:TOLD]

    def add(self, line: bytes) -> list[str] | None:
        """The cells of the row that this line, without its line feed, ends; None if it ends none below the head.

        Raises ValueError if it is not CSV or not such a head, and Unclosed if no further line can be read.
        """
        cells = self._records.add(line)
        if cells is None or not any(map(str.strip, cells)):
            return None
        if self.head:
            return cells
        self.head, is_named = self._head(cells)
        return None if is_named else cells

    def end(self) -> None:
        """Raises Unclosed if the last row is not complete."""
        self._records.end()

    def row(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells by column, "" where the line ends early. Raises ValueError for cells that cannot be stored, and if
        a closed file has too many.
        """
        width = len(self.head)
        if any("\0" in cell for cell in cells):
            raise ValueError("contains a NUL character")
        if self._closed and any(map(str.strip, cells[width:])):
            raise ValueError("more cells than the head has columns: put a cell that has a comma in quotes")
        return dict(zip_longest(self.head, map(_bare, cells[:width]), fillvalue=""))

    def _head(self, cells: Sequence[str]) -> tuple[list[str], bool]:
        """The column names, and whether this line is a header or already a row. Raises ValueError."""
        names = [cell.strip().lower() for cell in cells]
        while names and not names[-1]:
            names.pop()  # spreadsheets write empty columns
        needed = self._known[0]
        if needed not in names:
            if len(cells) == 1 and "@" in cells[0]:
                return [needed], False
            raise ValueError(f"the first line must name the columns, {needed} among them")
        if twice := next((name for name in self._known if names.count(name) > 1), ""):
            raise ValueError(f"the column {twice} is there twice")
        if self._closed and (others := [name for name in names if name not in self._known]):
            known = ", ".join(self._known)
            raise ValueError(
                f"the column {others[0][:40]!r} is not known: rename it or leave it out; known are {known}"
            )
        return names, True


async def take(
    request: Request,
    sheet: Sheet,
    read: Callable[[Mapping[str, str]], Any],
    write: Callable[[Sequence[Any]], Awaitable[None]],
) -> Tally:
    """Import a CSV file of this form; `read` turns a row into a value or raises ValueError.

    After the header, a bad record does not stop the import, since earlier rows may be written already; the
    answer names the lines that were skipped. Raises Problem if the rest cannot be read.
    """
    tally = Tally()
    batch: list[Any] = []

    async def write_out() -> None:
        if batch:
            await write(batch)
            tally.imported += len(batch)
            batch.clear()

    try:
        async for line in lines(request):
            try:
                if (cells := sheet.add(line)) is not None:
                    batch.append(read(sheet.row(cells)))
            except Unclosed:
                raise
            except ValueError as error:
                if not sheet.head:
                    raise invalid("body", f"the first line: {error}") from None
                tally.wrong(sheet.line, str(error)[:200])
            if len(batch) >= BATCH:
                await write_out()
        sheet.end()
    except Unclosed as error:
        await write_out()
        raise invalid("body", f"line {sheet.line}: {error}; imported before it: {tally.imported}") from None
    await write_out()
    tally.ignored = sheet.ignored
    return tally


def _bare(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell


def give(
    name: str,
    head: Sequence[str],
    pages: Callable[[str], Awaitable[Sequence[Any]]],
    row: Callable[[Any], Sequence[Any]],
) -> Csv:
    """Export as CSV; `pages` returns the rows after a given id."""

    async def batches() -> AsyncIterator[Sequence[Sequence[Any]]]:
        after = ""
        while rows := await pages(after):
            yield [row(r) for r in rows]
            after = rows[-1].id

    return stream(name, head, batches())


def stream(name: str, head: Sequence[str], batches: AsyncIterator[Sequence[Sequence[Any]]]) -> Csv:
    """Rows that come in batches, as CSV."""

    async def text() -> AsyncIterator[str]:
        yield line(head)
        async for rows in batches:
            yield "".join(line(cells) for cells in rows)

    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Csv(text(), headers=disposition)


def line(cells: Sequence[Any]) -> str:
    """One line of CSV that no spreadsheet takes for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) and not _NUMBER.fullmatch(text) else text
