"""Takes due deliveries from memory and from the queue, and runs a round for each.

Fresh mail is handed over in memory, already leased to this process (`crew`). Mail that survived a
crash, or was retried or scheduled, is claimed from the queue, but no more than there are free
hands and usable providers for: while no provider may be used nothing is claimed, however much
waits, and only the fact that there is none is written. If the store cannot be read or written, the
worker waits for it. At shutdown no attempt begins any more, those under way get the time there is,
those that wait for a provider's final reply a little longer, and everything else goes back into the queue.
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from config.delivery import DeliveryConfig
from config.providers import ProviderSettings
from relay.delivery.dress import most_at_once
from relay.delivery.ladder import Ladder
from relay.delivery.means import Means
from relay.delivery.recheck import Recheck
from relay.delivery.round import Round
from relay.delivery.settlement import Settlement
from relay.store.parcel import Parcel
from relay.store.queue import claim, give_back, next_due, strays, tell, untold
from relay.store.reader import Reader
from relay.store.sends import body
from relay.store.writer import Unavailable

log = structlog.get_logger()

CLAIM = 200  # deliveries leased from the queue at a time
LATE = 60_000  # milliseconds by which a delivery may be committed after the time it is due
POLL = 1.0  # seconds between looks at the queue
LAST_SECONDS = 2.0  # seconds of a drain in which attempts are broken off, except those waiting for a final reply
GATHER = 0.03  # seconds for which fresh messages gather behind others, so that their attempts begin in one commit
SETTLING = 0.5  # seconds at the end of a drain to write outcomes


class Worker:
    """The delivery of one process."""

    def __init__(
        self,
        means: Means,
        *,
        reader: Reader,
        recheck: Recheck,
        memory: int,
        look_back: Callable[[Connection], None],
    ) -> None:
        self.means = means
        self._reader = reader
        self._recheck = recheck
        self._look_back = look_back  # called before claiming: what it sets apart is no longer due
        self._memory = memory  # octets of messages that may wait in memory
        self._gathered: deque[Parcel] = deque()  # fresh ones that came close behind others
        self._gathering: asyncio.Handle | None = None
        self._fresh: deque[Parcel] = deque()
        self._claimed: deque[Parcel] = deque()
        self._bytes = 0
        self._held: Counter[str] = Counter()  # parcels in hand, by submission
        self._missing: set[str] = set()  # submissions leased to us that had not arrived at the last look
        self._busy: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._next_poll = 0.0
        self._more = False  # the queue had something at the last look
        self._queue_first = False
        self._told_until = 0  # for deliveries due before this time, the reason for waiting is recorded

    @property
    def room(self) -> int:
        """Octets of fresh messages for which there is room in memory; others wait in the queue."""
        return 0 if self.means.pool.draining else max(0, self._memory - self._bytes)

    def accept(self, parcel: Parcel) -> None:
        """Take a fresh message that is leased to this process."""
        self._take(parcel, self._gathered)
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_soon(self._release)

    def _release(self) -> None:
        """Hand out what has gathered. Only what comes close behind it gathers again: a message alone leaves at once."""
        self._gathering = None
        if self._gathered:
            self._gathering = asyncio.get_running_loop().call_later(GATHER, self._release)
            self._fresh.extend(self._gathered)
            self._gathered.clear()
            self._hand_out()

    def wake(self) -> None:
        """Look into the queue at once: something may be due."""
        self._next_poll = 0.0
        self._wake.set()

    def change(
        self,
        delivery: DeliveryConfig,
        providers: tuple[ProviderSettings, ...],
        ladder: Ladder,
        contexts: Mapping[str, ssl.SSLContext],
    ) -> None:
        """Use other providers and rules from the next round on; rounds under way keep theirs."""
        for provider in providers:
            if provider not in self.means.providers:
                self.means.healths.changed(provider.name)
        self.means.pool.change(providers, contexts)
        self.means = replace(self.means, delivery=delivery, providers=providers, ladder=ladder)
        self.wake()

    @property
    def in_hand(self) -> int:
        """The number of messages waiting or under way in this process."""
        return len(self._gathered) + len(self._fresh) + len(self._claimed) + len(self._busy)

    def start(self) -> None:
        """Start to deliver."""
        self._main = asyncio.create_task(self._run())

    async def drain(self, timeout: float = 6.0) -> None:
        """Take nothing new, and finish what has begun within `timeout` seconds; the rest waits in the queue."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout
        pool = self.means.pool
        pool.drain()
        self._wake.set()
        if self._main is not None:  # it may be stuck waiting for the store
            await asyncio.wait({self._main}, timeout=timeout - LAST_SECONDS)
            self._main.cancel()
        if not await self._finish(ends - loop.time() - LAST_SECONDS):
            pool.hurry(wait_for_answers=True)
            if not await self._finish(ends - loop.time() - SETTLING):
                pool.hurry(wait_for_answers=False)
                await self._finish(max(SETTLING, ends - loop.time()))
        if self._busy:
            log.warning("attempts still running at the end of the drain", in_hand=len(self._busy))
        await pool.close()

    def holds(self, send_id: str) -> bool:
        """Whether a parcel of this submission is in hand."""
        return send_id in self._held

    async def give_back_strays(self) -> None:
        """Put deliveries back into the queue that are leased to us but never arrived.

        The worker that was to hand them over died, or the store went away before confirming that the lease was written.
        Only what two consecutive looks found is put back. Raises Unavailable.
        """
        node, now = self.means.node, self.means.clock()
        leased = await self._reader.call(lambda c: strays(c, node=node, now=now))
        missing = leased - self._held.keys()
        lost, self._missing = missing & self._missing, missing
        if lost:
            log.warning("requeued mail that was claimed but never reached a worker", sends=len(lost))
            await self.means.writer.run(lambda c: give_back(c, node=node, now=now, send_ids=lost))
            self.look_afresh()

    def look_afresh(self) -> None:
        """Look at the whole queue again: mail was put back into it with the time at which it had been due."""
        self._told_until = 0
        self.wake()

    async def _finish(self, timeout: float) -> bool:
        """Wait for everything under way; returns whether all of it ended within `timeout` seconds."""
        if self._busy and timeout > 0:
            await asyncio.wait(set(self._busy), timeout=timeout)
        return not self._busy

    # -- the loop -------------------------------------------------------------------------

    async def _run(self) -> None:
        """Poll the queue, and look again at once while it has more."""
        loop = asyncio.get_running_loop()
        self._hand_out()
        while not self.means.pool.draining:
            self._wake.clear()
            if self._more or loop.time() >= self._next_poll:
                self._next_poll = loop.time() + POLL
                if len(self._claimed) < self._hands:
                    self._more = await self._poll()
                    self._hand_out()
            try:
                async with asyncio.timeout(max(0.0, self._next_poll - loop.time())):
                    await self._wake.wait()
            except TimeoutError:
                self.means.pool.sweep()

    @property
    def _hands(self) -> int:
        return self.means.delivery.concurrency

    def _hand_out(self) -> None:
        """Start rounds while hands are free, alternating between fresh messages and those of the queue."""
        if self._main is None or self.means.pool.draining:
            return
        while (self._fresh or self._claimed) and len(self._busy) < self._hands:
            self._queue_first = not self._queue_first
            line = self._claimed if self._claimed and (self._queue_first or not self._fresh) else self._fresh
            parcel = line.popleft()
            task = asyncio.create_task(self._deliver(parcel))
            self._busy.add(task)
            task.add_done_callback(lambda done, parcel=parcel: self._finished(done, parcel))  # type: ignore[misc]

    async def _poll(self) -> bool:
        """Claim what is due, as far as there are hands and providers for it; returns whether there was anything."""
        room, now, node = self._room(), self.means.clock(), self.means.node

        def taken(connection: Connection) -> list[Parcel]:
            self._look_back(connection)
            return claim(connection, node=node, now=now, limit=room)

        try:
            if room <= 0:
                await self._tell(now)
                return False
            due_at = await self._reader.call(next_due)
            if not due_at or due_at > now:
                return False
            parcels = await self.means.writer.run(taken)
        except Unavailable as error:
            log.warning("cannot read the queue", error=str(error))
            return False
        except Exception:  # a bug must not end all delivery: it is logged and tried again
            log.exception("internal error while reading the queue")
            return False
        for parcel in parcels:
            self._take(parcel, self._claimed)
        return bool(parcels)

    async def _tell(self, now: int) -> None:
        """Record why due, never tried deliveries wait: no provider may be used. At most CLAIM of them per look."""
        fit = [p for p in self.means.providers if p.takes_mail]
        if any(self.means.healths.may_try(p.name) for p in fit):
            return
        since = self._told_until
        rows = await self._reader.call(lambda c: untold(c, since=since, now=now, limit=CLAIM))
        if rows:
            reason = self.means.healths.why_shut(fit)
            await self.means.writer.run(lambda c: tell(c, rows, reason))
        # The next look skips what is recorded, but not the last minute: a delivery may be committed after it is due.
        if self._told_until == since:  # else a look afresh was asked for meanwhile
            self._told_until = rows[-1].due_at if len(rows) == CLAIM else now - LATE

    def _take(self, parcel: Parcel, line: deque[Parcel]) -> None:
        self._bytes += parcel.size
        self._held[parcel.send_id] += 1
        line.append(parcel)

    def _room(self) -> int:
        """How many deliveries the providers may be given now, at most what is claimed at a time."""
        healths, room = self.means.healths, 0
        for provider in self.means.providers:
            if provider.takes_mail:
                room += min(healths.room(provider.name), most_at_once(provider) or CLAIM)
        return min(room, CLAIM) - len(self._claimed)

    def _finished(self, task: "asyncio.Task[None]", parcel: Parcel) -> None:
        self._busy.discard(task)
        self._bytes -= parcel.size
        self._held[parcel.send_id] -= 1
        if not self._held[parcel.send_id]:
            del self._held[parcel.send_id]
        self._hand_out()
        if self._more and len(self._claimed) < self._hands:
            self._wake.set()
        if task.cancelled() or (error := task.exception()) is None:
            return
        # The process ends while the store is away: its leases are freed when its node is removed.
        log.warning("cannot store the outcome of an attempt", send=parcel.send_id, error=str(error))

    # -- one message ------------------------------------------------------------------------

    async def _deliver(self, parcel: Parcel) -> None:
        """Run a round for all due recipients. Raises Unavailable if the process ends while the store is away."""
        try:
            turn = await self._prepared(parcel)
        except Unavailable:
            raise
        except Exception:
            # A bug of ours: no attempt has begun, and the message must not stay in our hands forever.
            log.exception("internal error during a delivery", send=parcel.send_id)
            await self._put_back(parcel)
            return
        await turn.run()

    async def _prepared(self, parcel: Parcel) -> Round:
        """The round, with the message, for those recipients that the policy still lets go."""
        means = self.means
        owner = await means.patiently(lambda: means.owner(parcel))
        stops = await means.patiently(lambda: self._recheck.stops(parcel, owner))
        parcel = await means.patiently(lambda: self._recheck.placed(parcel, owner, stops))
        data = parcel.data
        if data is None:
            data = await means.patiently(lambda: self._reader.call(lambda c: body(c, parcel.send_id)))
        turn = Round(means, parcel, owner, data or b"")
        for due in parcel.due:
            if due.n in stops:
                turn.stop(due, stops[due.n])
        if data is None:
            turn.give_up()
        return turn

    async def _put_back(self, parcel: Parcel) -> None:
        settlement = Settlement(self.means, parcel)
        for due in parcel.due:
            settlement.failed_in_us(due)
        await settlement.written()
