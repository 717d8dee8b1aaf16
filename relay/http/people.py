"""Data subject requests: what is stored about an address, and erasing it (GDPR articles 15 and 17).

For the operator. Erasing cannot be undone; suppressions of the address stay, so that the person is left in peace.
"""

import hmac
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from sqlalchemy import Connection

from config.names import camel
from policy.attribution import WEIGHT_UNIT
from policy.moment import exact, precise
from relay.http.access import Operator, Parts
from relay.http.house import House
from relay.http.meant import OfTenant, mail_address
from relay.http.shapes import DateTime, Email, Given, Short, Told
from relay.http.strict import Resource
from relay.store import accounts, listings, people, suppression_list
from relay.store.acts import enact
from relay.store.consequences import Suppress
from relay.store.events import Event

router = Resource("Data subjects")


class Erasure(Given):
    """Whose data to erase."""

    email: Email
    tenant: Short = Field(default="", description="Limits this to one tenant; all tenants if left out.")
    refuse: bool = Field(default=False, description="Refuse the address from now on too, for the reason `legal`.")


class ErasureReceipt(Told):
    """What was changed or removed: the receipt. The event `person.erased` has the same `digest`, and no address."""

    email: str
    at: DateTime
    digest: str = Field(
        description="A keyed hash of the address: constant within this installation, different in others."
    )
    erased: dict[str, int]


@router.get("/data-subjects/export", summary="Everything stored about an address", response_model=dict[str, Any])
async def export_data_subject(
    parts: Parts,
    _: Operator,
    email: Annotated[str, Query(max_length=320)],
    tenant: OfTenant = "",
) -> Any:
    """Submissions, deliveries, events, contacts, suppressions, consents, outcomes and the credit for them."""
    address, tenants = mail_address(email), await _tenants(parts, tenant)
    found = await parts.look(lambda c: people.export(c, tenants, address.key))
    return {"email": address.wire} | {kind: [_told(kind, row) for row in rows] for kind, rows in found.items()}


@router.post("/data-subjects/erase", summary="Erase a person", response_model=ErasureReceipt)
async def erase_data_subject(body: Erasure, parts: Parts, who: Operator) -> Any:
    """Recorded decisions show `erased` in place of the address from then on, and still verify."""
    address, tenants, now = mail_address(body.email), await _tenants(parts, body.tenant), parts.clock()
    whose = tenants[0] if body.tenant else ""
    digest = hmac.digest(parts.vault.derive("erased person"), address.key.encode(), "sha256").hex()

    def job(connection: Connection) -> dict[str, int]:
        if body.refuse:
            scope = "tenant" if body.tenant else "global"
            entry = Suppress(whose, "", address.key, address.wire, "legal", who.actor, {}, now, scope=scope)
            suppression_list.add(connection, parts.consequences, entry)
        removed = people.erase(connection, tenants, address.key, address.wire, now)
        counts = {camel(name): count for name, count in removed.items()}
        enact(connection, Event("person.erased", now, whose, data={"digest": digest, "erased": counts}), by=who.actor)
        return counts

    counts = await parts.write(job)
    return {"email": address.wire, "at": exact(now), "digest": digest, "erased": counts}


# Where the API's names differ from the store's.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "sends": {"id": "send_id", "to_header": "to"},
    "suppressions": {"kind": "reason", "address": "email"},
    "consents": {"address": "email"},
    "outcomes": {"type": "event_type", "address": "email", "at": "timestamp"},
    "attributions": {"type": "event_type", "at": "timestamp"},
    "events": {"at": "timestamp"},
}


def _told(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in the API's words: times as RFC 3339, absent values as null, weights as fractions of one."""
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
