"""One attempt: a message is put into the form that a provider accepts, and offered to it.

A provider's capabilities are known only once it has been reached, so the message is dressed then:
8-bit parts are re-encoded if it accepts only seven bits (RFC 6152 §3), and header text if it accepts
only ASCII there (RFC 6531). A message that it cannot carry at all is not offered; the outcome says
that it is unfit for this provider. A connection that proves to be closed before anything was sent
is replaced by a new one, once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog
from msgspec import Struct

from config.providers import ProviderSettings
from relay.aside import aside
from relay.delivery.connection import Connection, Sending
from relay.delivery.dial import Unreachable
from relay.delivery.dress import Unconvertible, Unsignable, Wardrobe, dressed, return_path
from relay.delivery.judgement import outcomes
from relay.delivery.outcome import EIGHT_BIT, SIZE, UNFIT, UTF8, Outcome, Phase, Result, Scope, Transcript
from relay.delivery.pool import Pool
from relay.mail.departure import Departure, WireError
from relay.mail.reply import EnhancedCode, Reply
from relay.store.parcel import Due, Parcel

log = structlog.get_logger()

LARGE = 256 * 1024  # octets; below this, handing over to a thread costs more than it saves


class Unfit(NamedTuple):
    """Why a message cannot be offered to this provider. Without a reply the fault is ours and may be temporary."""

    kind: str
    detail: str
    reply: Reply | None = None


class Attempt(Struct, frozen=True):
    """A parcel's recipients at one provider."""

    parcel: Parcel
    data: bytes
    due: Sequence[Due]
    provider: ProviderSettings
    wardrobe: Wardrobe
    pool: Pool
    clock: Callable[[], int]

    async def make(self) -> tuple[Outcome, ...]:
        """Make the attempt; returns an outcome for every recipient. The caller must hold a place at the provider."""
        started = self.clock()
        try:
            connection = await self.pool.get(self.provider)
        except Unreachable as error:
            return self._outcomes(error.transcript, started)
        try:
            fit = await self._fitted(connection)
            if isinstance(fit, Unfit):
                return tuple([self._unfit(due.n, fit, started) for due in self.due])
            was_used = connection.sent > 0
            said = await connection.transact(fit)
        finally:
            self.pool.give_back(connection)
        if was_used and said.was_stale and not self.pool.closing:
            said = await self._afresh(fit)
        return self._outcomes(said, started)

    async def _afresh(self, sending: Sending) -> Transcript:
        try:
            connection = await self.pool.get(self.provider, fresh=True)
        except Unreachable as error:
            return error.transcript
        try:
            return await connection.transact(sending)
        finally:
            self.pool.give_back(connection)

    # -- the message ------------------------------------------------------------------------

    async def _fitted(self, connection: Connection) -> Sending | Unfit:
        """`_fit`, in a thread if the message is large: signing 25 MiB takes a fifth of a second."""
        if len(self.data) < LARGE:
            return self._fit(connection)
        return await aside(self._fit, connection)

    def _fit(self, connection: Connection) -> Sending | Unfit:
        """What to send on this connection, or why not."""
        try:
            message = self._dressed(connection)
        except (Unsignable, WireError) as error:
            log.error("message cannot be sent", send=self.parcel.send_id, error=str(error))  # noqa: TRY400 - a known cause
            return Unfit(UNFIT, str(error))
        except Unconvertible as error:
            # RFC 3463 §3.7: X.6.3, conversion required but not supported.
            return Unfit(
                EIGHT_BIT,
                str(error),
                Reply(554, EnhancedCode(5, 6, 3), f"the provider lacks 8BITMIME: {error}"),
            )
        mail_from = return_path(self.parcel, self.due, self.provider, self.wardrobe)
        paths = (mail_from, *(due.recipient for due in self.due))
        smtputf8 = message.needs_smtputf8 or not all(map(str.isascii, paths))
        if smtputf8 and "smtputf8" not in connection.features:
            # RFC 6531 §3.5 and §4.2: 550 5.6.7, non-ASCII addresses not permitted for that recipient.
            return Unfit(
                UTF8,
                "",
                Reply(550, EnhancedCode(5, 6, 7), "the provider lacks SMTPUTF8, which the message needs"),
            )
        if connection.size_limit and message.size > connection.size_limit:
            return Unfit(
                SIZE,
                "",
                Reply(552, EnhancedCode(5, 3, 4), f"the provider takes {connection.size_limit} octets at most"),
            )
        recipients = {due.n: due.recipient for due in self.due}
        return Sending(mail_from, recipients, message, smtputf8, message.needs_8bitmime)

    def _dressed(self, connection: Connection) -> Departure:
        given = (self.data, self.parcel, self.due, self.provider, self.wardrobe)
        message = dressed(*given)
        in_ascii = message.needs_smtputf8 and "smtputf8" not in connection.features
        if in_ascii:
            message = dressed(*given, ascii_header=True)
        if message.needs_8bitmime and not message.needs_smtputf8 and "8bitmime" not in connection.features:
            message = dressed(*given, ascii_header=in_ascii, seven_bit=True)
        return message

    # -- outcomes -----------------------------------------------------------------------------

    def _outcomes(self, said: Transcript, started: int) -> tuple[Outcome, ...]:
        return outcomes(self.provider, said, [due.n for due in self.due], started, self.clock())

    def _unfit(self, n: int, fit: Unfit, started: int) -> Outcome:
        """The outcome for a message that was not offered; the provider is not to blame."""
        name, now = self.provider.name, self.clock()
        return Outcome(
            n, Result.NEXT, Scope.MESSAGE, Phase.EHLO, name, fit.reply, started, now, fit.detail, kind=fit.kind
        )
