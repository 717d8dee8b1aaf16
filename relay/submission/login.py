"""Checks logins: generated secrets, passwords chosen by an operator, and API keys, under any name of their mailbox.

A wrong password, an unknown user and a wrong secret for a revoked credential take the same time and get the
same answer. Hashing a chosen password takes 20 ms on purpose, so it is done in threads with a bounded queue,
never in the loop; a verified password is then cached for a short while. Nothing here logs a secret.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec.structs import replace
from sqlalchemy import Connection

from relay.mail.address import key_of
from relay.store import accounts, credentials
from relay.store.credentials import is_of_tenant
from relay.store.engine import loads
from relay.store.errors import Unknown
from relay.store.reader import Reader
from relay.store.vault import Vault
from relay.submission.submission import AuthRefused, Principal

BELIEVED = 300_000  # milliseconds for which a verified password is not hashed again
LINE = 64  # logins that may wait to be hashed; beyond that 454
# OWASP's minimum for argon2id: these passwords protect machine accounts behind a throttle.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DUMMY = _HASHER.hash("a password nobody has")


def hash_password(password: str) -> str:
    """The argon2id hash of a password chosen by an operator."""
    return _HASHER.hash(password)


def same_password(stored: str, password: str) -> bool:
    """Whether `stored` is a hash of `password`."""
    try:
        return _HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


class Logins:
    """Turns a user name and a password into a principal."""

    def __init__(self, reader: Reader, vault: Vault, clock: Callable[[], int]) -> None:
        self._reader = reader
        self._vault = vault
        self._clock = clock
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
        self._hashing = 0
        self._believed: dict[str, tuple[int, Principal]] = {}

    async def authenticate(self, username: str, password: str) -> Principal:
        """The principal of a login. Raises AuthRefused or Unavailable."""
        mark = self._vault.digest(f"{username}\0{password}")
        until, principal = self._believed.get(mark, (0, None))
        if principal is not None and self._clock() < until:
            return principal
        principal = await self._prove(username, password)
        if len(self._believed) > 10_000:
            self._believed.clear()
        self._believed[mark] = (self._clock() + BELIEVED, principal)
        return principal

    async def by_key(self, key: str) -> Principal:
        """The principal of an API key. Raises AuthRefused or Unavailable."""
        rows = await self._reader.call(lambda c: _key_rows(c, key))
        return self._of_key(rows, key, lambda _row: True)

    def forget(self) -> None:
        """Empty the cache of verified logins: a credential was revoked or changed."""
        self._believed.clear()

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _prove(self, username: str, password: str) -> Principal:
        if credentials.id_in(password):
            rows = await self._reader.call(lambda c: _key_rows(c, password))
            principal = self._of_key(rows, password, lambda row: is_of_tenant(row.scope) or _is_called(row, username))
            return principal if principal.mailbox_id else await self._as(principal, username)
        rows = await self._reader.call(lambda c: credentials.for_login(c, username))
        # Active credentials first: a login is told that its credential is revoked only if no active one has that
        # password.
        chosen = sorted([row for row in rows if row.kind == "chosen"], key=lambda row: row.status != "active")
        for row in chosen:
            if await self._hash(row.secret, password):
                return _principal(row)
        if not chosen:
            await self._hash(_DUMMY, password)  # so that an unknown user takes as long as a known one
        raise AuthRefused("wrong")

    async def _as(self, principal: Principal, username: str) -> Principal:
        """The principal of a key that has no mailbox of its own; that of a tenant acts as the mailbox it names."""
        if not is_of_tenant(principal.scope):
            return principal
        try:
            row = await self._reader.call(lambda c: accounts.mailbox(c, username, principal.tenant_id))
        except Unknown:
            raise AuthRefused("wrong") from None
        return replace(principal, mailbox_id=row.id)

    def _of_key(self, rows: Sequence[Any], key: str, is_meant: Callable[[Any], bool]) -> Principal:
        digest = self._vault.digest(key)
        for row in rows:
            if hmac.compare_digest(row.secret, digest) and is_meant(row):
                return _principal(row)
        raise AuthRefused("wrong")

    async def _hash(self, stored: str, password: str) -> bool:
        if self._hashing >= LINE:
            raise AuthRefused("busy")
        self._hashing += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, same_password, stored, password)
        finally:
            self._hashing -= 1


def _key_rows(connection: Connection, key: str) -> Sequence[Any]:
    row = credentials.by_id(connection, credentials.id_in(key))
    return () if row is None else (row,)


def _is_called(row: Any, username: str) -> bool:
    names = {row.username, row.mailbox_name, row.mailbox_address, row.label, row.scope}
    return username in names or username.lower() in names or key_of(username) == row.mailbox_address


def _principal(row: Any) -> Principal:
    """The principal of a credential whose secret was right. Raises AuthRefused if it was revoked."""
    if row.status != "active":
        raise AuthRefused("revoked")
    return Principal(
        credential_id=row.id,
        tenant_id=credentials.tenant_behind(row),
        mailbox_id=row.found_mailbox or "",
        permissions=frozenset(loads(row.permissions)),
        username=row.username or row.label,
        scope=row.scope,
    )
