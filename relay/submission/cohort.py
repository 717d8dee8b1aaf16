"""Groups messages that arrive at nearly the same time, so that one commit serves all of them.

The first message to arrive waits a few milliseconds for the clients whose transaction is already open. All of
them are then read one after another and judged in one commit. Measured: a stage that has just run for one
message costs less than half as much for the next, and a commit of ten messages costs hardly more than a
commit of one. A client that is alone does not wait, and a client that misses its group is not waited for
again. This affects timing only.
"""

import asyncio
from collections.abc import Callable

LEAST, MOST = 0.002, 0.02  # the least and the most that anybody waits, in seconds


class Cohort:
    """Which messages are expected, and which wait for them. Used on one event loop."""

    def __init__(self, pace: Callable[[], float] = lambda: LEAST) -> None:
        """`pace` gives the current duration of a commit in seconds; waiting longer than that would cost more
        than it saves.
        """
        self._pace = pace
        self._coming: set[object] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, guest: object) -> None:
        """A message from this guest is on its way."""
        self._coming.add(guest)

    def excuse(self, guest: object) -> None:
        """No message from this guest is on its way any more."""
        if guest in self._coming:
            self._coming.discard(guest)
            self._go_if_all_are_here()

    async def join(self, guest: object) -> None:
        """This guest's message has arrived. Returns when the rest of its group has arrived too, or when time is up."""
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
