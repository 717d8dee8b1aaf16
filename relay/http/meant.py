"""Resolves what a call refers to: a tenant or a mailbox, named or by default the caller's own, and an address."""

from typing import Annotated, Any

from fastapi import Query

from config.senders import DEFAULT_TENANT
from relay.http.access import Caller
from relay.http.house import House
from relay.http.problems import invalid, not_found
from relay.http.shapes import address_of
from relay.mail.address import Address
from relay.store import accounts
from relay.store.errors import Unknown

OfMailbox = Annotated[
    str | None, Query(alias="mailboxId", max_length=320, description="Id, name or address of a mailbox.")
]
OfTenant = Annotated[str, Query(max_length=128, description="Id or name of a tenant.")]


def mail_address(text: str, field: str = "email") -> Address:
    """The address in a field of the call. Raises Problem, which names the field."""
    try:
        return address_of(text)
    except ValueError as error:
        raise invalid(field, str(error)) from None


async def tenant_of(parts: House, who: Caller, reference: str | None) -> str:
    """The named tenant, by default the caller's own, or `default` for the operator. Raises 404 for another
    tenant than the caller's.
    """
    if not reference and who.tenant_id:
        return who.tenant_id
    try:
        row = await parts.look(lambda c: accounts.tenant(c, reference or DEFAULT_TENANT))
    except Unknown:
        raise not_found("tenant") from None
    if not who.is_within(row.id):
        raise not_found("tenant")
    return str(row.id)


async def whole_tenant_of(parts: House, who: Caller, reference: str | None) -> str:
    """The same for data about a whole tenant: a key of one mailbox may not name a tenant. Raises 404."""
    if reference and not (who.is_operator or who.is_of_tenant):
        raise not_found("tenant")
    return await tenant_of(parts, who, reference)


async def mailbox_of(parts: House, who: Caller, reference: str, tenant_id: str = "") -> Any:
    """The row of a mailbox; its name may exist in several tenants, and a key means its own tenant's. Raises 404."""
    try:
        return await parts.look(lambda c: accounts.mailbox(c, reference, tenant_id or who.tenant_id))
    except Unknown:
        raise not_found("mailbox") from None


async def scope_of(parts: House, who: Caller, mailbox: str | None, tenant_id: str = "") -> str:
    """The mailbox to which a list is limited, within a tenant if one is given; "" for all that the caller may
    see. Raises 404.
    """
    if not mailbox:
        return who.reach
    row = await mailbox_of(parts, who, mailbox, tenant_id)
    who.need_sight(row.tenant_id, row.id)
    return str(row.id)
