"""Investigations opened by complaints and alerts: shown with their evidence, closed with a note."""

from typing import get_args

from starlette.responses import Response

from relay.http import investigations as api
from relay.http.console.forms import filled, turn
from relay.http.console.visit import Entry, Visit, get, post
from relay.store import sent


async def listed(visit: Visit) -> Response:
    """The open ones, or the closed ones."""
    status: api.Status = visit.picked("status", get_args(api.Status), "open")
    page = await api.list_investigations(visit.house, visit.who, turn(visit), status=status)
    names = await visit.house.look(lambda c: sent.names_of(c, (case["mailboxId"] for case in page["data"])))
    return visit.page("investigations.html", cases=page["data"], next=page["nextCursor"], which=status, names=names)


async def show(visit: Visit) -> Response:
    """One case."""
    case = await api.show_investigation(visit.named("id"), visit.house, visit.who)
    names = await visit.house.look(lambda c: sent.names_of(c, [case["mailboxId"]]))
    return visit.page("investigation.html", case=case, names=names)


async def close(visit: Visit) -> Response:
    """Close one with a note of what was found."""
    body = filled(api.InvestigationClosing, visit.typed("note"))
    await api.close_investigation(visit.named("id"), body, visit.house, visit.who)
    return visit.go("/investigations", "Investigation closed.")


ENTRIES: tuple[Entry, ...] = (
    get("/investigations", listed),
    get("/investigations/{id}", show),
    post("/investigations/{id}", close),
)
