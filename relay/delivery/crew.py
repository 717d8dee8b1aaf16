"""The workers of one machine share the load: one with more senders than the others hands on some of their mail.

A client's connection stays with the worker that accepted it, so a single agent would keep one
core busy and leave the others idle. Which worker delivers a message is decided before it is
committed: its lease names that worker from the start, so nobody else delivers it too. Then it is
handed over in memory. A message that never arrives returns to the queue: if the sending worker
died, the receiving one finds a delivery that is leased to it but unknown
(`Worker.give_back_strays`); if the receiving one died, its leases are freed as for any dead node.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import structlog
from msgspec import DecodeError, defstruct, msgpack
from msgspec.structs import asdict, fields, replace

from relay.delivery.board import GONE, Board, Entry
from relay.delivery.worker import Worker
from relay.store.parcel import Parcel

log = structlog.get_logger()

BEAT = 0.5  # seconds between two entries on the board
SILENT = 2.0  # seconds without an entry after which a worker is left out
FRESH = 0.01  # seconds for which the others' entries are cached
NEAR = 8  # a difference below one part in this many is ignored
LARGEST = 32 * 1024  # octets of a message to hand on; for larger ones delivery is the smallest part of the work
MOST_DUE = 20  # recipients of a message to hand on
FRAME = 128 * 1024  # octets of an encoded parcel
AT_ONCE = 16  # parcels taken from the inbox before other tasks get their turn


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers of one machine share, made before they are forked: a board, and an inbox for each."""

    board: int
    inboxes: list[list[int]]  # by slot: the descriptors to receive from and to send to

    @classmethod
    def made(cls, workers: int) -> "Shared":
        """A new set for this many workers."""
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(workers)]
        for end in chain.from_iterable(pairs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * FRAME)
        return cls(Board.make(workers), [[end.detach() for end in pair] for pair in pairs])


class Helper(NamedTuple):
    """A worker that delivers a share of our mail; may be this worker itself."""

    slot: int
    node: str
    share: float
    room: int  # octets of messages it can still take; slightly more may arrive between two beats


def shares(own: int, others: Mapping[int, int]) -> dict[int, float]:
    """The share of its mail that a worker hands to each of the others, given how many senders each has.

    Accepting a message and delivering it cost about the same. So a worker with more senders than the mean delivers
    correspondingly less, and one with fewer more: all do equal work, and the only one with senders may keep nothing.
    """
    mean = (own + sum(others.values())) / (1 + len(others))
    if own <= mean:
        return {}
    handed = min(1.0, 2 * (own - mean) / own)
    below = {slot: mean - senders for slot, senders in others.items() if senders < mean}
    return {slot: handed * less / sum(below.values()) for slot, less in below.items()}


