"""Providers: weight, health, breaker, the last reply of each, and a switch."""

from starlette.responses import Response

from relay.http import providers as api
from relay.http.console.forms import cause_of
from relay.http.console.providers_state import provider_cards
from relay.http.console.visit import Entry, Visit, get, post
from relay.store.providers import by_name


async def listed(visit: Visit) -> Response:
    """All providers, in the order of the file."""
    cards = provider_cards(visit.house)
    rows = await visit.house.look(by_name)
    most = sum(card.weight for card in cards) or 1
    return visit.page("providers.html", cards=cards, rows=rows, most=most)


async def pause(visit: Visit) -> Response:
    """Give it no more mail; the others take over."""
    cause = cause_of(visit)
    await api.pause_provider(visit.named("name"), visit.house, visit.who, cause)
    return visit.go("/providers", "Paused. The other providers take over.")


async def resume(visit: Visit) -> Response:
    """Give it mail again."""
    await api.resume_provider(visit.named("name"), visit.house, visit.who)
    return visit.go("/providers", "Resumed. It gets mail again.")


ENTRIES: tuple[Entry, ...] = (
    get("/providers", listed),
    post("/providers/{name}/pause", pause),
    post("/providers/{name}/resume", resume),
)
