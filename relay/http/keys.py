"""Keys of agents: made by the operator, shown once, bound to a mailbox by its address.

The mailbox may be added later; until then the key identifies its caller but cannot send. A revoked key stays
known, so that its owner is told that it was revoked.
"""

from typing import Annotated, Any, Literal

from fastapi import Path, Response
from pydantic import Field

from config.senders import DEFAULT_TENANT
from relay.http.access import Caller, Operator, Parts, Who
from relay.http.meant import mail_address
from relay.http.pages import Turning, listing
from relay.http.problems import invalid, not_found
from relay.http.shapes import DateTime, Given, Line, Listing, Short, Told, among, of_row
from relay.http.strict import Resource
from relay.store import accounts, credentials
from relay.store.credentials import AGENT_SCOPE, OF_AN_AGENT, TENANT_SCOPE, Permission, scope_told
from relay.store.errors import Unknown

router = Resource("Keys")
Status = Literal["active", "revoked", "disabled"]


class NewKey(Given):
    """A key to make."""

    label: Short = Field(min_length=1, examples=["sales-agent"])
    scope: Line = Field(
        description="`agent:ADDRESS` for the mailbox of that address; `tenant:NAME` for a whole tenant.",
        examples=["agent:sales@yourcompany.com"],
        json_schema_extra={"pattern": "^(agent|tenant):."},
    )
    permissions: list[Permission] = Field(
        default=[*OF_AN_AGENT],
        min_length=1,
        max_length=3,
        description="`manage` also allows reporting business events. A `replied` among them ends a cooldown, so "
        "this permission is for the business's own systems, not for the agent that sends.",
    )


class Key(Told):
    """A key, without its secret."""

    id: str
    label: str
    scope: str
    key_prefix: str
    permissions: list[Annotated[str, among(Permission)]]
    status: Annotated[str, among(Status)]
    mailbox_id: str | None
    tenant_id: str
    created_at: DateTime
    revoked_at: DateTime | None


class KeyWithSecret(Key):
    """A new key with its secret, shown only once."""

    key: str


@router.post("/me/keys", status_code=201, summary="Make a key", response_model=KeyWithSecret)
async def make_key(body: NewKey, parts: Parts, who: Operator) -> Any:
    """Make a key for one mailbox, or for a whole tenant. Its secret is in `key`, in this answer only."""
    scope, tenant_name = _scope(body.scope)
    fresh = credentials.generate(parts.vault, parts.random)
    now = parts.clock()

    def job(connection: Any) -> Any:
        tenant_id, mailbox_id = _belongs(connection, scope, tenant_name)
        may = tuple(dict.fromkeys(body.permissions))
        own = fresh.credential(tenant_id, mailbox_id, scope, body.label, may)
        credentials.issue(connection, own, by=who.actor, now=now)
        return credentials.by_id(connection, fresh.id)

    row = await parts.write(job)
    parts.changed()
    return told(row) | {"key": fresh.key}


@router.get("/me/keys", summary="List keys", response_model=Listing[Key])
async def list_keys(parts: Parts, who: Who, turn: Turning) -> Any:
    """The operator sees all keys; a key sees only itself."""
    own = "" if who.is_operator else who.id
    page = await parts.look(lambda c: credentials.page(c, own, after=turn.after, limit=turn.limit))
    return listing(parts, turn, page, told)


@router.get("/me/keys/{id}", summary="Show a key", response_model=Key)
async def show_key(key_id: Annotated[str, Path(alias="id")], parts: Parts, who: Who) -> Any:
    """The key without its secret."""
    return told(await _seen(parts, who, key_id))


@router.delete("/me/keys/{id}", status_code=204, summary="Revoke a key")
async def revoke_key(key_id: Annotated[str, Path(alias="id")], parts: Parts, who: Who) -> Response:
    """Revoke a key for good; a key may revoke itself. Its further submissions are refused."""
    await _seen(parts, who, key_id)
    await parts.write(lambda c: credentials.revoke(c, key_id, by=who.actor, now=parts.clock()))
    parts.changed()
    return Response(status_code=204)


def told(row: Any) -> dict[str, Any]:
    """A credential in the API's form."""
    found = {"mailbox_id": row.found_mailbox, "tenant_id": credentials.tenant_behind(row)}
    return of_row(Key, row, scope=scope_told(row.scope), key_prefix=row.prefix, **found)


def _scope(given: str) -> tuple[str, str]:
    """The scope as it is stored, and the tenant's name if the scope is a tenant."""
    if given.startswith(TENANT_SCOPE) and len(given) > len(TENANT_SCOPE):
        return given, given[len(TENANT_SCOPE) :]
    if not given.startswith(AGENT_SCOPE):
        raise invalid("scope", "is agent:ADDRESS or tenant:NAME")
    return mail_address(given[len(AGENT_SCOPE) :], "scope").key, ""


def _belongs(connection: Any, scope: str, tenant_name: str) -> tuple[str, str]:
    """The ids of the scope's tenant and mailbox; the mailbox's is "" if it does not exist yet."""
    if tenant_name:
        return accounts.tenant(connection, tenant_name).id, ""
    try:
        found = accounts.mailbox(connection, scope)
    except Unknown:
        for row, _ in accounts.owners(connection, {scope}):
            raise invalid("scope", f"is an alias of {row.name}: give {row.address}") from None
        return accounts.tenant(connection, DEFAULT_TENANT).id, ""
    return found.tenant_id, found.id


async def _seen(parts: Parts, who: Caller, key_id: str) -> Any:
    row = await parts.look(lambda c: credentials.by_id(c, key_id))
    if row is None or not (who.is_operator or row.id == who.id):
        raise not_found("key")
    return row
