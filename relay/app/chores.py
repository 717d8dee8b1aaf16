"""Periodic chores: heartbeats, dead processes, expiry, retention, checkpoints.

Chores that one process does for all take an advisory lock on PostgreSQL; on SQLite the
worker of slot 0 does them. A chore that fails is logged and repeated at its next turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from config.server import Retention
from policy.usage import DAY, MINUTE
from relay.app.instance import Instance
from relay.app.parts import Parts
from relay.app.setup import free
from relay.feedback.station import Station
from relay.http import dns_records
from relay.store import attribution, audit, domain_checks, feedback, journal, keys, notices
from relay.store.approvals import expire_approvals
from relay.store.clock import WORTH_TELLING
from relay.store.engine import Unreachable
from relay.store.events import Event, record
from relay.store.nodes import SILENT, dead_nodes, heartbeat, try_alone
from relay.store.partitions import CUTS, prepare
from relay.store.places import Throttles
from relay.store.providers import NO_PROVIDER, paused_providers
from relay.store.pruning import Seal
from relay.store.queue import let_go
from relay.store.restored import rise, tide
from relay.store.retention import STEP, Sweep, gone, sweeps, take_away
from relay.store.writer import Unavailable

log = structlog.get_logger()
T = TypeVar("T")

BETWEEN_STEPS = 0.02  # seconds between two steps of a sweep


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do every `period` seconds; `alone` if one process does it for all."""

    name: str
    period: float
    do: Callable[[], Awaitable[None]]
    alone: bool = False


