"""The parts of one process, each made from the configuration when it is first needed.

Nothing is started here; `process` does that. What can change at a reload is read from
`settings` each time it is needed.
"""

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from config.providers import ProviderSettings
from config.settings import Settings
from policy.moment import ms_of
from policy.secrets import SecretScanner, is_recognisable
from relay.app.chance import Chance
from relay.app.descriptors import enough_for
from relay.app.setup import check_not_restored
from relay.delivery.crew import Crew, Shared
from relay.delivery.dress import Wardrobe
from relay.delivery.health import Healths
from relay.delivery.ladder import Ladder
from relay.delivery.means import Means
from relay.delivery.pool import Pool
from relay.delivery.recheck import Owner, Recheck
from relay.delivery.route import Draws
from relay.delivery.worker import Worker
from relay.mail.dns import DnsResolver, mail_host
from relay.mail.ids import Ids
from relay.mail.token import TokenKey, Tokens
from relay.mail.unsubscribe import Links
from relay.store.attempts import BeginHandler, SettleHandler
from relay.store.clock import StoreClock, wall_clock
from relay.store.consequences import Consequences, Rules
from relay.store.engine import Database
from relay.store.keys import Signers
from relay.store.parcel import Parcel
from relay.store.reader import Reader
from relay.store.room import Bounds, Room
from relay.store.vault import Vault
from relay.store.writer import Writer
from relay.submission.account import Account, Accounts, reputation_rule
from relay.submission.certificate import Certificate
from relay.submission.cohort import Cohort
from relay.submission.desk import FrontDesk
from relay.submission.intake import Intake, IntakeSettings
from relay.submission.login import Logins
from relay.submission.preparation import Common
from relay.submission.slate import Slate
from relay.submission.tally import Tally
from relay.submission.terms import Limits, Terms, Timeouts
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic
from relay.submission.turned_away import TurnedAway
from relay.watch import Watch