class Crew:
    """One worker among the others, if any. `sessions` counts open sessions, `senders` those that sent recently."""

    def __init__(
        self,
        node: str,
        slot: int,
        worker: Worker,
        shared: Shared | None,
        *,
        sessions: Callable[[], int],
        senders: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._node = node
        self._slot = slot
        self._worker = worker
        self._board = Board(shared.board) if shared else None
        self._inboxes = shared.inboxes if shared else []
        self._sessions, self._senders = sessions, senders
        self._clock = clock  # seconds
        self._looked_at = 0.0
        self._helpers: tuple[Helper, ...] = ()
        self._slots: dict[str, int] = {}  # by node, of all that have helped
        self._credits: dict[int, float] = {}
        self._outboxes: dict[int, deque[bytes]] = {}
        self._next_beat: asyncio.TimerHandle | None = None  # None while we do not take part
        self.handed_over = 0  # messages so far

    # -- who delivers -----------------------------------------------------------------------

    def carrier(self, size: int, recipients: int) -> str:
        """The node to which a new message is leased; empty if it has to wait in the queue.

        Called by the writer's thread, in the transaction that accepts the message.
        """
        if size <= LARGEST and recipients <= MOST_DUE:
            helper = self._next(self._look())
            if helper is not None and helper.room >= size:
                return helper.node
        return self._node if self._worker.room >= size else ""

    def _next(self, helpers: Sequence[Helper]) -> Helper | None:
        """The helper whose turn it is: in proportion to the shares, as evenly as possible."""
        for helper in helpers:
            self._credits[helper.slot] = self._credits.get(helper.slot, 0.0) + helper.share
        chosen = max(helpers, key=lambda helper: self._credits[helper.slot], default=None)
        if chosen is not None:
            self._credits[chosen.slot] -= 1.0
        return chosen

    def _others(self) -> dict[int, Entry]:
        """The other workers' current entries, by slot."""
        return self._board.others(self._slot, self._clock() - SILENT) if self._board is not None else {}

    def _look(self) -> Sequence[Helper]:
        """The workers that deliver our mail at the moment; empty if we deliver all of it."""
        now = self._clock()
        if not 0 <= now - self._looked_at < FRESH:
            self._looked_at = now
            others = self._others()
            handed = shares(max(1, self._senders()), {slot: entry.senders for slot, entry in others.items()})
            helpers = [Helper(slot, others[slot].node, share, others[slot].room) for slot, share in handed.items()]
            if helpers:
                self._slots.update((helper.node, helper.slot) for helper in helpers)
                helpers.append(Helper(self._slot, self._node, 1.0 - sum(handed.values()), self._worker.room))
            self._helpers = tuple(helpers)
        return self._helpers

    def leaves(self, arriving: int) -> bool:
        """Whether another worker has clearly fewer sessions than we, with `arriving` ones added to ours."""
        own = self._sessions() + arriving
        return any(own > entry.sessions + entry.sessions // NEAR for entry in self._others().values())

    # -- handing over -----------------------------------------------------------------------

    def accept(self, parcel: Parcel) -> None:
        """Pass new mail to the worker to which it is leased."""
        if parcel.node == self._node:
            self._worker.accept(parcel)
            return
        slot = self._slots[parcel.node]
        outbox = self._outboxes.setdefault(slot, deque())
        outbox.append(_ENCODER.encode(replace(parcel, seen=None)))
        if len(outbox) == 1:
            self._post(slot)
        self.handed_over += 1

    def _post(self, slot: int) -> None:
        """Send what waits for this slot, as far as its inbox has room."""
        loop, (_, there), outbox = asyncio.get_running_loop(), self._inboxes[slot], self._outboxes[slot]
        while outbox:
            try:
                os.write(there, outbox[0])
            except BlockingIOError:
                loop.add_writer(there, self._post, slot)
                return
            except OSError as error:
                log.warning("cannot hand a message to another worker", error=error.strerror)
            outbox.popleft()
        loop.remove_writer(there)

    def _receive(self, inbox: int) -> None:
        for _ in range(AT_ONCE):
            try:
                frame = os.read(inbox, FRAME)
            except BlockingIOError:
                return
            try:
                parcel = Parcel(**asdict(_DECODER.decode(frame)))
            except DecodeError as error:  # written by another release, before a worker was replaced by a new one
                log.warning("cannot read a message from another worker", error=str(error))
                continue
            # Else it was meant for an earlier worker of this slot, or was given back and claimed before it arrived.
            if parcel.node == self._node and not self._worker.holds(parcel.send_id):
                self._worker.accept(parcel)

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start to take part."""
        if self._board is not None:
            inbox, _ = self._inboxes[self._slot]
            asyncio.get_running_loop().add_reader(inbox, self._receive, inbox)
            self._beat()

    def _beat(self) -> None:
        self._next_beat = asyncio.get_running_loop().call_later(BEAT, self._beat)
        self.tell()
        self._forget_the_silent()

    def _forget_the_silent(self) -> None:
        """Drop what waits for a worker that is stuck or gone: its leases bring those messages back into the queue."""
        if any(self._outboxes.values()):
            for slot in self._outboxes.keys() - self._others().keys():
                self._outboxes[slot].clear()

    def tell(self) -> None:
        """Tell the others how much we have to do; called whenever it changes."""
        if self._board is not None and self._next_beat is not None:
            entry = Entry(self._node, self._clock(), self._sessions(), self._senders(), self._worker.room)
            self._board.write(self._slot, entry)

    def leave(self) -> None:
        """Stop taking messages from the others."""
        if self._next_beat is not None:
            self._next_beat.cancel()
            self._next_beat = None
        if self._board is not None:
            self._board.write(self._slot, GONE)


def _plain(value: object) -> object:
    """An immutable mapping as a dict, which can be encoded."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a parcel cannot contain a {type(value).__name__}")


_ENCODER = msgpack.Encoder(enc_hook=_plain)
# A parcel without the parsed structure of its bytes, which is parsed again.
_DECODER = msgpack.Decoder(defstruct("Handed", [(f.name, f.type) for f in fields(Parcel) if f.name != "seen"]))
