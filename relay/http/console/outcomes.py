"""Outcomes: what mail brought and what it cost, by mailbox or campaign, under the chosen model."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from policy.attribution import MODELS
from policy.outcomes import GROUPS, GroupBy
from relay.http import outcomes as api
from relay.http.console.visit import Entry, Visit, get
from relay.http.meant import tenant_of
from relay.http.spans import months
from relay.store import listings

SPANS = ("7d", "30d", "90d", "365d")


async def show(visit: Visit) -> Response:
    """The report of a period."""
    settings = visit.house.settings()
    period = visit.asked("period", "30d")
    periods = (*SPANS, *months(visit.now))
    model = visit.picked("model", MODELS, settings.attribution.model)
    by: GroupBy = visit.picked("by", GROUPS, "mailbox")
    tenant = await tenant_of(visit.house, visit.who, visit.asked("tenant") or None)
    told = await api.outcomes(visit.house, api.asked_of(visit.house, tenant, period, model), by)
    return visit.page(
        "outcomes.html",
        told=told,
        groups=[group | {"link": _link(group, by)} for group in ranked(told["groups"])],
        types=_types(told),
        periods=periods if period in periods else (*periods, period),
        period=period,
        models=MODELS,
        model=model,
        by=by,
        groupings=GROUPS,
        tenant=tenant,
        tenants=await visit.house.look(listings.tenant_names),
        url=visit.house.public_url(),
    )


def ranked(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups that earned most come first; of those that earned the same, the ones that sent most."""
    return sorted(groups, key=lambda group: (-group["outcomes"]["revenue_attributed"], -group["totalEmails"]))


def _link(group: Mapping[str, Any], by: GroupBy) -> str:
    """The page with more about a group."""
    if by == "mailbox":
        return f"/mailboxes/{group['mailboxId']}"
    name = quote(group[by])
    return f"/providers#{name}" if by == "provider" else f"/messages?q=campaign:%22{name}%22"


def _types(told: dict[str, Any]) -> list[str]:
    """The types of outcome that occurred, in order."""
    found = dict.fromkeys(name for one in (told, *told["groups"]) for name in one["outcomes"])
    return [name for name in found if name != "revenue_attributed"]


ENTRIES: tuple[Entry, ...] = (get("/outcomes", show),)
