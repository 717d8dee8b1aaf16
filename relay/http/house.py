"""The parts of the process that the HTTP side works with.

Everything that can change at run time (configuration, links, readiness) is a callable. Reading and writing go
through `look` and `write`. Both raise Unavailable, which every route answers with 503, so nothing is reported
that was not read or is not committed.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from config.providers import ProviderSettings
from config.settings import Settings
from policy.settings import PolicySettings
from relay.delivery.health import Healths
from relay.feedback.hooks import Ingested
from relay.http.problems import OF_STORE
from relay.mail.dns import Resolver
from relay.mail.ids import Ids
from relay.mail.token import Tokens
from relay.mail.unsubscribe import Links
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

# Exceptions that are answers to the caller and no fault of ours.
ANSWERS: tuple[type[Exception], ...] = (HTTPException, *OF_STORE, NotWaiting, Changed)


# Processes one call of a provider's hook: (provider, headers, raw body, now). Raises Unavailable.
Ingest = Callable[[ProviderSettings, Mapping[str, str], bytes, int], Awaitable[Ingested]]


# Gauges by name: description and value.
Figures = Mapping[str, tuple[str, float]]
# Counters by name: description, label names, and the count for each combination of label values.
Counts = Mapping[str, tuple[str, tuple[str, ...], Mapping[tuple[str, ...], int]]]


async def _nobody_listens(_provider: ProviderSettings, _headers: Mapping[str, str], _raw: bytes, _now: int) -> Ingested:
    """This process has no part that accepts events: the provider is told to try again."""
    raise Unavailable("nobody takes events")


@dataclass(frozen=True, slots=True)
class House:
    """The parts. `clock` gives milliseconds since the epoch."""

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
    resolver: Resolver
    admin_key: Callable[[], str]  # the operator's bearer key
    links: Callable[[], Links]
    clock: Callable[[], int]
    random: Callable[[int], bytes]
    ready: Callable[[], tuple[bool, Sequence[str]]]  # whether it accepts mail, and what is missing
    wake: Callable[[], None]  # to be called when something may be due at once
    changed: Callable[[], None]  # to be called when an account, credential or rule changed: empties the caches
    counts: Callable[[], Counts] = dict  # counters, read when /metrics is requested
    beside: Callable[[Connection], Sequence[str]] = lambda _connection: ()  # metrics of the other workers, for /metrics
    figures: Callable[[], Figures] = dict  # gauges, read when /metrics is requested
    ingest: Ingest = _nobody_listens  # the providers' hooks
    public_url: Callable[[], str] = field(default=lambda: "")
    streams: Counter[str] = field(default_factory=Counter)  # open streams of events by the caller's id
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep  # between two reads of a stream

    async def look(self, question: Callable[[Connection], T]) -> T:
        """Run one reading function. Raises Unavailable."""
        return await look(self.database, question)

    async def find(self, question: Callable[[Connection], T | None]) -> T | None:
        """The result of a question; if there is none, asks once more after everything queued for writing is committed.

        A refusal is reported at once and recorded with the next commit, so its record may not be there yet.
        """
        found = await self.look(question)
        if found is None:
            await self.writer.run(lambda _connection: None)
            found = await self.look(question)
        return found

    async def write(self, job: Callable[[Connection], T]) -> T:
        """Run one function in a write transaction and return its result after the commit. Raises Unavailable.

        If `job` raises one of `ANSWERS`, only its own work is undone.
        """
        return await self.writer.take(job, ANSWERS)

    async def policy_of(self, mailbox_id: str = "") -> PolicySettings:
        """The policy of a mailbox; the policy `default` if none is given, or there is no such mailbox."""
        account = await self.accounts.get(mailbox_id) if mailbox_id else None
        return account.policy if account is not None else self.settings().policy()

    async def policies_of(self, mailbox_ids: Iterable[str]) -> dict[str, PolicySettings]:
        """The policies of several mailboxes, all read at once."""
        ids = list(dict.fromkeys(mailbox_ids))
        return dict(zip(ids, await asyncio.gather(*map(self.policy_of, ids)), strict=True))

    def provider(self, name: str) -> ProviderSettings | None:
        """The provider of that name; None if there is none."""
        return next((p for p in self.settings().providers if p.name == name), None)