class Parts:
    """Everything a process consists of."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        vault: Vault,
        instance: str,
        admin_key: str,
        slot: int = 0,
        shared: Shared | None = None,
        tally: int | None = None,
        slate: int | None = None,
        clock: Callable[[], int] = wall_clock,
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.vault = vault
        self.instance = instance
        self.slot = slot
        self.is_first = slot == 0  # does what one worker does for all of its installation
        self._shared = shared
        self._tally = tally
        self._slate = slate
        self.clock = StoreClock(clock)
        self.heard = 0  # the store's tide at the last heartbeat
        self.random = random or Chance()
        self.node = f"{instance}.{slot}.{secrets.token_hex(4)}"
        self.admin_key = admin_key
        self.exit_code = 0
        self.watch = Watch()
        self.stopping = asyncio.Event()
        self._scanners: dict[str, tuple[Any, SecretScanner]] = {}

    @cached_property
    def ids(self) -> Ids:
        """Makes every id of this process."""
        return Ids(self.clock, self.random)

    @cached_property
    def writer(self) -> Writer:
        """The writer, through which everything is written to the store."""
        return Writer(self.database, on_broken=self._file_failed)

    @cached_property
    def reader(self) -> Reader:
        """The reader, which answers questions from the store."""
        return Reader(self.database)

    @cached_property
    def room(self) -> Room:
        """Knows whether there is room for more mail."""
        return Room(self.database, self._bounds)

    def _bounds(self) -> Bounds:
        queue, settings = self.settings.queue, self.settings
        largest = settings.smtp.max_message_size
        return Bounds(settings.least_free_space, queue.max_deliveries, queue.max_size, largest)

    @cached_property
    def tokens(self) -> Tokens:
        """Makes and reads the signed tokens in links and addresses."""
        return Tokens([TokenKey(1, self.vault.derive("tokens"))])

    @property
    def links(self) -> Links:
        """Makes the unsubscribe links of this installation."""
        return Links(self.tokens, self.public_url, str(self.settings.inbound.bounce_domain or ""))

    @property
    def public_url(self) -> str:
        """The base URL of our links."""
        return self.settings.server.public_url or f"http://{self.settings.http.bind}"

    @cached_property
    def signers(self) -> Signers:
        """The DKIM signers of all domains."""
        return Signers(self.vault)

    @cached_property
    def accounts(self) -> Accounts:
        """The current state of mailboxes."""
        return Accounts(self.reader, lambda: self.settings, self.clock)

    @cached_property
    def logins(self) -> Logins:
        """Authenticates credentials."""
        return Logins(self.reader, self.vault, self.clock)

    @cached_property
    def intake(self) -> Intake:
        """The central transaction, which judges and stores submissions."""
        return Intake(
            IntakeSettings(
                f"{self.instance}.{self.slot}",
                approval_timeout=lambda: ms_of(self.settings.approvals.timeout),
            ),
            clock=self.clock,
            token=lambda: self.random(9).hex(),
            follow=self.consequences.decided,
            carrier=lambda size, recipients: self.crew.carrier(size, recipients),  # noqa: PLW0108 - made later
        )

    @cached_property
    def desk(self) -> FrontDesk:
        """Serves SMTP sessions and HTTP calls."""
        return FrontDesk(
            reader=self.reader,
            writer=self.writer,
            accounts=self.accounts,
            logins=self.logins,
            intake=self.intake,
            room=self.room,
            turned_away=TurnedAway(
                f"{self.instance}.{self.slot}", lambda: self.random(9).hex(), self.consequences.decided
            ),
            common=self._common,
            scanner=self._scanner,
            mail_hosts=self.mail_hosts,
            look_for_keys=self.load_signers,
            on_parcel=lambda parcel: self.crew.accept(parcel),  # noqa: PLW0108 - made later
            new_send_id=lambda: self.ids.new("send"),
            clock=self.clock,
            watch=self.watch,
        )

    @cached_property
    def consequences(self) -> Consequences:
        """Writes what follows from bounces and complaints."""
        return Consequences(self._bounce_rules, lambda box: reputation_rule(self.settings, box), self.ids.new)

    @cached_property
    def healths(self) -> Healths:
        """The health of the providers."""
        return Healths(self.settings.delivery_config.breaker, self.clock)

    @cached_property
    def worker(self) -> Worker:
        """Delivers mail to the providers."""
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
            chance=self._chance,
            draw=Draws(self._chance()),
            watch=self.watch,
        )
        recheck = Recheck(self.reader, self.writer, self.clock)
        memory = settings.queue.memory
        return Worker(means, reader=self.reader, recheck=recheck, memory=memory, look_back=self.look_back)

    def look_back(self, connection: Connection) -> None:
        """Check, before mail leaves the queue, that the store was not restored from a backup while we serve."""
        check_not_restored(connection, self.settings, self.heard, self.clock())

    @cached_property
    def crew(self) -> Crew:
        """Decides who delivers the mail this process accepts: itself, or another worker of the machine."""
        return Crew(
            self.node,
            self.slot,
            self.worker,
            self._shared,
            sessions=lambda: self.traffic.sessions,
            senders=lambda: self.traffic.active + self.desk.calls,
            clock=time.monotonic,
        )

    def _chance(self) -> float:
        return int.from_bytes(self.random(7)) / (1 << 56)

    @cached_property
    def traffic(self) -> Traffic:
        """All sessions of the process."""
        cohort = Cohort(lambda: self.writer.pace)
        tally = Tally.alone() if self._tally is None else Tally(self._tally, self.slot)
        return Traffic(self.limits(), time.monotonic, cohort, tally, on_change=lambda: self.crew.tell())  # noqa: PLW0108 - made later

    @cached_property
    def slate(self) -> Slate:
        """Counts password guesses and calls per source."""
        return Slate.alone() if self._slate is None else Slate(self._slate)

    @cached_property
    def throttle(self) -> Throttle:
        """Slows down and blocks failed logins."""
        auth = self.settings.smtp.auth
        return Throttle(
            self.slate,
            time.monotonic,
            asyncio.sleep,
            failures_per_address=auth.failures_per_address,
            window=auth.lockout.total_seconds(),
        )

    @cached_property
    def certificate(self) -> Certificate | None:
        """The certificate of the listeners, or None if none of them uses one."""
        tls = self.settings.smtp.tls if self.settings.shows_certificate else None
        return Certificate(tls.certificate, tls.key, minimum=tls.minimum) if tls else None

    @cached_property
    def resolver(self) -> DnsResolver:
        """Resolves names in DNS."""
        dns = self.settings.dns
        return DnsResolver(tuple(str(n) for n in dns.nameservers), dns.timeout.total_seconds())

    def _common(self) -> Common:
        settings = self.settings
        return Common(frozenset(settings.internal_domains), settings.smtp.bare_newline, self.links, self.signs)

    def signs(self, domain: str) -> bool:
        """Whether there is a DKIM key for mail of this domain."""
        return bool(self.signers.of(domain))

    async def load_signers(self) -> None:
        """Read the DKIM keys again."""
        await self.reader.call(lambda c: self.signers.load(c, self.clock()))

    def _scanner(self, digests: frozenset[str], account: Account) -> SecretScanner:
        """The secret scanner for one mailbox; made anew when credentials or canaries change, and after a reload."""
        mark = (account.policy.content_safety.canaries, hash(digests))
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
        """Secrets in the configuration that are long enough to be recognised without false alarms."""
        settings = self.settings
        people = (settings.http.admin_key, *(one.key for one in settings.http.operators))
        agents = (c.password for mailbox in settings.mailboxes for c in mailbox.credentials)
        providers = (p.password for p in settings.providers)  # to some of them the username is the token
        oauth = (secret for p in settings.providers if p.oauth is not None for secret in p.oauth.secrets.values())
        declared = (*people, *agents, *providers, *oauth)
        return tuple(words for s in declared if s is not None and s.is_set and is_recognisable(words := s.reveal()))

    async def mail_hosts(self, domains: Sequence[str]) -> dict[str, str]:
        """What DNS says about the mail hosts of recipients' domains (`RecipientFacts.mail_host`), by domain."""
        wanted = sorted(set(domains))
        return dict(zip(wanted, await asyncio.gather(*(mail_host(self.resolver, d) for d in wanted)), strict=True))

    async def _owner(self, parcel: Parcel) -> Owner:
        account = await self.accounts.get(parcel.mailbox_id) if parcel.mailbox_id else None
        if account is None:
            return Owner("", "", self.settings.policy())
        return Owner(account.name, account.tenant_name, account.policy, account.is_foreign)

    def _bounce_rules(self) -> Rules:
        handling = self.settings.bounce_handling
        return Rules(
            suppress_hard=handling.hard_bounces == "suppress_immediately",
            suppress_after=handling.soft_bounces.suppress_after,
            suppress_for=ms_of(handling.soft_bounces.suppress_for),
            investigate=handling.complaints == "suppress_and_investigate",
        )

    def terms(self) -> list[Terms]:
        """What each listener requires of its clients."""
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
                limits=self.limits(),
                trusted_networks=smtp.trusted_networks,
                options=lambda principal: self.accounts.options(principal.mailbox_id),
            )
            for listener in smtp.listeners
        ]

    def limits(self) -> Limits:
        """The limits of sessions on the resources of this process."""
        smtp = self.settings.smtp
        connections = smtp.connections
        return Limits(
            total=enough_for(connections.total),
            per_address=connections.per_address,
            per_credential=connections.per_credential,
            errors=smtp.max_errors,
            auth_failures=smtp.auth.failures_per_connection,
            memory=smtp.memory,
        )

    def _file_failed(self) -> None:
        """The store can no longer be written: stop at once, and recover at the next start."""
        self.exit_code = os.EX_IOERR
        self.stopping.set()


def contexts(providers: Sequence[ProviderSettings]) -> dict[str, ssl.SSLContext]:
    """The TLS contexts of the providers that use TLS, by name: verified, unless the operator says otherwise.

    Providers with the same authorities share one: reading the system's takes longer than sending a message.
    """
    trusted = cache(_trusting)
    speaking = [provider for provider in providers if provider.tls != "none"]
    return {p.name: trusted(p.declared.tls_ca, verify=p.declared.tls_verify) for p in speaking}


def _trusting(authority: Path | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
