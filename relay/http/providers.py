"""Providers as the operator sees them: the state of each, and the switch that stops it."""

from typing import Annotated, Any, get_args

from fastapi import Path

from config.providers import ProviderSettings, Readiness
from relay.delivery.health import State
from relay.http.access import Operator, Parts
from relay.http.house import House
from relay.http.pages import Turning, listing, page_of
from relay.http.problems import not_found
from relay.http.shapes import NO_CAUSE, DateTime, Listing, PauseCause, Told, among, of_row
from relay.http.strict import Resource
from relay.store.providers import by_name, set_provider_status

router = Resource("Providers")
ProviderName = Annotated[str, Path(alias="name", max_length=128)]


class Provider(Told):
    """A provider and its state as this process sees it."""

    name: str
    provider: str
    host: str
    port: int
    weight: int
    failover: bool
    status: Annotated[str, among((*get_args(Readiness), "paused"))]
    cause: str | None
    breaker: Annotated[str, among(State)]
    lacks: str | None
    delivered: int
    failed: int
    last_words: str | None
    last_at: DateTime | None
    hook: str | None


@router.get("/providers", summary="List providers", response_model=Listing[Provider])
async def list_providers(parts: Parts, _: Operator, turn: Turning) -> Any:
    """In the order of the configuration."""
    page = page_of(await providers(parts), turn, lambda one: str(one["name"]))
    return listing(parts, turn, page, dict)


@router.post("/providers/{name}/pause", summary="Stop sending through a provider", response_model=Provider)
async def pause_provider(name: ProviderName, parts: Parts, who: Operator, body: PauseCause = NO_CAUSE) -> Any:
    """The other providers take over its share."""
    return await _switch(parts, name, "paused", body.cause, who.actor)


@router.post("/providers/{name}/resume", summary="Send through a provider again", response_model=Provider)
async def resume_provider(name: ProviderName, parts: Parts, who: Operator) -> Any:
    """Takes effect with the next round."""
    return await _switch(parts, name, "active", "", who.actor)


async def providers(parts: House) -> list[dict[str, Any]]:
    """Every provider of the configuration. Also used by the console."""
    rows = await parts.look(by_name)
    return [_told(parts, provider, rows.get(provider.name)) for provider in parts.settings().providers]


async def _switch(parts: House, name: str, status: str, cause: str, by: str) -> dict[str, Any]:
    if parts.provider(name) is None:
        raise not_found("provider")
    now = parts.clock()
    await parts.write(lambda c: set_provider_status(c, name, status=status, cause=cause, by=by, now=now))
    paused = parts.healths.paused
    parts.healths.paused = paused | {name} if status == "paused" else paused - {name}
    parts.wake()
    return next(one for one in await providers(parts) if one["name"] == name)


def _told(parts: House, provider: ProviderSettings, row: Any) -> dict[str, Any]:
    name, kind = provider.name, provider.events.format
    return of_row(
        Provider,
        parts.healths.of(name),
        name=name,
        provider=provider.preset_name,
        host=provider.host,
        port=provider.port,
        weight=provider.weight,
        failover=provider.failover,
        status=row.status if row is not None and row.status == "paused" else provider.status,
        cause=(row.cause or None) if row is not None else None,
        breaker=parts.healths.state(name),
        lacks=provider.lacks or None,
        hook=f"{parts.public_url().rstrip('/')}/hooks/{kind}/{name}" if kind else None,
    )
