"""CSV import and export, line by line, so that even millions of rows are never held in memory.

On export, a cell that a spreadsheet would take for a formula is prefixed with an apostrophe (faults H12); on
import that apostrophe is removed again.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from relay.cli.errors import EXIT_REFUSED, BadUsage
from relay.cli.output import how_many, note, print_json, say
from relay.cli.progress import Progress
from relay.http.csvs import BATCH, Columns, Tally, line
from relay.store.pile import Pile


def taken(
    path: Path,
    columns: Columns,
    read: Callable[[Mapping[str, str]], Any],
    write: Callable[[Sequence[Mapping[str, Any]]], None],
) -> Tally:
    """Import a file with these columns, or a bare list; lines that cannot be read are counted and reported.

    `read` makes a value with a `key` of each row; values are written in the order of their keys. A file that is
    not CSV changes nothing.
    """
    tally = Tally()
    with Pile() as pile:
        with Progress("Reading lines", None) as progress:
            for number, head, cells in _lines(path, columns):
                tally.ignored = tally.ignored or columns.strange(head)
                try:
                    pile.add(read(columns.row(head, cells)))
                except ValueError as error:
                    tally.wrong(number, str(error)[:200])
                if number % BATCH == 0:
                    progress.reached(number)
        with Progress("Writing", pile.size) as progress:
            for batch in pile.taken(BATCH):
                write(batch)
                tally.imported += len(batch)
                progress.reached(tally.imported)
    return tally


def given(head: Sequence[str], pages: Callable[[str], Sequence[Any]], cells: Callable[[Any], Sequence[Any]]) -> None:
    """Export to standard output; `pages` returns the rows after a given id."""
    sys.stdout.write(line(head))
    after = ""
    while rows := pages(after):
        sys.stdout.write("".join(line(cells(row)) for row in rows))
        after = rows[-1].id
    sys.stdout.flush()


def report(tally: Tally, *, as_json: bool) -> int:
    """Report the result of an import; exit 1 if a line could not be read."""
    if as_json:
        print_json(tally.told())
    else:
        for error in tally.errors:
            note(f"line {error['line']}: {error['message']}")
        if tally.ignored:
            note(f"ignored, unknown columns: {', '.join(tally.ignored)}")
        if more := tally.skipped - len(tally.errors):
            note(f"and {how_many(more, 'more line')} with an error")
        say(f"{how_many(tally.imported, 'line')} imported, {tally.skipped:,} skipped.")
    return EXIT_REFUSED if tally.skipped else 0


def _lines(path: Path, columns: Columns) -> Iterator[tuple[int, Sequence[str], Sequence[str]]]:
    """Line numbers, the header, and the cells of each row. Raises BadUsage if it is not such a file."""
    try:
        octets = sys.stdin.buffer if str(path) == "-" else path.open("rb")
        with TextIOWrapper(octets, encoding="utf-8-sig", newline="") as file:
            yield from _read(file, columns)
    except UnicodeDecodeError:
        raise BadUsage(f"{path} is not text in UTF-8") from None


def _read(file: Any, columns: Columns) -> Iterator[tuple[int, Sequence[str], Sequence[str]]]:
    head: list[str] = []
    for number, cells in _records(file):
        if not any(cell.strip() for cell in cells):
            continue
        if not head:
            try:
                head, is_named = columns.head(cells)
            except ValueError as error:
                raise BadUsage(str(error)) from None
            if is_named:
                continue
        yield number, head, cells


def _records(file: Any) -> Iterator[tuple[int, list[str]]]:
    """The records, each with the number of the line it begins on. Raises BadUsage at one that is not CSV."""
    reader = csv.reader(file, strict=True)  # a quote that is never closed would take in all lines after it
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        advice = "a cell with a quote in it goes into quotes, and that quote is doubled"
        raise BadUsage(f"line {begins} is not CSV ({error}); nothing was imported: {advice}") from None
