"""Data subject requests: what is kept about an address, and taking it out (GDPR articles 15 and 17).

For the operator, and for a key of a whole tenant as far as reading goes. Erasing cannot be
undone; what refuses the address stays, so that the person is left in peace.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from relay.http.access import Operator, Parts
from relay.http.house import House
from relay.http.problems import invalid
from relay.http.reading import StrictRoute
from relay.http.shapes import Email, Given, Short, Told, address_of
from relay.store import accounts, listings, people

router = APIRouter(tags=["Data subjects"], route_class=StrictRoute)


class Erase(Given):
    """Whose data is to be taken out."""

    email: Email
    tenant: Short = Field(default="", description="Of one tenant alone; of all where it is left out.")


class Erased(Told):
    """What was changed or removed."""

    email: str
    erased: dict[str, int]


@router.get("/data-subjects/export", summary="Everything kept about an address", response_model=dict[str, Any])
async def export(
    parts: Parts,
    _: Operator,
    email: Annotated[str, Query(max_length=320)],
    tenant: Annotated[str, Query(max_length=128)] = "",
) -> Any:
    """As JSON, in the words of the store."""
    try:
        address = address_of(email)
    except ValueError as error:
        raise invalid("email", str(error)) from None
    tenants = await _tenants(parts, tenant)
    return {"email": address.wire, **await parts.look(lambda c: people.export(c, tenants, address.key))}


@router.post("/data-subjects/erase", summary="Take a person out", response_model=Erased)
async def erase(body: Erase, parts: Parts, _: Operator) -> Any:
    """Recorded decisions read `erased` from then on, and still verify."""
    address, tenants, now = address_of(body.email), await _tenants(parts, body.tenant), parts.clock()
    counts = await parts.write(lambda c: people.erase(c, tenants, address.key, address.wire, now))
    return {"email": address.wire, "erased": counts}


async def _tenants(parts: House, name: str) -> list[str]:
    if name:
        return [str((await parts.look(lambda c: accounts.tenant(c, name))).id)]
    return list(await parts.look(listings.tenant_names))
