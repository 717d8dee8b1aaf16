"""The sender's side of a submission as currently known: mailbox, tenant, policy, footer.

What a session sees may be up to a second old; the transaction that commits the decision reads it again. The
credentials that must never leave in a message are known here only as keyed hashes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from config.settings import Settings
from policy.settings import Options, PolicySettings, Reputation
from relay.store.engine import loads
from relay.store.reader import Reader
from relay.store.senders import read_accounts, read_secrets, read_standings

FRESH = 1000  # milliseconds for which a cached account is used


class Account(Struct, frozen=True):
    """A mailbox with everything needed to judge and edit its mail."""

    tenant_id: str
    tenant_name: str
    mailbox_id: str
    name: str
    address: str
    addresses: frozenset[str]  # keys of the addresses it may send as
    from_name: str
    language: str
    footer: Mapping[str, str]
    physical_address: str
    policy: PolicySettings
    is_foreign: bool  # only the file of another machine declares it: its rules are not known here


class Accounts:
    """Reads accounts through the reader and caches them for a second."""

    def __init__(self, reader: Reader, settings: Callable[[], Settings], clock: Callable[[], int]) -> None:
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._known: dict[str, tuple[int, Account]] = {}
        self._standings: dict[str, tuple[int, bool]] = {}
        self._secrets: tuple[int, frozenset[str]] = (0, frozenset())

    async def get(self, mailbox_id: str) -> Account | None:
        """The account of a mailbox, or None if there is none. Raises Unavailable."""
        read_at, account = self._known.get(mailbox_id, (0, None))
        if account is not None and 0 <= self._clock() - read_at < FRESH:
            return account
        row = await self._reader.ask(read_accounts, mailbox_id)
        if row is None:
            self._known.pop(mailbox_id, None)
            return None
        account = self._account(*row)
        self._known[mailbox_id] = (self._clock(), account)
        return account

    async def is_active(self, credential_id: str) -> bool:
        """Whether the credential is still active. Raises Unavailable."""
        read_at, active = self._standings.get(credential_id, (0, False))
        if not read_at or not 0 <= self._clock() - read_at < FRESH:
            active = await self._reader.ask(read_standings, credential_id)
            self._standings[credential_id] = (self._clock(), active)
        return active

    async def secrets(self) -> frozenset[str]:
        """Keyed hashes of all credentials of this installation."""
        read_at, known = self._secrets
        if not read_at or not 0 <= self._clock() - read_at < FRESH:
            known = await self._reader.call(read_secrets)
            self._secrets = (self._clock(), known)
        return known

    def known(self, mailbox_id: str) -> Account | None:
        """The account as last read, without asking the store."""
        return self._known.get(mailbox_id, (0, None))[1]

    def options(self, mailbox_id: str) -> Options:
        """How the mailbox wants decisions reported, from the cache alone; the defaults if it is not cached."""
        account = self.known(mailbox_id)
        return account.policy.options if account is not None else Options()

    def forget(self) -> None:
        """Empty the caches: the configuration changed."""
        self._known.clear()
        self._standings.clear()
        self._secrets = (0, frozenset())

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
            policy=policy_of(self._settings(), row, row.tenant_name),
            is_foreign=is_foreign(self._settings(), row),
        )


def is_foreign(own: Settings, row: Any) -> bool:
    """Whether a file declares this mailbox, and not ours: another machine has got a file that we have not read yet."""
    return bool(row.managed and row.status != "disabled" and own.mailbox(row.name, row.tenant_name) is None)


def policy_of(settings: Settings, row: Any, tenant: str) -> PolicySettings:
    """The policy of a mailbox: one declared in the file uses its declared policy and overrides, any other the
    policy it names.
    """
    if row.managed and (declared := settings.mailbox(row.name, tenant)) is not None:
        return settings.policy_for(declared)
    return settings.policy(row.policy if settings.has_policy(row.policy) else "default")


def reputation_rule(settings: Settings, row: Any) -> Reputation:
    """The reputation rule for a mailbox (a row with `tenant_name`); for None, the rule that applies to
    domains and tenants.
    """
    return (policy_of(settings, row, row.tenant_name) if row is not None else settings.policy()).reputation
