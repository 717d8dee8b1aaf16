"""What the HTTP side is given: the parts of the process it speaks for.

Everything that can change while it runs (configuration, links, readiness) is a callable.
Reading and writing go through `look` and `write`; both raise Unavailable, which every
route answers with 503, so nothing is ever said that was not read or is not committed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from config.providers import ProviderSettings
from config.settings import Settings
from relay.delivery.health import Healths
from relay.feedback.hooks import Ingested
from relay.mail.ids import Ids
from relay.mail.token import Tokens
from relay.mail.unsubscribe import Links
from relay.store.accounts import Ambiguous, Declared, Taken, Unknown
from relay.store.approvals import Changed, NotWaiting
from relay.store.consequences import Consequences
from relay.store.engine import Database
from relay.store.reader import look
from relay.store.vault import Vault
from relay.store.writer import Unavailable, Writer
from relay.submission.account import Accounts
from relay.submission.desk import FrontDesk
from relay.submission.login import Logins
from relay.submission.slate import Slate

T = TypeVar("T")

# What a caller is told and nobody is to blame for.
ANSWERS = (HTTPException, Taken, Unknown, Ambiguous, Declared, NotWaiting, Changed)


# Takes one call of a provider's hook: (provider, headers, raw body, now). Raises Unavailable.
Ingest = Callable[[ProviderSettings, Mapping[str, str], bytes, int], Awaitable[Ingested]]


# Gauges by name: what they are, and how much.
Figures = Mapping[str, tuple[str, float]]
# Counters by name: what they are, the names of their labels, and the count of each combination of labels.
Counts = Mapping[str, tuple[str, tuple[str, ...], Mapping[tuple[str, ...], int]]]


async def _nobody_listens(_provider: ProviderSettings, _headers: Mapping[str, str], _raw: bytes, _now: int) -> Ingested:
    """No part of this process takes events: the provider is told to come again."""
    raise Unavailable("nobody takes events")


@dataclass(frozen=True, slots=True)
class House:
    """The parts. Times of `clock` are milliseconds since the epoch."""

    settings: Callable[[], Settings]
    database: Database
    writer: Writer
    desk: FrontDesk
    logins: Logins
    slate: Slate
    accounts: Accounts
    vault: Vault
    tokens: Tokens
    ids: Ids
    healths: Healths
    consequences: Consequences
    resolver: Any  # `await resolver.resolve(name, type)` as dns.asyncresolver.Resolver has it
    admin_key: Callable[[], str]  # the operator's bearer key
    links: Callable[[], Links]
    clock: Callable[[], int]
    random: Callable[[int], bytes]
    ready: Callable[[], tuple[bool, Sequence[str]]]  # whether it takes mail, and what is missing
    wake: Callable[[], None]  # something may be due at once
    on_changed: Callable[[], None]  # an account, credential or rule changed: believe nothing read before
    registry: Any = None  # prometheus_client.CollectorRegistry with the process's own metrics, or None
    counts: Callable[[], Counts] = dict  # counters read when /metrics is asked
    beside: Callable[[Connection], Sequence[str]] = lambda _connection: ()  # what other workers counted, for /metrics
    figures: Callable[[], Figures] = dict  # gauges read when /metrics is asked
    ingest: Ingest = _nobody_listens  # the providers' hooks
    public_url: Callable[[], str] = field(default=lambda: "")
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep  # between two looks of a stream

    async def look(self, question: Callable[[Connection], T]) -> T:
        """Run one reading function; raises Unavailable."""
        return await look(self.database, question)

    async def find(self, question: Callable[[Connection], T | None]) -> T | None:
        """What a question finds; where that is nothing, once more after all that waits to be written.

        A refusal is told at once and recorded with the next commit: who asks about it in between waits for that.
        """
        found = await self.look(question)
        if found is None:
            await self.writer.run(lambda _connection: None)
            found = await self.look(question)
        return found

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run one function in a write transaction and return its result after the commit; raises Unavailable.

        What `job` raises of `ANSWERS` undoes its own work alone.
        """
        return await self.writer.take(job, ANSWERS)

    def changed(self) -> None:
        """Something that caches believe in was changed."""
        self.on_changed()

    def provider(self, name: str) -> ProviderSettings | None:
        """The provider of that name."""
        return next((p for p in self.settings().providers if p.name == name), None)
