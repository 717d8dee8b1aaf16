"""Tenants as the operator sees them, and the switch that stops each."""

from typing import Annotated, Any

from fastapi import Path

from relay.http.access import Caller, Operator, Parts
from relay.http.house import House
from relay.http.mailbox_shapes import Status
from relay.http.pages import Turning, listing, page_of
from relay.http.problems import may, not_found
from relay.http.shapes import NO_CAUSE, DateTime, Listing, PauseCause, Told, among, of_row
from relay.http.strict import Resource
from relay.store import accounts, listings
from relay.store.declaring import check_is_in_use
from relay.store.engine import loads
from relay.store.errors import Unknown

router = Resource("Tenants")
TenantId = Annotated[str, Path(alias="id", description="Id or name.", max_length=128)]


class Tenant(Told):
    """A tenant."""

    id: str
    name: str
    status: Annotated[str, among(Status)]
    cause: str | None
    rate_limits: dict[str, Any]
    mailboxes: int
    managed: bool
    created_at: DateTime


@router.get("/tenants", summary="List tenants", response_model=Listing[Tenant])
async def list_tenants(parts: Parts, _: Operator, turn: Turning) -> Any:
    """By name."""
    page = page_of(await parts.look(listings.tenants), turn, lambda row: str(row.name))
    return listing(parts, turn, page, _told)


@router.post("/tenants/{id}/pause", summary="Stop a tenant", response_model=Tenant, responses=may("declared_in_file"))
async def pause_tenant(tenant_id: TenantId, parts: Parts, who: Operator, body: PauseCause = NO_CAUSE) -> Any:
    """The kill switch: nothing is accepted and nothing leaves."""
    return await _switch(parts, tenant_id, "paused", body.cause, who)


@router.post(
    "/tenants/{id}/resume", summary="Let a tenant send again", response_model=Tenant, responses=may("declared_in_file")
)
async def resume_tenant(tenant_id: TenantId, parts: Parts, who: Operator) -> Any:
    """Ends the pause, whoever or whatever caused it."""
    return await _switch(parts, tenant_id, "active", "", who)


async def _switch(parts: House, reference: str, status: str, cause: str, who: Caller) -> dict[str, Any]:
    now = parts.clock()

    def job(connection: Any) -> str:
        try:
            row = accounts.tenant(connection, reference)
        except Unknown:
            raise not_found("tenant") from None
        check_is_in_use("tenant", row)
        accounts.set_tenant_status(connection, row.id, status=status, cause=cause, by=who.actor, now=now)
        return str(row.id)

    tenant_id = await parts.write(job)
    parts.changed()
    parts.wake()
    return next(_told(row) for row in await parts.look(listings.tenants) if row.id == tenant_id)


def _told(row: Any) -> dict[str, Any]:
    return of_row(Tenant, row, rate_limits=loads(row.limits))