class Chores:
    """The chores of one process."""

    def __init__(
        self, parts: Parts, station: Station, *, register: Callable[[Connection], None], figures: Callable[[], str]
    ) -> None:
        self._parts = parts
        self._station = station
        self._register = register  # registers this process
        self._figures = figures  # the counters of this process
        self._tasks: list[asyncio.Task[None]] = []
        self._throttles = Throttles()
        self._last_beat = self._awake_since = self._told_behind = 0

    def start(self) -> None:
        """Start all chores."""
        chores = (
            Chore("heartbeat", 5, self.heartbeat),
            Chore("providers", 1, self._providers),
            Chore("room", 15, self._parts.room.look),
            Chore("file", 1, self._file),
            Chore("strays", 5, self._parts.worker.give_back_strays),
            Chore("signers", 60, self._parts.load_signers),
            Chore("domains", 60, self._domains, alone=True),
            Chore("dead nodes", 10, self.bury_the_dead),  # by each process even on SQLite: that of slot 0 may be dead
            Chore("returns", 2, self._returns, alone=True),
            Chore("notices", 1, self._notices, alone=True),
            Chore("events", 60, self._events),
            Chore("webhooks", 1, self._station.poster.look),
            Chore("outcomes", 10, self._outcomes, alone=True),
            Chore("approvals", 10, self._approvals, alone=True),
            Chore("retention", 60, self._retention, alone=True),
            Chore("throttles", 60, self._sweep_throttles, alone=True),
            Chore("checkpoint", 60, self._checkpoint, alone=True),
        )
        self._tasks = [asyncio.create_task(self._every(chore)) for chore in chores]

    async def stop(self) -> None:
        """Stop all chores."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _every(self, chore: Chore) -> None:
        while True:
            await asyncio.sleep(chore.period)
            if chore.alone and self._parts.database.is_sqlite and not self._parts.is_first:
                continue
            try:
                await chore.do()
            except (Unavailable, Unreachable) as error:
                log.warning("chore postponed", chore=chore.name, error=str(error))
            except Exception:  # a bug in one chore must not stop the others; it is logged and tried again
                log.exception("internal error in a chore", chore=chore.name)

    async def _alone(self, job: Callable[[Connection], T]) -> T | None:
        """Run what one process does for all; None if another process is doing it."""
        return await self._parts.writer.run(lambda c: job(c) if try_alone(c) else None)

    async def heartbeat(self) -> None:
        """Report that this process is alive, and note the store's tide."""
        parts, figures = self._parts, self._figures()

        def beat(connection: Connection) -> tuple[int, int]:
            now = parts.clock.put_right(connection)
            parts.look_back(connection)
            if not heartbeat(connection, parts.node, now, figures):
                self._register(connection)
            return now, rise(connection) if parts.is_first else tide(connection)

        now, parts.heard = await parts.writer.run(beat)
        if self._was_away(now):
            self._awake_since = now
        self._last_beat = now
        if parts.is_first:
            self._tell_difference()
            self._note_tide()

    def _tell_difference(self) -> None:
        behind = self._parts.clock.behind
        if abs(behind - self._told_behind) >= WORTH_TELLING:
            self._told_behind = behind
            log.warning("this machine's clock differs from the store's, which is used", milliseconds_behind=behind)

    def _note_tide(self) -> None:
        folder = self._parts.settings.server.data_dir
        try:
            Instance(folder).note_tide(self._parts.heard)
        except OSError as error:
            log.warning("cannot write to the data directory", folder=str(folder), error=str(error))

    def _was_away(self, now: int) -> bool:
        """Whether our last heartbeat was too long ago."""
        return not 0 <= now - self._last_beat < SILENT // 2

    async def _providers(self) -> None:
        parts = self._parts
        known = parts.healths.paused
        paused = await parts.reader.call(paused_providers)
        if paused != known and parts.healths.paused is known:  # else a person has changed it here meanwhile
            parts.healths.paused = paused
            if known - paused:  # mail we put off after the provider was resumed, before we knew
                await parts.writer.run(lambda c: let_go(c, {NO_PROVIDER}, parts.clock()))
            parts.worker.wake()

    async def _file(self) -> None:
        """Check that the store's file is still the one we opened; if not, raise an alert once."""
        parts = self._parts
        if not parts.room.look_at_file():
            return
        parts.writer.lost = parts.room.loss
        if not parts.is_first:
            return
        data = {"alert": "store_lost", "cause": f"{parts.room.loss}; no mail is accepted until the server is restarted"}
        await parts.writer.run(lambda c: record(c, [Event("alert.raised", parts.clock(), data=data)]))

    async def _domains(self) -> None:
        """Check the domains that are due in DNS: each daily, those that rotate their keys more often."""
        parts = self._parts
        rows = await self._alone(lambda c: domain_checks.take_for_check(c, parts.clock())) or ()
        for row in rows:
            await self._ask_dns(row)
        if rows:
            await self._parts.load_signers()

    async def _ask_dns(self, row: Any) -> None:
        parts = self._parts
        own_keys = await parts.reader.call(lambda c: keys.of_domain(c, row.name))
        found = await dns_records.check(row, own_keys, parts.settings, parts.resolver)
        records = [record.as_json() for record in found]
        await parts.writer.run(lambda c: domain_checks.checked(c, row.id, records=records, now=parts.clock()))

    async def bury_the_dead(self) -> None:
        """Free what was held by processes that have been silent for too long."""
        parts = self._parts

        def job(connection: Connection) -> bool:
            now = parts.clock.put_right(connection)
            # A process that was suspended or without the store knows nothing of others; this job may have waited too.
            if self._was_away(now) or now - self._awake_since < SILENT:
                return False
            dead = [n for n in dead_nodes(connection, silent_since=now - SILENT) if n != parts.node]
            freed = free(connection, parts.settings, dead, now)
            if dead:
                log.warning("dead nodes removed", nodes=dead, requeued=freed[0], uncertain=freed[1])
            return freed[0] > 0

        if await self._alone(job):
            parts.worker.look_afresh()

    async def _returns(self) -> None:
        """Apply events that waited; mail gets its turn between the steps."""
        after: feedback.Mark | None = feedback.FIRST
        while after:
            after = await self._alone(partial(self._station.apply_waiting, after=after))

    async def _notices(self) -> None:
        if await self._parts.reader.call(notices.is_behind):
            await self._alone(self._station.write_notices)
            self._parts.worker.wake()

    async def _events(self) -> None:
        """Tell, once on each machine, of a transaction that keeps events from webhooks, notices and streams."""
        parts = self._parts
        if not parts.is_first:
            return
        found = await parts.reader.call(journal.withheld)
        if found is not None and (waited := parts.clock() - found.since) >= MINUTE:
            log.warning("events wait for a transaction to end", seconds=waited // 1000, behind=found.behind)

    async def _outcomes(self) -> None:
        """Credit new events, so that reports are up to date."""
        parts = self._parts
        terms = attribution.terms_of(parts.settings)
        await attribution.keep_up(parts.reader.call, parts.writer.run, asyncio.sleep, terms)

    async def _approvals(self) -> None:
        await self._alone(lambda c: expire_approvals(c, self._parts.clock()))

    async def _retention(self) -> None:
        """Delete all that has expired; mail gets its turn between the steps."""
        parts = self._parts
        kept, now, seal = parts.settings.retention, parts.clock(), Seal(parts.vault.sign, parts.vault.public_key)
        await asyncio.to_thread(self._turn_over, kept, now, seal)
        for sweep in sweeps(kept, now, seal, cut=not parts.database.is_sqlite):
            await self._sweep(sweep)

    async def _sweep(self, sweep: Sweep) -> None:
        """Repeat the step until it is no longer full, or another process is doing it."""
        swept = STEP
        while swept >= STEP:
            swept = await self._alone(sweep.step) or 0
            await asyncio.sleep(BETWEEN_STEPS)

    def _turn_over(self, kept: Retention, now: int, seal: Seal) -> None:
        """Make coming periods and drop expired ones; outside the writer's thread, as it may have to wait for locks."""
        database = self._parts.database
        for cut in CUTS:  # apart: who holds one default partition must not wait for another that mail may hold
            with database.transaction() as connection:
                if try_alone(connection):
                    prepare(connection, now, (cut,))
        with database.transaction() as connection:
            over = gone(connection, kept, now) if try_alone(connection) else []
        for period in over:
            with database.transaction() as connection:
                if try_alone(connection):
                    take_away(connection, period, now, seal)
                    log.info("dropped an expired partition", dropped=period.name)

    async def _sweep_throttles(self) -> None:
        await self._alone(lambda c: self._throttles.sweep(c, self._parts.clock()))

    async def _checkpoint(self) -> None:
        """Sign all heads once a day."""
        parts = self._parts

        def job(connection: Connection) -> None:
            now = parts.clock()
            if now - audit.last_checkpoint(connection) >= DAY:
                audit.checkpoint(
                    connection,
                    checkpoint_id=parts.ids.new("chk"),
                    at=now,
                    sign=parts.vault.sign,
                    public_key=parts.vault.public_key,
                )

        await self._alone(job)
