"""Data subject requests: what is kept about an address, and taking it out (GDPR articles 15 and 17).

For the operator. Erasing cannot be undone; what refuses the address stays, so that the person
is left in peace.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from config.names import camel
from policy.attribution import WEIGHT_UNIT
from policy.moment import precise
from relay.http.access import Operator, Parts
from relay.http.house import House
from relay.http.problems import invalid
from relay.http.shapes import Email, Given, Short, Told, address_of
from relay.http.strict import Resource
from relay.store import accounts, listings, people

router = Resource("Data subjects")


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
    """Submissions, deliveries, events, contacts, suppressions, consents, outcomes and what was credited with them."""
    try:
        address = address_of(email)
    except ValueError as error:
        raise invalid("email", str(error)) from None
    tenants = await _tenants(parts, tenant)
    found = await parts.look(lambda c: people.export(c, tenants, address.key))
    return {"email": address.wire} | {kind: [_told(kind, row) for row in rows] for kind, rows in found.items()}


@router.post("/data-subjects/erase", summary="Take a person out", response_model=Erased)
async def erase(body: Erase, parts: Parts, _: Operator) -> Any:
    """Recorded decisions read `erased` from then on, and still verify."""
    address, tenants, now = address_of(body.email), await _tenants(parts, body.tenant), parts.clock()
    counts = await parts.write(lambda c: people.erase(c, tenants, address.key, address.wire, now))
    return {"email": address.wire, "erased": counts}


# Where the API says otherwise than the store.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "sends": {"id": "send_id", "to_header": "to"},
    "suppressions": {"kind": "reason", "address": "email"},
    "consents": {"address": "email"},
    "outcomes": {"id": "event_id", "type": "event_type", "address": "email", "at": "timestamp"},
    "attributions": {"outcome_id": "event_id", "type": "event_type", "at": "timestamp"},
    "events": {"at": "timestamp"},
}


def _told(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in the words of the API: times as RFC 3339, what is absent as null, weights as parts of one."""
    names = _NAMES.get(kind, {})
    return {camel(names.get(name, name)): _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if name == "at" or name.endswith("_at"):
        return precise(value)
    if name == "weight":
        return float(value * WEIGHT_UNIT)
    return None if value == "" else value


async def _tenants(parts: House, name: str) -> list[str]:
    if name:
        return [str((await parts.look(lambda c: accounts.tenant(c, name))).id)]
    return list(await parts.look(listings.tenant_names))
