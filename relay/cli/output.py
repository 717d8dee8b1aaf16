"""What commands print: JSON for programs, tables for people. rich is loaded only when a table is drawn.

Text from outside (subjects, replies of providers) is made harmless before it reaches a terminal. A pipe gets the
same table without colour, and nothing is cut off.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

WIDE = 4000  # for a pipe, which has no width
FOLDED = 12  # the minimum width of a column of sentences

_GOOD = "active ready verified delivered approved passed granted queued up held-up ok published"
_WAIT = "pending deferred scheduled warned uncertain unconfigured throttled shadowed expired missing"
_STOP = "paused blocked bounced failed refused rejected revoked disabled error cancelled wrong down suppressed"
_STYLES = (
    dict.fromkeys(_GOOD.split(), "green")
    | dict.fromkeys(_WAIT.split(), "yellow")
    | dict.fromkeys(_STOP.split(), "red")
    | {"held": "magenta", "skipped": "dim", "withdrawn": "dim", "replayed": "cyan"}
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_C1 = {c: f"\\u{c:04x}" for c in range(127, 160)}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its title, and the field or function of the row that gives its content."""

    title: str
    value: str | Callable[[Row], Any]
    style: str = ""
    right: bool = False

    def of(self, row: Row) -> str:
        """The content of the cell."""
        value = row.get(self.value) if isinstance(self.value, str) else self.value(row)
        return "" if value is None else safe(str(value))


def listing(rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool, empty: str = "Nothing to show.") -> None:
    """Print rows as JSON or as a table; `empty` is printed if there are none."""
    if as_json:
        print_json(list(rows))
    elif not rows:
        say(empty)
    else:
        console().print(table(rows, columns))


def table(rows: Iterable[Row], columns: Sequence[Column], title: str = "") -> Any:
    """A rich table of rows. Words that are states are coloured; columns that are empty in all rows are left out.

    Only sentences are wrapped, and only between words, since text without blanks (an id, an address) is meant to be
    copied. If that would make the table wider than the terminal, each row becomes a few lines instead.
    """
    cells = [[column.of(row) for column in columns] for row in rows]
    used = [n for n in range(len(columns)) if any(line[n] for line in cells)]
    shown, cells = [columns[n] for n in used], [[line[n] for n in used] for line in cells]
    folded = [any(" " in line[n] for line in cells) for n in range(len(used))]
    least = [
        _least(column, words) if folds else _widest(column, words)
        for column, words, folds in zip(shown, zip(*cells, strict=True), folded, strict=True)
    ]
    if sum(least) + 3 * len(least) > console().width:
        return _row_by_row(shown, cells, title)
    return _drawn(shown, cells, folded, title)


def _widest(column: Column, cells: Iterable[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, (column.title, *cells)))


def _least(column: Column, cells: Iterable[str]) -> int:
    """The width that a column of sentences needs: that of its longest word, if there is one of some length."""
    words = _widest(column, (word for cell in cells for word in cell.split()))
    return max(words, min(FOLDED, _widest(column, cells)))


def _drawn(columns: Sequence[Column], cells: Sequence[Sequence[str]], folded: Sequence[bool], title: str) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, header_style="bold")
    for column, folds in zip(columns, folded, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        drawn.add_column(column.title, justify=justify, overflow="fold", no_wrap=not folds)
    for line in cells:
        drawn.add_row(*(Text(cell, column.style or style_of(cell)) for column, cell in zip(columns, line, strict=True)))
    return drawn


def _row_by_row(columns: Sequence[Column], cells: Sequence[Sequence[str]], title: str) -> Any:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    said: list[Any] = [Text(title, "bold")] if title else []
    room = console().width - 4
    for line in cells:
        said.append(Text(line[0], columns[0].style))
        row = Text()
        for column, cell in zip(columns[1:], line[1:], strict=True):
            if not cell:
                continue
            words = Text.assemble((f"{column.title} ", "dim"), (cell, style_of(cell)))
            if row and row.cell_len + words.cell_len > room:  # a title stays together with its value
                said.append(Padding(row, (0, 0, 0, 2)))
                row = Text()
            row.append("  " if row else "").append_text(words)
        said.append(Padding(row, (0, 0, 0, 2)))
    return Group(*said)


def style_of(word: str) -> str:
    """The colour of a state; none for other words."""
    return _STYLES.get(word.partition(" ")[0], "")


def details(pairs: Sequence[tuple[str, Any]]) -> None:
    """Print one thing, with a line for each of its fields."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", [], {}):
            shown = safe(str(value), lines=True)
            grid.add_row(name, Text(shown, style=style_of(shown)))
    console().print(grid)


def console() -> "Console":
    """The console on which tables are drawn."""
    from rich.console import Console

    drawing = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    drawing.on_broken_pipe = lambda: mute(sys.stdout)  # type: ignore[method-assign]  # rich's own handler exits with 1
    return drawing


def mute(stream: TextIO) -> None:
    """Discard everything printed here from now on: the reader is gone, but what the command does must not be undone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(text: str) -> None:
    """Print a sentence for a person on standard output."""
    _print(safe(text, lines=True), sys.stdout)


def note(text: str) -> None:
    """Print a remark on standard error, so that it does not get into a pipe."""
    _print(safe(text, lines=True), sys.stderr)


def print_json(value: Any) -> None:
    """Print JSON, indented."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    _print(text.translate(_C1), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        mute(stream)


def print_line(value: Any) -> None:
    """Print one line of NDJSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).translate(_C1) + "\n")


def safe(text: str, *, lines: bool = False) -> str:
    """`text` with control characters replaced; line feeds stay where `lines` are wanted."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (lines and c == "\n") else "?" for c in text)


def ago(stamp: str | None, now: int) -> str:
    """How far an RFC 3339 time is from `now` (milliseconds of the store's clock), past or future: «3 min», «in 2 h»."""
    if not stamp:
        return ""
    seconds = now / 1000 - datetime.fromisoformat(stamp).timestamp()
    size, unit = next(((s, u) for s, u in _UNITS if abs(seconds) >= s), (1, "s"))
    text = f"{int(abs(seconds) / size)} {unit}"
    return f"in {text}" if seconds <= -1 else text


def ahead(stamp: str | None, now: int) -> str:
    """How long until an RFC 3339 time: «in 2 h»; «now» if it is past and what is due happens any moment."""
    text = ago(stamp, now)
    return text if not text or text.startswith("in ") else "now"


def how_many(count: int, one: str, many: str = "") -> str:
    """«1 mailbox», «3 mailboxes»."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
