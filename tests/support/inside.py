"""Gatepost inside the test's own process: an App in a thread with an event loop of its own.

Faster than a process and open to debuggers and coverage; the test can talk to it with plain `smtplib` and raw
sockets. Work that has to run in its loop goes through `run`.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from tests.support.door import Door
from tests.support.migrated import begin
from tests.support.provider import Provider
from tests.support.settings import Tree, settings, write

Result = TypeVar("Result")


class Inside(Door):
    """A running App; with a `clock` it uses the test's time (milliseconds since the epoch)."""

    def __init__(self, folder: Path, tree: Tree, clock: Callable[[], int] | None = None) -> None:
        from config.loader import load
        from relay.app.serve import open_app

        super().__init__(tree)
        begin(tree)
        self.app = open_app(load(write(folder, tree)).settings)
        if clock is not None:
            self.app.clock.own = clock
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gatepost", daemon=True)
        self._thread.start()
        try:
            self.run(self.app.start())
        except BaseException:
            self._end_loop()
            raise

    def run(self, work: Coroutine[Any, Any, Result], timeout: float = 30.0) -> Result:
        """Run a coroutine in the App's loop; returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def rows(self, question: str, **given: Any) -> list[Any]:
        """What the store says now."""
        with self.app.database.asking.connect() as connection:
            return list(connection.execute(text(question), given))

    def value(self, question: str, **given: Any) -> Any:
        """The first column of the first row, None if there is none."""
        return next(iter(self.rows(question, **given)), (None,))[0]

    def close(self) -> None:
        """Stop the App and its loop."""
        try:
            self.run(self.app.drain())
            self.run(self.app.stop())
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


MakeInside = Callable[..., Inside]


@pytest.fixture
def make_inside(tmp_path: Path) -> Iterator[MakeInside]:
    """Makes Apps: `make_inside(changes, providers=[provider.settings()])`; they end with the test."""
    made: list[Inside] = []

    def make(
        changes: Mapping[str, Any] | None = None,
        *,
        providers: Sequence[Tree] = (),
        clock: Callable[[], int] | None = None,
    ) -> Inside:
        folder = tmp_path / f"inside{len(made)}"
        folder.mkdir()
        made.append(Inside(folder, settings(folder, changes, providers=providers), clock))
        return made[-1]

    yield make
    for inside in made:
        inside.close()


@pytest.fixture
def inside(make_inside: MakeInside, provider: Provider) -> Inside:
    """A running App that delivers to the `provider` fixture."""
    return make_inside(providers=[provider.settings()])
