"""CSV import and export, record by record, so that even millions of rows are never held in memory.

On export, a cell that a spreadsheet would take for a formula is prefixed with an apostrophe (faults H12); on
import that apostrophe is removed again.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from relay.cli.errors import EXIT_REFUSED, BadUsage
from relay.cli.output import how_many, note, print_json, say
from relay.cli.progress import Progress
from relay.http.csvs import BATCH, Sheet, Tally, line
from relay.store.pile import Pile


def taken(
    path: Path,
    sheet: Sheet,
    read: Callable[[Mapping[str, str]], Any],
    write: Callable[[Sequence[Mapping[str, Any]]], None],
) -> Tally:
    """Import a file of this form, or a bare list; lines that cannot be read are counted and reported.

    `read` makes a value with a `key` of each row; values are written in the order of their keys. A file that is
    not CSV changes nothing.
    """
    tally = Tally()
    with Pile() as pile:
        with Progress("Reading lines", None) as progress:
            for cells in _rows(path, sheet):
                try:
                    pile.add(read(sheet.row(cells)))
                except ValueError as error:
                    tally.wrong(sheet.line, str(error)[:200])
                if sheet.line % BATCH == 0:
                    progress.reached(sheet.line)
        tally.ignored = sheet.ignored
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


def _rows(path: Path, sheet: Sheet) -> Iterator[Sequence[str]]:
    """The cells of each row. Raises BadUsage if it is not such a file."""
    with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
        try:
            for octets in file:
                if (cells := sheet.add(octets.removesuffix(b"\n"))) is not None:
                    yield cells
            sheet.end()
        except ValueError as error:
            raise BadUsage(f"line {sheet.line}: {error}; nothing was imported") from None
