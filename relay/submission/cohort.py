"""Messages that arrive at about one time go through the house together.

Whoever is first waits a few milliseconds for those whose transaction is open already, so that
all are read one after the other and judged in one commit: a stage costs less than half a
message when it has just been run for another, and a commit of ten hardly more than one of
one (measured). A client that is alone waits for nobody, and who did not come in time is not
waited for again. Nothing depends on it but time.
"""

import asyncio
from collections.abc import Callable

LEAST, MOST = 0.002, 0.02  # seconds anybody is waited for


class Cohort:
    """Who is on the way, and who waits for them. Used on one event loop."""

    def __init__(self, pace: Callable[[], float] = lambda: LEAST) -> None:
        """`pace` is what a commit takes just now, in seconds: to wait longer would cost more than it saves."""
        self._pace = pace
        self._coming: set[object] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, guest: object) -> None:
        """A message of this guest is on its way."""
        self._coming.add(guest)

    def excuse(self, guest: object) -> None:
        """It is not, or not any more."""
        if guest in self._coming:
            self._coming.discard(guest)
            self._go_if_all_are_here()

    async def join(self, guest: object) -> None:
        """The message of this guest is here; returns when those that are to go with it are, or time is up."""
        self._coming.discard(guest)
        if not self._coming and not self._waiting:
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if self._timer is None:
            self._timer = loop.call_later(min(max(self._pace(), LEAST), MOST), self._go)
        self._go_if_all_are_here()
        await turn

    def _go_if_all_are_here(self) -> None:
        if self._waiting and not self._coming:
            self._go()

    def _go(self) -> None:
        self._coming.clear()
        waiting, self._waiting = self._waiting, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
