"""Policies: the cascade as it is in effect, and a pane in which a message goes through it without being sent."""

from typing import Any

from starlette.responses import Response

from relay.http.console import cascade, checks
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.problems import Problem
from relay.http.sending import origin, sender_of
from relay.http.simulate import addresses, judged, raw_submission
from relay.store import decisions, listings

NEWEST = 500  # decisions the little bars are made of


async def show(visit: Visit) -> Response:
    """The cascade of a policy."""
    return await _page(visit)


async def _page(visit: Visit, **tried: Any) -> Response:
    settings = visit.house.settings()
    names = list(dict.fromkeys(("default", *settings.policies)))
    chosen = visit.asked("policy") if visit.asked("policy") in names else "default"
    records, boxes = await visit.house.look(
        lambda c: (decisions.newest(c, NEWEST), listings.listed(c, "mailboxes", {}, limit=200).rows)
    )
    told: dict[str, Any] = {
        "names": names,
        "chosen": chosen,
        "rules": cascade.rules(settings, chosen, counts=cascade.counted(records)),
        "seen": len(records),
        "mailboxes": boxes,
        "result": None,
        "given": {},
    }
    return visit.page("policies.html", **(told | tried))


async def simulate(visit: Visit) -> Response:
    """The whole cascade on a pasted message; nothing is stored and nothing counts."""
    given = {name: visit.form.get(name, "") for name in ("mailbox", "to", "message")}
    try:
        sender = await sender_of(visit.house, visit.who, given["mailbox"])
        data = given["message"].encode("utf-8", "surrogatepass")
        submission = raw_submission(visit.house, sender, data, addresses([given["to"]]), origin(visit.request))
        result = await judged(visit.house, submission)
    except Problem as problem:
        if problem.status_code >= 500:
            raise
        return await _page(visit, given=given, problem=problem.detail)
    return await _page(
        visit,
        given=given,
        result=result,
        items=checks.items(result["checks"]),
        summary=checks.summary(result["checks"]),
    )


ENTRIES: tuple[Entry, ...] = (get("/policies", show), post("/policies", simulate))
