"""What a mailbox may ask of the writer: how much at once, and how much in vain.

What is accepted is bounded by the limits of the policy. What is refused, only tried, or taken back, costs as much to
judge, and leaves a record. Without a bound, one client at full speed would fill the disk and keep everybody waiting.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct, field

AT_ONCE = 512  # recipients of one mailbox that wait for the writer: two of its rounds
IN_VAIN = 1_000  # recipients of one mailbox judged in vain in a minute, by one process
_MINUTE = 60_000  # milliseconds


class _Queue(Struct):
    first: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by who is next; the others stand behind it
    eased: asyncio.Event = field(default_factory=asyncio.Event)
    inside: int = 0


class Turns:
    """The recipients that wait for the writer, by mailbox. Use it on one event loop."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)

    @asynccontextmanager
    async def turn(self, mailbox_id: str, recipients: int) -> AsyncIterator[None]:
        """Wait, in order of arrival, until the mailbox has room for so many. Too many for any room go alone."""
        queue = self._queues[mailbox_id]
        async with queue.first:
            while queue.inside and queue.inside + recipients > AT_ONCE:
                queue.eased.clear()
                await queue.eased.wait()
            queue.inside += recipients
        try:
            yield
        finally:
            queue.inside -= recipients
            queue.eased.set()


class Patience:
    """The recipients judged in vain in the present minute of the clock, by mailbox."""

    def __init__(self) -> None:
        self._minute = 0
        self._recipients: Counter[str] = Counter()

    def lose(self, mailbox_id: str, recipients: int, now: int) -> None:
        """Count recipients judged in vain."""
        self._turn(now)
        self._recipients[mailbox_id] += recipients

    def wait(self, mailbox_id: str, now: int) -> int:
        """The seconds until mail of the mailbox is judged again; 0 if it is judged now."""
        self._turn(now)
        return (_MINUTE - now % _MINUTE + 999) // 1000 if self._recipients[mailbox_id] >= IN_VAIN else 0

    def _turn(self, now: int) -> None:
        if (minute := now // _MINUTE) != self._minute:
            self._minute, self._recipients = minute, Counter()
