"""Tenants and providers as the operator sees them: lists, and the switches that stop them."""

from typing import Annotated, Any

from fastapi import Path

from policy.moment import precise
from relay.http.access import Operator, Parts
from relay.http.house import House
from relay.http.pages import Turning, listing, page_of
from relay.http.problems import not_found
from relay.http.shapes import NO_CAUSE, Cause, DateTime, Listing, Told, when
from relay.http.strict import Resource
from relay.store import accounts, listings, roster
from relay.store.engine import loads
from relay.store.providers import set_provider_status

router = Resource("Tenants and providers")
TenantId = Annotated[str, Path(alias="id", description="Id or name.", max_length=128)]
ProviderName = Annotated[str, Path(alias="name", max_length=128)]


class Tenant(Told):
    """A tenant."""

    id: str
    name: str
    status: str
    cause: str | None
    rate_limits: dict[str, Any]
    mailboxes: int
    managed: bool
    created_at: DateTime


class Provider(Told):
    """A provider and how it is doing, as this process sees it."""

    name: str
    provider: str
    host: str
    port: int
    weight: int
    failover: bool
    status: str
    cause: str | None
    breaker: str
    lacks: str | None
    delivered: int
    failed: int
    last_words: str | None
    last_at: DateTime | None
    hook: str | None


@router.get("/tenants", summary="List tenants", response_model=Listing[Tenant])
async def list_tenants(parts: Parts, _: Operator, turn: Turning) -> Any:
    """By name."""
    page = page_of(await parts.look(listings.tenants), turn, lambda row: str(row.name))
    return listing(parts, turn, page, _tenant)


@router.post("/tenants/{id}/pause", summary="Stop a tenant", response_model=Tenant)
async def pause_tenant(tenant_id: TenantId, parts: Parts, _: Operator, body: Cause = NO_CAUSE) -> Any:
    """The kill switch: nothing is accepted and nothing leaves."""
    return await _switch(parts, tenant_id, "paused", body.cause)


@router.post("/tenants/{id}/resume", summary="Let a tenant send again", response_model=Tenant)
async def resume_tenant(tenant_id: TenantId, parts: Parts, _: Operator) -> Any:
    """Whatever stopped it."""
    return await _switch(parts, tenant_id, "active", "")


@router.get("/providers", summary="List providers", response_model=Listing[Provider])
async def list_providers(parts: Parts, _: Operator, turn: Turning) -> Any:
    """In the order of the configuration."""
    page = page_of(await providers(parts), turn, lambda one: str(one["name"]))
    return listing(parts, turn, page, dict)


@router.post("/providers/{name}/pause", summary="Stop sending through a provider", response_model=Provider)
async def pause_provider(name: ProviderName, parts: Parts, who: Operator, body: Cause = NO_CAUSE) -> Any:
    """Its share goes to the others."""
    return await _switch_provider(parts, name, "paused", body.cause, who.actor)


@router.post("/providers/{name}/resume", summary="Send through a provider again", response_model=Provider)
async def resume_provider(name: ProviderName, parts: Parts, who: Operator) -> Any:
    """From the next round on."""
    return await _switch_provider(parts, name, "active", "", who.actor)


async def providers(parts: House) -> list[dict[str, Any]]:
    """Every provider of the configuration. Also for the console."""
    rows = await parts.look(roster.providers)
    return [_provider(parts, provider, rows.get(provider.name)) for provider in parts.settings().providers]


async def _switch(parts: House, reference: str, status: str, cause: str) -> dict[str, Any]:
    now = parts.clock()

    def job(connection: Any) -> str:
        try:
            row = accounts.tenant(connection, reference)
        except accounts.Unknown:
            raise not_found("tenant") from None
        accounts.set_tenant_status(connection, row.id, status=status, cause=cause, now=now)
        return str(row.id)

    tenant_id = await parts.write(job)
    parts.changed()
    parts.wake()
    return next(_tenant(row) for row in await parts.look(listings.tenants) if row.id == tenant_id)


async def _switch_provider(parts: House, name: str, status: str, cause: str, by: str) -> dict[str, Any]:
    if parts.provider(name) is None:
        raise not_found("provider")
    now = parts.clock()
    await parts.write(lambda c: set_provider_status(c, name, status=status, cause=cause, by=by, now=now))
    paused = parts.healths.paused
    parts.healths.paused = paused | {name} if status == "paused" else paused - {name}
    parts.wake()
    return next(one for one in await providers(parts) if one["name"] == name)


def _tenant(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "cause": row.cause or None,
        "rateLimits": loads(row.limits),
        "mailboxes": row.mailboxes,
        "managed": bool(row.managed),
        "createdAt": when(row.created_at),
    }


def _provider(parts: House, provider: Any, row: Any) -> dict[str, Any]:
    health = parts.healths.of(provider.name)
    status = row.status if row is not None and row.status == "paused" else provider.status
    kind = provider.events.format
    return {
        "name": provider.name,
        "provider": provider.preset_name,
        "host": provider.host,
        "port": provider.port,
        "weight": provider.weight,
        "failover": provider.failover,
        "status": status,
        "cause": (row.cause or None) if row is not None else None,
        "breaker": parts.healths.state(provider.name),
        "lacks": provider.lacks or None,
        "delivered": health.delivered,
        "failed": health.failed,
        "lastWords": health.last_words or None,
        "lastAt": precise(health.last_at),
        "hook": f"{parts.public_url().rstrip('/')}/hooks/{kind}/{provider.name}" if kind else None,
    }
