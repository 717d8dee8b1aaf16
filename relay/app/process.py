"""Where all parts are put together: one process of Gatepost, built from the configuration.

Once started, it accepts mail, delivers it and answers over HTTP. Draining first stops accepting,
then lets commits and attempts under way finish, and leaves the rest in the queue: from then on
nothing that was answered 250 depends on this process. If the disk fails on commit, the process
exits with code 74 and recovers at the next start.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import structlog
from sqlalchemy import Connection

from config.settings import Settings
from relay.app.chores import Chores
from relay.app.instance import Instance
from relay.app.parts import Parts, contexts
from relay.app.setup import UNUSABLE, declare_all, free, note_settings, recover, try_passwords, warn
from relay.delivery.ladder import Ladder
from relay.feedback.station import Station, Supplies
from relay.store.bell import Bell
from relay.store.credentials import declared_hashes
from relay.store.nodes import dead_nodes, figures_beside, register_node
from relay.store.providers import look_again
from relay.store.writer import Unavailable
from relay.submission.certificate import Certificate, CertificateError
from relay.submission.listener import Listener

log = structlog.get_logger()


class App(Parts):
    """One process. `slot` distinguishes the workers of one installation; sockets are made before they fork."""

    def __init__(
        self,
        settings: Settings,
        *,
        smtp: Sequence[socket.socket] = (),
        http: socket.socket | None = None,
        inbound: Sequence[socket.socket] = (),
        **given: Any,
    ) -> None:
        super().__init__(settings, **given)
        self._smtp_sockets = smtp
        self._http_socket = http
        self._inbound_sockets = inbound
        self.listeners: list[Listener] = []
        self.ready = False
        self._http: Any = None
        self._metrics: Any = None

    @cached_property
    def chores(self) -> Chores:
        """The periodic chores of this process."""
        return Chores(self, self.station, register=self._register, figures=self._own_metrics)

    @cached_property
    def bell(self) -> Bell:
        """Wakes our worker for work that others put into the queue."""
        return Bell(self.database, self.worker.wake)

    @cached_property
    def station(self) -> Station:
        """Handles feedback, notices and webhooks."""
        certificate = self.certificate
        supplies = Supplies(
            settings=lambda: self.settings,
            reader=self.reader,
            writer=self.writer,
            vault=self.vault,
            tokens=self.tokens,
            consequences=self.consequences,
            public_url=lambda: self.public_url,
            signs=self.signs,
            new_id=self.ids.new,
            clock=self.clock,
            random=self.random,
        )
        return Station(supplies, self._inbound_sockets, lambda: certificate.context if certificate else None)

    # -- life -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Start to accept mail, deliver it and answer over HTTP."""
        self.crew.leave()  # so that nobody hands us mail for the dead worker that had our slot
        self.writer.start()
        await self.writer.run(self._enter)
        await self.load_signers()
        await self.room.look()
        await self._start_http()
        self.worker.start()
        self.crew.start()
        self.bell.start()
        self.chores.start()
        terms = self.terms()
        for listening, own in zip(self._smtp_sockets, terms, strict=True):
            listener = Listener(
                listening,
                own,
                desk=self.desk,
                traffic=self.traffic,
                throttle=self.throttle,
                certificate=self.certificate,
                now_ms=self.clock,
                leaves=self.crew.leaves,
            )
            listener.start()
            self.listeners.append(listener)
        await self.station.start()
        self.ready = True

    async def drain(self) -> None:
        """Accept nothing more, finish what has begun, and leave the rest in the queue."""
        self.ready = False
        self.crew.leave()
        for listener in self.listeners:
            listener.stop_accepting()
        await self.station.stop()
        timeout = self.settings.server.drain_timeout.total_seconds()
        await asyncio.gather(self.traffic.drain(timeout), self.worker.drain(timeout))
        await self._stop_http()

    async def stop(self) -> None:
        """Release everything. What this process still holds is free for the next one."""
        await self.chores.stop()
        await self.bell.stop()
        with contextlib.suppress(Unavailable):
            await self.chores.heartbeat()
            await self.writer.run(self._leave)
        await self.writer.stop()
        await self.reader.close()
        self.logins.close()
        await self.database.close()

    async def reload(self, settings: Settings) -> None:
        """Apply new settings: accounts, policies, limits, terms, certificates. Open connections continue.

        Raises the exceptions in `UNUSABLE`, and Unavailable; then nothing is changed.
        """
        stored = await self.reader.call(declared_hashes)
        await asyncio.to_thread(try_passwords, settings, stored)
        # Every worker does this, though once is enough, so that each refuses settings that cannot be applied.
        await self.writer.run(lambda c: declare_all(c, settings, self.vault), UNUSABLE)
        await self.load_signers()
        self.admin_key = Instance(self.settings.server.data_dir).admin_key(settings)
        self.settings = settings
        self._scanners.clear()  # they know the secrets of the file
        self.traffic.limits = self.limits()
        if self.is_first:
            await self.writer.run(self._for_all)
        self.desk.forget()
        if self.certificate is not None:
            self._renew(self.certificate)
        for listener, terms in zip(self.listeners, self.terms(), strict=False):
            listener.change(terms)
        delivery, providers = settings.delivery_config, settings.providers
        ladder = Ladder.of(delivery, settings.bounce_handling)
        self.worker.change(delivery, providers, ladder, contexts(providers))
        with contextlib.suppress(Unavailable):  # if so, that mail waits for its next retry
            await self.writer.run(lambda c: look_again(c, self.clock()))
        self.worker.wake()

    # -- details ----------------------------------------------------------------------------

    def _for_all(self, connection: Connection) -> None:
        note_settings(connection, self.settings, self.vault)
        warn(connection, self.settings)
        self.station.begin(connection)

    def _renew(self, certificate: Certificate) -> None:
        try:
            certificate.reload()
        except CertificateError as error:
            log.warning("cannot reload the certificate; keeping the old one", slot=self.slot, error=str(error))
        else:
            if self.is_first:
                log.info("certificate loaded", file=str(certificate.chain))

    def _register(self, connection: Connection) -> None:
        """Register this process as a node."""
        register_node(
            connection,
            node=self.node,
            instance=self.instance,
            slot=self.slot,
            pid=os.getpid(),
            host=socket.gethostname(),
            now=self.clock(),
        )

    def _enter(self, connection: Connection) -> None:
        """Register this process; earlier nodes of its slot are dead, as the lock of the data directory proves."""
        now = self.clock.put_right(connection)
        dead = dead_nodes(connection, silent_since=0, instance=self.instance, slots=(self.slot,))
        recover(connection, self.settings, dead, now)
        self._register(connection)
        if self.is_first:
            note_settings(connection, self.settings, self.vault)

    def _leave(self, connection: Connection) -> None:
        free(connection, self.settings, [self.node], self.clock())

    async def _start_http(self) -> None:
        if self._http_socket is None:
            return
        from relay.http.api import Api  # slow to import: only for processes that serve HTTP
        from relay.http.server import HttpServer
        from relay.mcp.endpoint import join as join_mcp

        house = self._http_house()
        api = Api(house, [join_mcp])
        self._metrics = api.app.state.metrics
        self._http = HttpServer(api, self._http_socket, self.settings.http)
        await self._http.start()
        bind, tls = self.settings.http.bind, self.settings.http.tls is not None
        log.info("listening", address=f"{'https' if tls else 'http'}://{bind}", tls="implicit" if tls else "none")

    def _own_metrics(self) -> str:
        """The counters of this process, for the other workers to add up; empty if there are none."""
        return str(self._metrics.own()) if self._metrics is not None and self.settings.server.workers != 1 else ""

    def _http_house(self) -> Any:
        from relay.http.house import House as HttpHouse

        return HttpHouse(
            settings=lambda: self.settings,
            database=self.database,
            writer=self.writer,
            desk=self.desk,
            logins=self.logins,
            slate=self.slate,
            accounts=self.accounts,
            vault=self.vault,
            tokens=self.tokens,
            ids=self.ids,
            healths=self.healths,
            consequences=self.consequences,
            resolver=self.resolver,
            admin_key=lambda: self.admin_key,
            links=lambda: self.links,
            clock=self.clock,
            random=self.random,
            ready=self.readiness,
            wake=self.worker.wake,
            changed=self.desk.forget,
            figures=self.figures,
            beside=lambda c: figures_beside(c, self.node, self.instance),
            counts=self.counts,
            public_url=lambda: self.public_url,
            ingest=self.station.hooks.ingest,
        )

    def readiness(self) -> tuple[bool, Sequence[str]]:
        """Whether this process accepts mail, and if not, what is missing."""
        missing = [] if self.ready else ["not started or draining"]
        missing += [why for why in (self.room.loss, self.writer.trouble) if why]
        doors = [own.accepting for own in self.listeners] + [own.accepting for own in self.station.listeners]
        missing += [f"listener {n} is closed" for n, accepting in enumerate(doors) if self.ready and not accepting]
        return not missing, missing

    def figures(self) -> dict[str, tuple[str, float]]:
        """Gauges of this process for the metrics, by name: description and value."""
        return {
            "sessions": ("Open SMTP sessions", self.traffic.sessions),
            "commits": ("Messages being committed", self.traffic.commits),
            "in_hand": ("Deliveries in hand", self.worker.in_hand),
            "room": ("1 if there is room for new mail", 0.0 if self.room.lack or self.room.loss else 1.0),
        }

    def counts(self) -> dict[str, tuple[str, tuple[str, ...], Mapping[tuple[str, ...], int]]]:
        """Counters of this process for the metrics, by name: description, label names, and values by labels."""
        smtp: dict[tuple[str, ...], int] = {(name,): count for name, count in self.traffic.counts.items()}
        return {
            "decisions": ("Submissions judged", ("decision", "reason", "source"), self.watch.decisions),
            "settled": ("Rounds of delivery by the state they ended in", ("state", "provider"), self.watch.deliveries),
            "smtp": ("What happened on SMTP connections", ("what",), smtp),
            "handed_over": ("Messages handed to another worker", (), {(): self.crew.handed_over}),
            "write_rounds": ("Transactions of the writer", (), {(): self.writer.rounds}),
            "written_items": ("Items written by the writer's transactions", (), {(): self.writer.items}),
        }

    async def _stop_http(self) -> None:
        if self._http is not None:
            await self._http.stop()
