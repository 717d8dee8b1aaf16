"""What a call means: the tenant and the mailbox it names, or its caller's own (another's is 404), and an address."""

from relay.http.access import Caller
from relay.http.house import House
from relay.http.problems import invalid, not_found
from relay.http.shapes import address_of
from relay.mail.address import Address
from relay.store import accounts


def mail_address(text: str, field: str = "email") -> Address:
    """The one mailbox an address is, wherever in the call it stands; raises Problem, which names the field."""
    try:
        return address_of(text)
    except ValueError as error:
        raise invalid(field, str(error)) from None


async def tenant_of(parts: House, who: Caller, reference: str | None) -> str:
    """The tenant named, else the caller's own, which for the operator is `default`; raises 404 for another's."""
    if not reference and who.tenant_id:
        return who.tenant_id
    try:
        row = await parts.look(lambda c: accounts.tenant(c, reference or "default"))
    except accounts.Unknown:
        raise not_found("tenant") from None
    if not who.is_operator and row.id != who.tenant_id:
        raise not_found("tenant")
    return str(row.id)


async def whole_tenant_of(parts: House, who: Caller, reference: str | None) -> str:
    """The same where figures of all of it are asked for: a key of one mailbox may name none; raises 404."""
    if reference and not (who.is_operator or who.is_of_tenant):
        raise not_found("tenant")
    return await tenant_of(parts, who, reference)


async def scope_of(parts: House, who: Caller, mailbox: str | None, tenant_id: str = "") -> str:
    """The mailbox a list is narrowed to, within a tenant if one is named; "" for all the caller sees. Raises 404."""
    if not mailbox:
        return "" if who.is_operator or who.is_of_tenant else who.mailbox_id or "none"
    try:
        row = await parts.look(lambda c: accounts.mailbox(c, mailbox, tenant_id or who.tenant_id))
    except accounts.Unknown:
        raise not_found("mailbox") from None
    who.need_sight(row.tenant_id, row.id)
    return str(row.id)
