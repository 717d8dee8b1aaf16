"""Credentials: what proves who submits.

A generated secret is shown once and stored as a keyed hash; it contains the id by which it
is looked up. A password chosen by an operator is stored as argon2id. Revoked is a state: a
revoked credential is still known, so that its owner is told «revoked» and not «wrong».
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, insert, select, update

from relay.mail.address import key_of
from relay.store import schema as t
from relay.store.acts import enact
from relay.store.engine import dumps
from relay.store.errors import Unknown
from relay.store.events import Event
from relay.store.paging import Page, Place, matching, newest_first
from relay.store.vault import Vault

PREFIX = "gp_live"
TENANT_SCOPE = "tenant:"
AGENT_SCOPE = "agent:"
Permission = Literal["send", "read", "manage"]
# What an agent needs. `manage` allows reporting outcomes, and a reported reply ends a cooldown: not for agents to do.
OF_AN_AGENT: tuple[Permission, ...] = ("send", "read")


class NewCredential(Struct, frozen=True):
    """A credential to be created. `scope` is the folded address of its mailbox, which may be created later."""

    id: str
    tenant_id: str
    mailbox_id: str
    scope: str
    label: str
    permissions: tuple[str, ...]
    kind: str
    secret: str
    prefix: str = ""
    username: str | None = None
    managed: bool = False


class Generated(Struct, frozen=True):
    """A new secret: `key` is shown once, `digest` is stored."""

    id: str
    key: str
    prefix: str
    digest: str

    def credential(
        self, tenant_id: str, mailbox_id: str, scope: str, label: str, permissions: tuple[str, ...]
    ) -> NewCredential:
        """The credential that belongs to this secret."""
        own = (self.id, tenant_id, mailbox_id, scope, label, permissions)
        return NewCredential(*own, kind="generated", secret=self.digest, prefix=self.prefix)

    def of_mailbox(self, row: Any, label: str, permissions: tuple[str, ...] = OF_AN_AGENT) -> NewCredential:
        """The credential of the mailbox whose row this is."""
        return self.credential(row.tenant_id, row.id, row.address_key, label, permissions)


def generate(vault: Vault, random: Callable[[int], bytes]) -> Generated:
    """Make a secret of 256 bits, with the id by which it is found: gp_live_<id>_<secret>."""
    name, secret = _letters(random(10)), _letters(random(32))
    key = f"{PREFIX}_{name}_{secret}"
    return Generated(f"key_{name}", key, f"{PREFIX}_{name}", vault.digest(key))


def id_in(password: str) -> str:
    """The credential id contained in a generated secret, "" if it is not one of ours."""
    head, _, rest = password.partition(f"{PREFIX}_")
    name, separator, secret = rest.partition("_")
    return f"key_{name}" if not head and separator and name and secret else ""


def free_username(connection: Connection, *wanted: str) -> str | None:
    """The first unused of these user names; None if all are taken (the mailbox's names log in as well)."""
    column = t.credentials.c.username
    taken = set(connection.execute(select(column).where(column.in_(wanted))).scalars())
    return next((name for name in wanted if name not in taken), None)


def add(connection: Connection, new: NewCredential, now: int) -> None:
    """Store a credential."""
    row = asdict(new) | {"permissions": dumps(list(new.permissions)), "created_at": now}
    connection.execute(insert(t.credentials), row)


def issue(connection: Connection, new: NewCredential, *, by: str, now: int) -> None:
    """Store a credential that somebody asked for."""
    add(connection, new, now)
    data = {"key": new.id, "label": new.label, "scope": scope_told(new.scope), "permissions": list(new.permissions)}
    enact(connection, Event("key.created", now, new.tenant_id, new.mailbox_id, data=data), by=by)


_JOINED = select(
    t.credentials,
    t.mailboxes.c.id.label("found_mailbox"),
    t.mailboxes.c.tenant_id.label("mailbox_tenant"),
    t.mailboxes.c.name.label("mailbox_name"),
    t.mailboxes.c.address_key.label("mailbox_address"),
).outerjoin(
    t.mailboxes,
    (t.mailboxes.c.id == t.credentials.c.mailbox_id)
    | ((t.credentials.c.mailbox_id == "") & (t.mailboxes.c.address_key == t.credentials.c.scope)),
)


def is_of_tenant(scope: str) -> bool:
    """Whether a stored scope is a whole tenant."""
    return scope.startswith(TENANT_SCOPE)


def scope_told(scope: str) -> str:
    """A stored scope in the form used in requests: `agent:ADDRESS` or `tenant:NAME`."""
    return scope if is_of_tenant(scope) or not scope else f"{AGENT_SCOPE}{scope}"


def by_id(connection: Connection, credential_id: str) -> Any:
    """The credential with its mailbox (columns `found_mailbox`, `mailbox_tenant`, `mailbox_name` …), or None."""
    return connection.execute(_JOINED.where(t.credentials.c.id == credential_id)).first()


def tenant_behind(row: Any) -> str:
    """The tenant of a credential's mailbox; until there is one, that of the credential."""
    return str(row.mailbox_tenant or row.tenant_id)


def for_login(connection: Connection, username: str) -> Sequence[Any]:
    """The credentials a user name may mean: its own name, or its mailbox's name or address."""
    c, m = t.credentials.c, t.mailboxes.c
    meant = (
        select(c.id)
        .where(c.username == username)
        .union(
            select(c.id).join(t.mailboxes, m.id == c.mailbox_id).where(m.name == username),
            select(c.id).join(t.mailboxes, m.id == c.mailbox_id).where(m.address_key == key_of(username)),
        )
    )
    return connection.execute(_JOINED.where(c.id.in_(meant)).order_by(c.created_at)).all()


def listed(connection: Connection, mailbox_id: str = "") -> Sequence[Any]:
    """All credentials, or those of one mailbox, oldest first."""
    query = _JOINED.where(*matching((t.mailboxes.c.id, mailbox_id)))
    return connection.execute(query.order_by(t.credentials.c.created_at)).all()


def page(connection: Connection, credential_id: str, *, after: Place | None, limit: int) -> Page:
    """A page of credentials with their mailboxes, newest first: all of them, or the one with the given id."""
    c = t.credentials.c
    query = _JOINED.where(*matching((c.id, credential_id)))
    return newest_first(connection, query, c.created_at, c.id, after=after, limit=limit)


def declared_hashes(connection: Connection) -> dict[str, str]:
    """The stored hashes of the passwords declared in the configuration file, by user name."""
    c = t.credentials.c
    rows = connection.execute(select(c.username, c.secret).where(c.managed.is_(True)))
    return {row.username: row.secret for row in rows}


def revoked_of_files(connection: Connection) -> frozenset[str]:
    """User names ever declared in a file whose credentials were revoked: the file cannot bring them back."""
    c = t.credentials.c
    rows = connection.execute(select(c.username).where(c.managed.is_(True), c.status == "revoked"))
    return frozenset(rows.scalars())


def revoke(connection: Connection, credential_id: str, *, by: str, now: int) -> None:
    """Revoke a credential permanently; raises Unknown. One that is revoked stays as it is."""
    row = by_id(connection, credential_id)
    if row is None:
        raise Unknown("credential", credential_id)
    c = t.credentials.c
    revoked = update(t.credentials).where(c.id == credential_id, c.status != "revoked")
    if not connection.execute(revoked.values(status="revoked", revoked_at=now)).rowcount:
        return
    data = {"key": credential_id, "label": row.label}
    enact(connection, Event("key.revoked", now, tenant_behind(row), row.found_mailbox or "", data=data), by=by)


def _letters(random: bytes) -> str:
    """Base 32 in lower case without padding: all characters are safe in a shell and in URLs."""
    return base64.b32encode(random).decode().rstrip("=").lower()
