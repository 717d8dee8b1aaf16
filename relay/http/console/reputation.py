"""Reputation: each sender's rates against the limits, and its score with all its terms."""

from typing import Any

from starlette.responses import Response

from policy.reputation import percent
from policy.usage import DAY
from relay.http import reputation as api
from relay.http.console.visit import Entry, Visit, get
from relay.http.problems import not_found
from relay.store import accounts, listings, volumes
from relay.store.errors import Unknown

MOST = 60  # senders in the list
DAYS = 30


async def show(visit: Visit) -> Response:
    """The mailboxes and tenants with the worst scores, the worst first; one of them in detail."""
    boxes, tenants = await visit.house.look(lambda c: (listings.mailboxes_by_name(c), listings.tenant_names(c)))
    named = {f"tenant:{key}": (name, "") for key, name in tenants.items()}
    named |= {f"mailbox:{box.id}": (box.name, box.status) for box in boxes}
    found = await api.standings(visit.house, await api.rules_of(visit.house, named))
    rows = [{"name": name, "paused": status == "paused", **found[scope]} for scope, (name, status) in named.items()]
    rows.sort(key=lambda row: (row["reputationScore"], row["name"].lower()))
    chosen = visit.asked("scope") or (rows[0]["scope"] if rows else "")
    opened = await _open(visit, chosen, found.get(chosen)) if chosen else None
    left = max(0, len(rows) - MOST)
    return visit.page("reputation.html", rows=rows[:MOST], left=left, chosen=chosen, opened=opened)


async def _open(visit: Visit, scope: str, known: dict[str, Any] | None) -> dict[str, Any]:
    kind, _, name = scope.partition(":")
    now = visit.now
    try:
        shown, days = await visit.house.look(
            lambda c: (
                accounts.mailbox(c, name).name if kind == "mailbox" else accounts.tenant(c, name).name,
                volumes.by_day(c, scope, now - DAYS * DAY),
            )
        )
    except Unknown:
        raise not_found("sender") from None
    rule = (await api.rules_of(visit.house, [scope]))[scope]
    bounces, complaints = (
        (rule.warn_bounce_rate, rule.pause_bounce_rate),
        (rule.warn_complaint_rate, rule.pause_complaint_rate),
    )
    by_day = {day["at"]: day for day in days}
    at = [(now // DAY - DAYS + 1 + n) * DAY for n in range(DAYS)]
    return {
        "name": shown,
        "rule": rule,
        **(known or await api.standing(visit.house, scope)),
        "bounces": _rates(at, by_day, "bounced", "sent", bounces),
        "complaints": _rates(at, by_day, "complained", "delivered", complaints),
    }


def _rates(
    at: list[int], days: dict[int, dict[str, int]], part: str, whole: str, limits: tuple[float, float]
) -> dict[str, Any]:
    """A rate for each day with its two limits, in the form a chart takes."""
    rates = [round(percent(d[part], d[whole]), 3) if (d := days.get(t)) and d[whole] else None for t in at]
    warning, pause = limits
    return {
        "at": [t // 1000 for t in at],
        "unit": "%",
        "series": [
            {"name": "rate", "values": rates},
            {"name": "limit", "values": [warning] * len(at)},
            {"name": "pause", "values": [pause] * len(at)},
        ],
    }


ENTRIES: tuple[Entry, ...] = (get("/reputation", show),)
