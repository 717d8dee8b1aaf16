"""What has to be done from time to time: heartbeats, the dead, expiry, retention, checkpoints.

Chores that one process does for all take an advisory lock on PostgreSQL; on SQLite the
worker of slot 0 does them. One that fails is logged and done again at its next turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import Connection

from config.server import Retention
from policy.usage import DAY
from relay.app.instance import Instance
from relay.app.setup import free
from relay.http import dns_records
from relay.store import attribution, audit, domains, roster
from relay.store.approvals import expire_approvals
from relay.store.engine import Unreachable
from relay.store.events import Event, record
from relay.store.nodes import SILENT, dead_nodes, heartbeat, try_alone
from relay.store.partitions import prepare
from relay.store.providers import paused_providers
from relay.store.pruning import Seal
from relay.store.restored import rise
from relay.store.retention import STEP, Sweep, gone, sweeps, take_away
from relay.store.writer import Broken, Unavailable

if TYPE_CHECKING:
    from relay.app.process import App

log = structlog.get_logger()
T = TypeVar("T")

BETWEEN_STEPS = 0.02  # seconds between two steps of a sweep


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do every `period` seconds; `alone` where one process does it for all."""

    name: str
    period: float
    do: Callable[[], Awaitable[None]]
    alone: bool = False


