"""Providers: weight, health, the breaker, the last words each said, and a switch."""

from starlette.responses import Response

from relay.http.console.providers_state import provider_cards
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.problems import not_found
from relay.store import providers, roster


async def listed(visit: Visit) -> Response:
    """All of them, in the order of the file."""
    cards = provider_cards(visit.house)
    rows = await visit.house.look(roster.providers)
    most = sum(card.weight for card in cards) or 1
    return visit.page("providers.html", cards=cards, rows=rows, most=most)


async def pause(visit: Visit) -> Response:
    """It gets no more mail; others take over."""
    cause = visit.form.get("cause", "").strip()[:256] or "paused in the console"
    return await _set(visit, "paused", cause, "Paused. The other providers take over.")


async def resume(visit: Visit) -> Response:
    """It gets mail again."""
    return await _set(visit, "active", "", "Resumed. It gets mail again.")


async def _set(visit: Visit, status: str, cause: str, said: str) -> Response:
    house, name, now = visit.house, visit.named("name"), visit.now
    if house.provider(name) is None:
        raise not_found("provider")
    await house.write(
        lambda c: providers.set_provider_status(c, name, status=status, cause=cause, by=visit.who.actor, now=now)
    )
    # This process knows at once; the others when they look next.
    house.healths.paused = await house.look(providers.paused_providers)
    house.wake()
    return visit.go("/providers", said)


ENTRIES: tuple[Entry, ...] = (
    get("/providers", listed),
    post("/providers/{name}/pause", pause),
    post("/providers/{name}/resume", resume),
)
