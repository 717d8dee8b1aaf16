"""Everything of a process that deals with what comes back, and with telling others, in one place.

`start` opens the listeners; `look` is called every second or two by one process at a time and
does what waits. Stopping closes the door, lets commits come to their end, and leaves the rest
in the store.
"""

import ssl
from collections.abc import Callable, Sequence
from functools import cache
from socket import socket

from cryptography import x509
from sqlalchemy import Connection

from config.settings import Settings
from relay.feedback.apply import Applier
from relay.feedback.guarded import fetch
from relay.feedback.hooks import Hooks
from relay.feedback.inbound import InboundListener
from relay.feedback.inbound_session import InboundTerms
from relay.feedback.returns import Returns
from relay.mail.token import Tokens
from relay.store.consequences import Consequences
from relay.store.writer import Writer


@cache
def _roots() -> tuple[x509.Certificate, ...]:
    """The certificates the world trusts, read when the first signature of SNS comes."""
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    return tuple(x509.load_der_x509_certificate(one) for one in trusted)


class Station:
    """The feedback of one process. `settings` may change while it runs; listeners keep the terms they began with."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        writer: Writer,
        consequences: Consequences,
        tokens: Tokens,
        clock: Callable[[], int],
        sockets: Sequence[socket] = (),
        context: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._tokens = tokens
        self._clock = clock
        self._sockets = sockets
        self._context = context
        self.applier = Applier(consequences, self._account)
        self.hooks = Hooks(writer, self.applier, fetch=fetch, roots=_roots)
        self.listeners: list[InboundListener] = []

    def _account(self, provider: str) -> frozenset[str]:
        """The providers that share the account of this one."""
        providers = self._settings().providers
        group = next((p.group for p in providers if p.name == provider), provider)
        return frozenset({provider, *(p.name for p in providers if p.group == group)})

    async def start(self) -> None:
        """Open the listeners."""
        settings = self._settings()
        domain = settings.inbound.bounce_domain
        if domain is None:
            return
        returns = Returns(self._tokens, str(domain), writer=self._writer, applier=self.applier, clock=self._clock)
        for listening, declared in zip(self._sockets, settings.inbound.listeners, strict=True):
            terms = InboundTerms(
                hostname=str(settings.server.hostname),
                max_message_size=settings.inbound.max_message_size,
                max_recipients=settings.inbound.max_recipients,
                max_connections=settings.inbound.max_connections,
                tls=declared.tls,
            )
            listener = InboundListener(listening, terms, returns, self._context)
            await listener.start()
            self.listeners.append(listener)

    def apply_waiting(self, connection: Connection) -> int:
        """Apply events that waited for their delivery; one process at a time."""
        return self.applier.apply_waiting(connection, self._clock())

    async def stop(self) -> None:
        """Close the listeners; what is being committed comes to its end."""
        for listener in self.listeners:
            await listener.stop()