class Chores:
    """The chores of one process."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._tasks: list[asyncio.Task[None]] = []
        self._last_beat = self._awake_since = 0

    def start(self) -> None:
        """Begin with all of them."""
        chores = (
            Chore("heartbeat", 5, self.heartbeat),
            Chore("providers", 1, self._providers),
            Chore("room", 15, self._app.room.look),
            Chore("file", 1, self._file),
            Chore("strays", 5, self._app.worker.give_back_strays),
            Chore("signers", 60, self._app.load_signers),
            Chore("domains", 60, self._domains, alone=True),
            Chore("dead nodes", 10, self.bury_the_dead),  # on SQLite too each: the first may be the dead one
            Chore("returns", 2, self._returns, alone=True),
            Chore("notices", 1, self._notices, alone=True),
            Chore("webhooks", 1, self._webhooks),
            Chore("outcomes", 10, self._outcomes, alone=True),
            Chore("approvals", 10, self._approvals, alone=True),
            Chore("retention", 60, self._retention, alone=True),
            Chore("checkpoint", 60, self._checkpoint, alone=True),
        )
        self._tasks = [asyncio.create_task(self._every(chore)) for chore in chores]

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _every(self, chore: Chore) -> None:
        while True:
            await asyncio.sleep(chore.period)
            if chore.alone and self._app.database.is_sqlite and self._app.slot != 0:
                continue
            try:
                await chore.do()
            except (Unavailable, Broken, Unreachable) as error:
                log.warning("a chore could not be done", chore=chore.name, error=str(error))
            except Exception:  # a bug in one chore must not end the others; it is told and tried again
                log.exception("a chore failed", chore=chore.name)

    async def _alone(self, job: Callable[[Connection], T]) -> T | None:
        """What one process does for all; None where another does it just now."""
        return await self._app.writer.run(lambda c: job(c) if try_alone(c) else None)

    async def heartbeat(self) -> None:
        """Say that we live, and note how high the store's tide stands."""
        app, now = self._app, self._app.clock()
        figures = app.own_metrics()

        def beat(connection: Connection) -> int:
            if not heartbeat(connection, app.node, now, figures):
                app.register(connection)
            return rise(connection) if app.is_first else 0

        if tide := await app.writer.run(beat):
            Instance(app.settings.server.data_dir).note_tide(tide)
        if not 0 <= now - self._last_beat < SILENT // 2:
            self._awake_since = now
        self._last_beat = now

    async def _providers(self) -> None:
        paused = await self._app.reader.call(paused_providers)
        if paused != self._app.healths.paused:
            self._app.healths.paused = paused
            self._app.worker.wake()

    async def _file(self) -> None:
        """See that the store's file is the one we opened; people are told once where it is not."""
        app = self._app
        if not app.room.look_at_file():
            return
        app.writer.lost = app.room.loss
        if app.slot:
            return
        data = {"alert": "store_lost", "cause": f"{app.room.loss}; no mail is taken before a new start"}
        await app.writer.run(lambda c: record(c, [Event("alert.raised", app.clock(), data=data)]))

    async def _domains(self) -> None:
        """Ask DNS about those whose turn it is, each a day, and those that rotate their keys sooner."""
        app = self._app
        rows = await self._alone(lambda c: domains.take_for_check(c, app.clock())) or ()
        for row in rows:
            await self._ask_dns(row)
        if rows:
            await self._app.load_signers()

    async def _ask_dns(self, row: Any) -> None:
        app = self._app
        keys = await app.reader.call(lambda c: roster.keys_of(c, row.name))
        found = await dns_records.check(dns_records.wanted(row, keys, app.settings), app.resolver)
        records = [record.as_json() for record in found]
        await app.writer.run(lambda c: domains.checked(c, row.id, records=records, now=app.clock()))

    async def bury_the_dead(self) -> None:
        """Free what processes held that have been silent for too long."""
        app = self._app
        if app.clock() - self._awake_since < SILENT:
            return  # who has been away, or without the store, knows nothing of the silence of others

        def job(connection: Connection) -> None:
            now = app.clock()
            dead = [n for n in dead_nodes(connection, silent_since=now - SILENT) if n != app.node]
            freed = free(connection, app.settings, dead, now)
            if dead:
                log.warning("nodes died", nodes=dead, requeued=freed[0], uncertain=freed[1])

        await self._alone(job)

    async def _returns(self) -> None:
        await self._alone(self._app.station.apply_waiting)

    async def _notices(self) -> None:
        if await self._app.station.has_news():
            await self._alone(self._app.station.write_notices)
            self._app.worker.wake()

    async def _webhooks(self) -> None:
        await self._app.station.post()

    async def _outcomes(self) -> None:
        """Credit what came, so that a report finds it credited."""
        app = self._app
        terms = attribution.terms_of(app.settings)
        await attribution.keep_up(app.reader.call, app.writer.run, asyncio.sleep, terms)

    async def _approvals(self) -> None:
        await self._alone(lambda c: expire_approvals(c, self._app.clock()))

    async def _retention(self) -> None:
        """Until nothing is left to do; between two steps mail has its turn."""
        app = self._app
        kept, now, seal = app.settings.retention, app.clock(), Seal(app.vault.sign, app.vault.public_key)
        await asyncio.to_thread(self._turn_over, kept, now, seal)
        for sweep in sweeps(kept, now, seal, cut=not app.database.is_sqlite):
            await self._sweep(sweep)

    async def _sweep(self, sweep: Sweep) -> None:
        """Step by step until one is not full any more, or another process does it."""
        swept = STEP
        while swept >= STEP:
            swept = await self._alone(sweep.step) or 0
            await asyncio.sleep(BETWEEN_STEPS)

    def _turn_over(self, kept: Retention, now: int, seal: Seal) -> None:
        """Periods to come are made and past ones dropped, beside the writer: a lock may have to be waited for."""
        database = self._app.database
        with database.transaction() as connection:
            over = (prepare(connection, now), gone(connection, kept, now))[1] if try_alone(connection) else []
        for period in over:
            with database.transaction() as connection:
                if try_alone(connection):
                    take_away(connection, period, now, seal)
                    log.info("a period is over", dropped=period.name)

    async def _checkpoint(self) -> None:
        """Sign all heads once a day."""
        app = self._app

        def job(connection: Connection) -> None:
            now = app.clock()
            if now - audit.last_checkpoint(connection) >= DAY:
                audit.checkpoint(
                    connection,
                    checkpoint_id=app.ids.new("chk"),
                    at=now,
                    sign=app.vault.sign,
                    public_key=app.vault.public_key,
                )

        await self._alone(job)
