"""All that a process does about feedback, notices and webhooks, in one place.

`start` opens the listeners and brings the file's destinations into the store. Three things are
done periodically: waiting events are applied and notices written (by one process for all), and
events are posted (by every process; a claim prevents two from making the same call). `stop`
closes the listeners, lets commits finish, and leaves the rest in the store.
"""

import ssl
from collections.abc import Callable, Sequence
from functools import cache
from socket import socket

from cryptography import x509
from msgspec import Struct
from sqlalchemy import Connection

from config.settings import Settings
from relay.feedback import told_to
from relay.feedback.apply import Applier
from relay.feedback.guarded import fetch
from relay.feedback.hooks import Hooks
from relay.feedback.inbound import InboundListener
from relay.feedback.notices import Notices
from relay.feedback.reception import InboundTerms, Reception
from relay.feedback.returns import Returns
from relay.feedback.webhooks import Poster
from relay.mail.token import Tokens
from relay.store import notices, postings
from relay.store.consequences import Consequences
from relay.store.feedback import Mark
from relay.store.reader import Reader
from relay.store.vault import Vault
from relay.store.writer import Writer


@cache
def _roots() -> tuple[x509.Certificate, ...]:
    """The system's trusted root certificates, read when the first SNS signature is verified."""
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    return tuple(x509.load_der_x509_certificate(one) for one in trusted)


class Supplies(Struct, frozen=True):
    """What the station needs from the process. `settings` may change while it runs."""

    settings: Callable[[], Settings]
    reader: Reader
    writer: Writer
    vault: Vault
    tokens: Tokens
    consequences: Consequences
    public_url: Callable[[], str]
    signs: Callable[[str], bool]  # whether there is a DKIM key for a domain
    new_id: Callable[[str], str]
    clock: Callable[[], int]
    random: Callable[[int], bytes]


class Station:
    """The feedback part of one process. Listeners keep the settings with which they started."""

    def __init__(
        self, supplies: Supplies, sockets: Sequence[socket], context: Callable[[], ssl.SSLContext | None]
    ) -> None:
        self._supplies = s = supplies
        self._sockets = sockets
        self._context = context
        self.applier = Applier(s.consequences, self._account)
        self.hooks = Hooks(s.writer, self.applier, fetch=fetch, roots=_roots)
        self.listeners: list[InboundListener] = []
        self.notices = Notices(
            s.settings,
            tokens=s.tokens,
            public_url=s.public_url,
            signs=s.signs,
            new_id=s.new_id,
            random=s.random,
        )
        self.poster = Poster(
            reader=s.reader,
            writer=s.writer,
            vault=s.vault,
            clock=s.clock,
            new_id=s.new_id,
            body=told_to.Bodies(s.settings, self.notices.decision_url).of,
            is_private=lambda webhook_id: webhook_id in told_to.private(s.settings()),
        )

    def _account(self, provider: str) -> frozenset[str]:
        """The providers that share an account with this one, including itself."""
        providers = self._supplies.settings().providers
        group = next((p.group for p in providers if p.name == provider), provider)
        return frozenset({provider, *(p.name for p in providers if p.group == group)})

    async def start(self) -> None:
        """Open the listeners, and bring the file's destinations into the store."""
        await self._supplies.writer.run(self.begin)
        settings = self._supplies.settings()
        domain = settings.inbound.bounce_domain
        if domain is None:
            return
        s = self._supplies
        returns = Returns(s.tokens, str(domain), writer=s.writer, applier=self.applier, clock=s.clock)
        for listening, declared in zip(self._sockets, settings.inbound.listeners, strict=True):
            terms = InboundTerms(
                hostname=str(settings.server.hostname),
                max_message_size=settings.inbound.max_message_size,
                max_recipients=settings.inbound.max_recipients,
                max_connections=settings.inbound.max_connections,
                tls=declared.tls,
            )
            listener = InboundListener(listening, Reception(terms, returns), self._context)
            await listener.start()
            self.listeners.append(listener)

    def begin(self, connection: Connection) -> None:
        """Bring the file's destinations into the store, and mark the place in the journal where notices begin."""
        s = self._supplies
        declared = list(told_to.declared(s.settings(), s.vault))
        postings.declare(connection, declared, now=s.clock(), seal=s.vault.seal, unseal=s.vault.open)
        notices.place(connection)

    # -- periodically ---------------------------------------------------------------------------

    def apply_waiting(self, connection: Connection, after: Mark) -> Mark | None:
        """Apply the next events that waited for their delivery; only one process at a time may do so."""
        return self.applier.apply_waiting(connection, self._supplies.clock(), after)

    def write_notices(self, connection: Connection) -> int:
        """Write notices to people; only one process at a time may do so."""
        return self.notices.write(connection, self._supplies.clock())

    async def stop(self) -> None:
        """Close the listeners; commits under way are finished."""
        for listener in self.listeners:
            await listener.stop()
        await self.poster.stop()
