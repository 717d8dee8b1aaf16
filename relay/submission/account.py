"""The sender's side of a submission as it stands just now: mailbox, tenant, policy, footer.

What a session sees is at most a second old; what decides is read again in the
transaction that commits. Credentials the house must never let out in a message are known
by keyed hashes only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from config.settings import Settings
from policy.settings import Options, PolicySettings
from relay.store import schema as t
from relay.store.engine import loads
from relay.store.reader import Reader
from relay.store.suppressions import suffixes

FRESH = 1000  # milliseconds an account is believed


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox with all that judging and editing its mail needs."""

    tenant_id: str
    tenant_name: str
    mailbox_id: str
    name: str
    address: str
    addresses: frozenset[str]  # keys it may send as
    from_name: str
    language: str
    footer: Mapping[str, str]
    physical_address: str
    policy: PolicySettings


_ROWS = (
    select(t.mailboxes, t.tenants.c.name.label("tenant_name"))
    .join(t.tenants, t.tenants.c.id == t.mailboxes.c.tenant_id)
    .where(t.mailboxes.c.id.in_(bindparam("ids", expanding=True)))
)
_DOMAINS = select(t.domains.c.name, t.domains.c.physical_address).where(
    t.domains.c.name.in_(bindparam("names", expanding=True))
)
_SECRETS = select(t.credentials.c.secret).where(t.credentials.c.kind == "generated", t.credentials.c.status == "active")


class Accounts:
    """Reads accounts through the reader and believes them for a second."""

    def __init__(self, reader: Reader, settings: Callable[[], Settings], clock: Callable[[], int]) -> None:
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._known: dict[str, tuple[int, Account]] = {}
        self._secrets: tuple[int, frozenset[str]] = (0, frozenset())

    async def get(self, mailbox_id: str) -> Account | None:
        """The account of a mailbox, None if there is none; raises Unavailable."""
        read_at, account = self._known.get(mailbox_id, (0, None))
        if account is not None and 0 <= self._clock() - read_at < FRESH:
            return account
        row = await self._reader.ask(_read_accounts, mailbox_id)
        if row is None:
            self._known.pop(mailbox_id, None)
            return None
        account = self._account(*row)
        self._known[mailbox_id] = (self._clock(), account)
        return account

    async def secrets(self) -> frozenset[str]:
        """Keyed hashes of every credential of the house."""
        read_at, known = self._secrets
        if not read_at or not 0 <= self._clock() - read_at < FRESH:
            known = await self._reader.call(_read_secrets)
            self._secrets = (self._clock(), known)
        return known

    def options(self, mailbox_id: str) -> Options:
        """How the mailbox wants its verdicts told, as far as it is known without asking."""
        _, account = self._known.get(mailbox_id, (0, None))
        return account.policy.options if account is not None else Options()

    def forget(self) -> None:
        """Believe nothing any more: the configuration changed."""
        self._known.clear()

    def _account(self, row: Any, physical_address: str) -> Account:
        settings = loads(row.settings)
        return Account(
            tenant_id=row.tenant_id,
            tenant_name=row.tenant_name,
            mailbox_id=row.id,
            name=row.name,
            address=row.address,
            addresses=frozenset((row.address_key, *settings.get("aliases", ()))),
            from_name=row.from_name,
            language=settings.get("language", "en"),
            footer=settings.get("footer", {}),
            physical_address=physical_address,
            policy=self._policy(row),
        )

    def _policy(self, row: Any) -> PolicySettings:
        """The policy of a declared mailbox with its own overrides, or the one a made mailbox names."""
        settings = self._settings()
        if row.managed and (declared := settings.mailbox(row.name, row.tenant_name)) is not None:
            return settings.policy_for(declared)
        return settings.policy(row.policy if settings.has_policy(row.policy) else "default")


def _read_accounts(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    rows = {row.id: row for row in connection.execute(_ROWS, {"ids": sorted(set(ids))})}
    names = sorted({name for row in rows.values() for name in suffixes(row.address_key.rpartition("@")[2])})
    shown = {row.name: row.physical_address for row in connection.execute(_DOMAINS, {"names": names})} if names else {}
    return [(row, _physical(row, shown)) if (row := rows.get(i)) is not None else None for i in ids]


def _physical(row: Any, shown: Mapping[str, str]) -> str:
    return next((shown[d] for d in suffixes(row.address_key.rpartition("@")[2]) if shown.get(d)), "")


def _read_secrets(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(_SECRETS).scalars())
