"""The only place where the parts meet: one process of Gatepost, built from the configuration.

Started, it takes mail, delivers it and answers over HTTP. Draining stops the taking first,
lets commits and attempts under way come to their end, and leaves the rest in the queue:
nothing that was answered 250 depends on this process any more. When the disk fails on
commit it exits with code 74 and recovers at the next start.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import structlog
from sqlalchemy import Connection

from config.providers import ProviderSettings
from config.settings import Settings
from policy.secrets import SecretScanner, is_recognisable
from relay.chores import Chores
from relay.delivery.dress import Wardrobe
from relay.delivery.health import Healths
from relay.delivery.ladder import Ladder
from relay.delivery.pool import Pool
from relay.delivery.recheck import Owner, Recheck
from relay.delivery.round import Means
from relay.delivery.worker import Worker
from relay.mail.dns import DnsResolver, mail_host
from relay.mail.ids import Ids
from relay.mail.token import TokenKey, Tokens
from relay.mail.unsubscribe import Links
from relay.store.attempts import BeginHandler, SettleHandler
from relay.store.consequences import Consequences, Rules
from relay.store.engine import Database
from relay.store.keys import Signers
from relay.store.nodes import bury, dead_nodes, register_node
from relay.store.parcel import Parcel
from relay.store.reader import Reader
from relay.store.vault import Vault
from relay.store.writer import Broken, Unavailable, Writer
from relay.submission.account import Account, Accounts
from relay.submission.certificate import Certificate
from relay.submission.desk import FrontDesk
from relay.submission.intake import Intake, IntakeSettings
from relay.submission.listener import Listener
from relay.submission.login import Logins
from relay.submission.preparation import House
from relay.submission.terms import Limits, Terms, Timeouts
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic

log = structlog.get_logger()

EX_IOERR = 74  # sysexits: an error occurred while doing I/O


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class App:
    """One process. `slot` tells the workers of one installation apart; sockets are made before they fork."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        vault: Vault,
        instance: str,
        admin_key: str,
        slot: int = 0,
        smtp: Sequence[socket.socket] = (),
        http: socket.socket | None = None,
        inbound: Sequence[socket.socket] = (),
        clock: Callable[[], int] = wall_clock,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings
        self.database = database
        self.vault = vault
        self.instance = instance
        self.slot = slot
        self.clock = clock
        self.random = random
        self.node = f"{instance}.{slot}.{secrets.token_hex(4)}"
        self.admin_key = admin_key
        self.exit_code = 0
        self.stopping = asyncio.Event()
        self._smtp_sockets = smtp
        self._http_socket = http
        self._inbound_sockets = inbound
        self.listeners: list[Listener] = []
        self.ready = False
        self._http: Any = None
        self._scanners: dict[str, tuple[Any, SecretScanner]] = {}

    # -- the parts ----------------------------------------------------------------------

    @cached_property
    def ids(self) -> Ids:
        """Makes every id of this process."""
        return Ids(self.clock, self.random)

    @cached_property
    def writer(self) -> Writer:
        """The line in front of the store."""
        return Writer(self.database, on_broken=self._broken)

    @cached_property
    def reader(self) -> Reader:
        """The line of questions."""
        return Reader(self.database)

    @cached_property
    def tokens(self) -> Tokens:
        """Signed tokens of links and addresses."""
        return Tokens([TokenKey(1, self.vault.derive("tokens"))])

    @property
    def links(self) -> Links:
        """Unsubscribe links of this installation."""
        return Links(self.tokens, self.public_url, str(self.settings.inbound.bounce_domain or ""))

    @property
    def public_url(self) -> str:
        """Where links of ours lead."""
        return self.settings.server.public_url or f"http://{self.settings.http.bind}"

    @cached_property
    def signers(self) -> Signers:
        """DKIM keys, loaded once."""
        return Signers(self.vault)

    @cached_property
    def accounts(self) -> Accounts:
        """Mailboxes as they stand just now."""
        return Accounts(self.reader, lambda: self.settings, self.clock)

    @cached_property
    def logins(self) -> Logins:
        """Who is who."""
        return Logins(self.reader, self.vault, self.clock)

    @cached_property
    def intake(self) -> Intake:
        """The transaction at the heart."""
        approval = int(self.settings.approvals.timeout.total_seconds() * 1000)
        return Intake(
            IntakeSettings(self.node, f"{self.instance}.{self.slot}", approval),
            clock=self.clock,
            token=lambda: self.random(9).hex(),
            has_room=lambda size: self.worker.has_room(size),  # noqa: PLW0108 - the worker is made later
        )

    @cached_property
    def desk(self) -> FrontDesk:
        """What sessions and calls ask."""
        return FrontDesk(
            reader=self.reader,
            writer=self.writer,
            accounts=self.accounts,
            logins=self.logins,
            intake=self.intake,
            house=self._house,
            scanner=self._scanner,
            mail_hosts=self.mail_hosts,
            on_parcel=lambda parcel: self.worker.accept(parcel),  # noqa: PLW0108 - the worker is made later
            new_send_id=lambda: self.ids.new("send"),
            clock=self.clock,
        )

    @cached_property
    def consequences(self) -> Consequences:
        """What follows from bounces and complaints."""
        return Consequences(self._bounce_rules, lambda: self.settings.policy().reputation, self.ids.new)

    @cached_property
    def healths(self) -> Healths:
        """How the providers are doing."""
        return Healths(self.settings.delivery_config.breaker, self.clock)

    @cached_property
    def worker(self) -> Worker:
        """The way out."""
        settings = self.settings
        means = Means(
            node=self.node,
            delivery=settings.delivery_config,
            providers=settings.providers,
            ladder=Ladder.of(settings.delivery_config, settings.bounce_handling),
            writer=self.writer,
            pool=Pool(settings.providers, settings.server.hostname, contexts(settings.providers)),
            healths=self.healths,
            wardrobe=Wardrobe(settings.server.hostname, self.links, self.signers.of),
            begin=BeginHandler(),
            settle=SettleHandler(self.consequences.settled),
            owner=self._owner,
            clock=self.clock,
            chance=lambda: int.from_bytes(self.random(7)) / (1 << 56),
        )
        recheck = Recheck(self.reader, self.clock)
        return Worker(means, reader=self.reader, recheck=recheck, memory=settings.queue.memory)

    @cached_property
    def traffic(self) -> Traffic:
        """All sessions of the process."""
        return Traffic(self._limits(), time.monotonic)

    @cached_property
    def throttle(self) -> Throttle:
        """Failed logins."""
        auth = self.settings.smtp.auth
        return Throttle(
            time.monotonic,
            asyncio.sleep,
            failures_per_address=auth.failures_per_address,
            window=auth.lockout.total_seconds(),
        )

    @cached_property
    def certificate(self) -> Certificate | None:
        """The certificate of the listeners, None where none is configured."""
        tls = self.settings.smtp.tls
        return Certificate(tls.certificate, tls.key, minimum=tls.minimum) if tls else None

    @cached_property
    def resolver(self) -> DnsResolver:
        """Questions to DNS."""
        dns = self.settings.dns
        return DnsResolver(tuple(str(n) for n in dns.nameservers), dns.timeout.total_seconds())

    @cached_property
    def chores(self) -> Chores:
        """What has to be done from time to time."""
        return Chores(self)

    # -- life -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Take mail, deliver, answer."""
        self.writer.start()
        await self.writer.run(self._enter)
        await self.reader.call(lambda c: self.signers.load(c, self.clock()))
        await self._start_http()
        self.worker.start()
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
            )
            await listener.start()
            self.listeners.append(listener)
        self.ready = True

    async def drain(self) -> None:
        """Take nothing more, finish what has begun, leave the rest in the queue."""
        self.ready = False
        for listener in self.listeners:
            listener.stop_accepting()
        timeout = self.settings.server.drain_timeout.total_seconds()
        started = time.monotonic()
        await self.traffic.drain(timeout)
        try:
            await asyncio.wait_for(self.worker.drain(), max(0.5, timeout - (time.monotonic() - started)))
        except TimeoutError:
            log.warning("attempts were still under way at the end of the drain", in_hand=self.worker.in_hand)
        await self._stop_http()

    async def stop(self) -> None:
        """Give everything back. What this process still holds is free for the next one."""
        await self.chores.stop()
        with contextlib.suppress(Unavailable, Broken):
            await self.writer.run(self._leave)
        await self.writer.stop()
        await self.reader.close()
        self.logins.close()
        await self.database.close()

    def reload(self, settings: Settings) -> None:
        """New settings for what comes: policies, limits, terms, certificates. Connections go on."""
        self.settings = settings
        self.desk.forget()
        if self.certificate is not None:
            self.certificate.reload()
        for listener, terms in zip(self.listeners, self.terms(), strict=False):
            listener.change(terms)

    def terms(self) -> list[Terms]:
        """What each listener asks of its clients."""
        smtp, server = self.settings.smtp, self.settings.server
        timeouts = Timeouts(
            command=smtp.timeouts.command.total_seconds(),
            data=smtp.timeouts.data.total_seconds(),
            message=smtp.timeouts.message.total_seconds(),
            handler=smtp.timeouts.handler.total_seconds(),
            write=smtp.timeouts.write.total_seconds(),
        )
        return [
            Terms(
                hostname=server.hostname,
                max_message_size=smtp.max_message_size,
                max_recipients=smtp.max_recipients,
                bare_newline=smtp.bare_newline,
                plaintext_auth=listener.offers_plaintext_auth,
                tls=listener.tls,
                timeouts=timeouts,
                limits=self._limits(),
                trusted_networks=smtp.trusted_networks,
                options=lambda principal: self.accounts.options(principal.mailbox_id),
            )
            for listener in smtp.listeners
        ]

    def _limits(self) -> Limits:
        smtp = self.settings.smtp
        connections = smtp.connections
        return Limits(
            total=connections.total,
            per_address=connections.per_address,
            per_credential=connections.per_credential,
            errors=smtp.max_errors,
            auth_failures=smtp.auth.failures_per_connection,
            memory=smtp.memory,
        )

    # -- details ----------------------------------------------------------------------------

    def _enter(self, connection: Connection) -> None:
        """Make this process known; on one machine the lock of the data directory says who cannot live any more."""
        now = self.clock()
        dead = dead_nodes(connection, silent_since=0, instance=self.instance, slots=(self.slot,))
        wait = int(self.settings.delivery_config.uncertain.wait.total_seconds() * 1000)
        requeued, uncertain = bury(connection, dead, now=now, uncertain_until=now + wait)
        if requeued or uncertain:
            log.info("recovered", requeued=requeued, uncertain=uncertain)
        register_node(
            connection,
            node=self.node,
            instance=self.instance,
            slot=self.slot,
            pid=os.getpid(),
            host=socket.gethostname(),
            now=now,
        )

    def _leave(self, connection: Connection) -> None:
        now = self.clock()
        wait = int(self.settings.delivery_config.uncertain.wait.total_seconds() * 1000)
        bury(connection, [self.node], now=now, uncertain_until=now + wait)

    def _broken(self) -> None:
        """The disk failed on commit: stop at once, recover at the next start."""
        self.exit_code = EX_IOERR
        self.stopping.set()

    def _house(self) -> House:
        return House(frozenset(self.settings.internal_domains), self.settings.smtp.bare_newline, self.links)

    def _scanner(self, digests: frozenset[str], account: Account) -> SecretScanner:
        """The scanner of one mailbox's policy; made again when credentials, configuration or canaries change."""
        mark = (id(self.settings), account.policy.content_safety.canaries, hash(digests))
        if self._scanners.get(account.mailbox_id, (None, None))[0] != mark:
            made = SecretScanner.of(
                self.vault.derive("secrets"),
                chosen=self._chosen_secrets(),
                canaries=account.policy.content_safety.canaries,
                is_own=lambda token: self.vault.digest(token) in digests,
            )
            self._scanners[account.mailbox_id] = (mark, made)
        return self._scanners[account.mailbox_id][1]

    def _chosen_secrets(self) -> tuple[str, ...]:
        """Passwords the operator chose, long enough to be recognised without false alarms."""
        declared = (c.password for mailbox in self.settings.mailboxes for c in mailbox.credentials)
        return tuple(words for p in declared if p.is_set and is_recognisable(words := p.reveal()))

    async def mail_hosts(self, domains: Sequence[str]) -> dict[str, str]:
        """What DNS knows of recipients' domains."""
        wanted = sorted(set(domains))
        return dict(zip(wanted, await asyncio.gather(*(mail_host(self.resolver, d) for d in wanted)), strict=True))

    async def _owner(self, parcel: Parcel) -> Owner:
        account = await self.accounts.get(parcel.mailbox_id) if parcel.mailbox_id else None
        if account is None:
            return Owner("", "", self.settings.policy())
        return Owner(account.name, account.tenant_name, account.policy)

    def _bounce_rules(self) -> Rules:
        handling = self.settings.bounce_handling
        return Rules(
            suppress_hard=handling.hard_bounces == "suppress_immediately",
            suppress_after=handling.soft_bounces.suppress_after,
            suppress_for=int(handling.soft_bounces.suppress_for.total_seconds() * 1000),
            investigate=handling.complaints == "suppress_and_investigate",
        )

    async def _start_http(self) -> None:
        if self._http_socket is None:
            return
        from relay.http.api import build  # heavy: not for processes that serve no HTTP
        from relay.http.server import HttpServer

        self._http = HttpServer(build(self._http_house()), self._http_socket, self.settings.http)
        await self._http.start()

    def _http_house(self) -> Any:
        from relay.http.house import House as HttpHouse

        return HttpHouse(
            settings=lambda: self.settings,
            database=self.database,
            writer=self.writer,
            desk=self.desk,
            logins=self.logins,
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
            on_changed=self.desk.forget,
            figures=self.figures,
            public_url=lambda: self.public_url,
        )

    def readiness(self) -> tuple[bool, Sequence[str]]:
        """Whether this process takes mail, and what is missing."""
        missing = [] if self.ready else ["not started or draining"]
        missing += [
            f"listener {n} is closed" for n, own in enumerate(self.listeners) if self.ready and not own.accepting
        ]
        return not missing, missing

    def figures(self) -> dict[str, float]:
        """Gauges of this process, for the metrics."""
        return {
            "sessions": self.traffic.sessions,
            "commits": self.traffic.commits,
            "in_hand": self.worker.in_hand,
            "write_rounds": self.writer.rounds,
            "written_items": self.writer.items,
        }

    async def _stop_http(self) -> None:
        if self._http is not None:
            await self._http.stop()


def contexts(providers: Sequence[ProviderSettings]) -> dict[str, ssl.SSLContext]:
    """The TLS context of each provider that speaks TLS: verified, unless the operator says otherwise."""
    made: dict[str, ssl.SSLContext] = {}
    for provider in providers:
        if provider.tls == "none":
            continue
        authority = provider.declared.tls_ca
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
        if not provider.declared.tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        made[provider.name] = context
    return made
