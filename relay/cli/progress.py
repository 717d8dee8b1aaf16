"""A progress bar on standard error for long operations; nothing if standard error is not a terminal."""

import sys
from types import TracebackType
from typing import Any, Self


class Progress:
    """`with Progress("Verifying", 1000) as p: p.add(10)`; the total is None if it is not known."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, count: int) -> None:
        """Count so many more as done."""
        self.reached(self._done + count)

    def reached(self, count: int, total: int | None = None) -> None:
        """Set how many are done, and of how many if that was not known."""
        self._done = count
        if self._bar is not None:
            self._bar.update(self._task, completed=count, total=total)
