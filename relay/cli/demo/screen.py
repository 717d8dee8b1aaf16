"""The demo on the screen: the table as it grows, then everything needed to go on by hand."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from relay.cli.demo.script import Row
from relay.cli.demo.stage import HOST, Stage

_MARKS = {
    "good": ("✓ ", "green"),
    "stop": ("✗ ", "red"),
    "wait": ("◔ ", "yellow"),
    "hold": ("◐ ", "magenta"),
    "same": ("↺ ", "cyan"),
    "note": ("  ", "dim"),
}
_CLASSES = {"2": "green", "4": "yellow", "5": "red"}


def console() -> Console:
    """A console of the terminal's width, or of a readable width for a log."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=120)


class Board:
    """The table."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._rows: list[Row] = []
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within this block rows appear as they come; a pipe gets the finished table."""
        if not self._screen.is_terminal:
            yield
            self._screen.print(self._table())
            return
        with Live(self._table(), console=self._screen, auto_refresh=False, vertical_overflow="visible") as self._live:
            yield
        self._live = None

    def add(self, row: Row) -> None:
        """Add a row."""
        self._rows.append(row)
        if self._live is not None:
            self._live.update(self._table(), refresh=True)

    def _table(self) -> Table:
        table = Table(
            box=box.HORIZONTALS, show_lines=True, border_style="bright_black", header_style="bold", expand=True
        )
        table.add_column("", justify="right", style="dim", no_wrap=True)
        table.add_column("The agent, with plain smtplib", ratio=30)
        # Wide enough for a send id, so that none is wrapped.
        table.add_column("Gatepost answered", ratio=38, min_width=36, overflow="fold")
        table.add_column("What happened", ratio=30)
        for number, row in enumerate(self._rows, 1):
            did = Text.assemble((row.did, "bold"), "\n", (row.detail, "dim"))
            table.add_row(str(number), did, _answers(row), _happened(row))
        return table


def _answers(row: Row) -> Text:
    """Each reply: the code in the colour of its class, the reason in bold, the pairs for programs less prominent."""
    shown = Text()
    for number, line in enumerate(row.answers):
        head, _, rest = line.partition(" ")
        enhanced, _, words = rest.partition(" ")
        colour = _CLASSES.get(head[:1], "")
        sentence, semicolon, pairs = words.partition("; retry=")
        reason, colon, clause = sentence.partition(": ")
        shown.append("\n" if number else "")
        shown.append(f"{head} {enhanced} ", f"bold {colour}")
        shown.append(reason + colon, colour)
        shown.append(clause)
        shown.append(semicolon + pairs, "dim")
    return shown


def _happened(row: Row) -> Text:
    shown = Text()
    for kind, words in row.happened:
        mark, style = _MARKS[kind]
        shown.append("\n" if shown else "")
        shown.append(mark + words, style)
    for problem in row.problems:
        shown.append("\n" if shown else "")
        shown.append(f"! {problem}", "bold red")
    return shown


def welcome(screen: Console) -> None:
    """The first lines."""
    screen.print()
    screen.print(Text.assemble(("Gatepost", "bold"), " stands between AI agents and mail providers and decides,"))
    screen.print("provably, what may be sent. Everything below is real SMTP; nothing leaves this machine.")
    screen.print()


def verdict(screen: Console, rows: list[Row], took: float) -> None:
    """Whether all outcomes were as expected."""
    wrong = [row for row in rows if row.problems]
    if wrong:
        screen.print(Text(f"{len(wrong)} of {len(rows)} did not come out as they should.", "bold red"))
    else:
        screen.print(Text(f"All {len(rows)} came out as they should, in {took:.1f} s.", "bold green"))


def invitation(screen: Console, stage: Stage) -> None:
    """Where to look, and what to try."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    key = stage.keys["billing-agent"]
    console_url = f"http://{HOST}:{stage.http_port}/"
    grid.add_row("SMTP", f"{HOST}:{stage.smtp_port}, no TLS on loopback")
    grid.add_row("  user", "billing-agent (or growth-agent, sales-agent, digest-agent: each has its own password)")
    grid.add_row("  password", key)
    grid.add_row("Console", Text.assemble((console_url, "underline"), "  sign in with ", (stage.admin_key, "bold")))
    grid.add_row("API", Text.assemble((f"{console_url}docs", "underline"), "  Authorization: Bearer ", stage.admin_key))
    grid.add_row(
        "Inbox",
        Text.assemble((stage.inbox.url, "underline"), "  what the providers received, and a switch to break them"),
    )
    screen.print(Panel(Group(grid), title="It keeps running", title_align="left", border_style="bright_black"))
    screen.print()
    screen.print(Text("Try it", "bold"))
    for command, why in _suggestions(stage):
        screen.print(Text.assemble("  ", (command, "cyan"), ("  " + why, "dim")), soft_wrap=True)
    screen.print()
    screen.print("Ctrl-C ends it and throws everything away.", style="dim")


def _suggestions(stage: Stage) -> list[tuple[str, str]]:
    program = "gatepost" if shutil.which("gatepost") else sys.argv[0]
    return [
        (f"export GATEPOST_CONFIG={stage.config}", "then, in another terminal:"),
        (f"{program} hold list", f"what waits for approval; {program} hold approve SEND_ID releases it"),
        (f"{program} trace SEND_ID", "why it was decided that way, and what happened since"),
        (f"{program} send-test --mailbox billing-agent --to you@customer.example", "one more message"),
        (f"{program} audit verify", "prove that no decision was changed"),
    ]
