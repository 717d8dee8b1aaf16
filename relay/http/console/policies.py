"""Policies: the cascade in effect, a form for running a message through it, and the replay of a change.

Neither a trial nor a replay sends, stores or counts anything.
"""

import asyncio
from collections.abc import Sequence
from textwrap import indent
from typing import Any

from starlette.responses import Response

from config.errors import ConfigError
from config.loader import load_text
from config.rules import Policy
from policy.replay import Report
from policy.usage import DAY
from relay.http.console import cascade, checks
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.problems import Problem
from relay.http.replaying import candidates_of, judge, records_of, untried
from relay.http.sending import origin, sender_of
from relay.http.simulate import addresses, judged, raw_submission
from relay.store import decisions, listings

NEWEST = 500  # decisions counted for the small bars
WEEK = 7 * DAY
SPANS = {"24h": DAY, "7d": WEEK, "30d": 30 * DAY}
REPLAYED = 2_000  # decisions that a replay covers here; the command line covers all
LONGEST = 20_000  # characters of a change
PANES = ("try", "replay")
_REPLAYING = asyncio.Lock()  # one at a time, since it takes CPU time


async def show(visit: Visit) -> Response:
    """The cascade of a policy; if its form was refused, with what was typed."""
    if visit.refused is None:
        return await _page(visit, visit.asked("pane"))
    return await _page(visit, visit.refused.action.removeprefix("/policies/"), given=visit.refused.given)


async def _page(visit: Visit, pane: str, **tried: Any) -> Response:
    settings = visit.house.settings()
    names = list(dict.fromkeys(("default", *settings.policies)))
    since = visit.now - WEEK
    rows, boxes = await visit.house.look(lambda c: (decisions.newest(c, NEWEST, since), listings.mailboxes_by_name(c)))
    chosen = _chosen(visit)
    told: dict[str, Any] = {
        "names": names,
        "chosen": chosen,
        "pane": pane if pane in PANES else PANES[0],
        "rules": cascade.rules(settings, chosen, counts=cascade.counted([row.record for row in rows])),
        "seen": len(rows),
        "is_all": len(rows) < NEWEST,
        "mailboxes": boxes,
        "result": None,
        "report": None,
        "given": {},
        "spans": SPANS,
        "most": REPLAYED,
    }
    return visit.page("policies.html", **(told | tried))


def _chosen(visit: Visit) -> str:
    asked = visit.asked("policy")
    return asked if visit.house.settings().has_policy(asked) else "default"


async def simulate(visit: Visit) -> Response:
    """The whole cascade on a pasted message."""
    given = {name: visit.form.get(name, "") for name in ("mailbox", "to", "message")}
    try:
        sender = await sender_of(visit.house, visit.who, given["mailbox"])
        data = given["message"].encode("utf-8", "surrogatepass")
        submission = raw_submission(visit.house, sender, data, addresses([given["to"]]), origin(visit.request))
        result = await judged(visit.house.desk, submission)
    except Problem as problem:
        if problem.status_code >= 500:
            raise
        return await _page(visit, "try", given=given, problem=problem.detail)
    listed, counted = checks.lines(result["checks"]), checks.summary(result["checks"])
    return await _page(visit, "try", given=given, result=result, lines=listed, summary=counted)


async def replay(visit: Visit) -> Response:
    """What a change of this policy would have decided on the newest recorded traffic, in both directions."""
    chosen = _chosen(visit)
    given = {"change": visit.form.get("change", "")[:LONGEST], "span": visit.form.get("span", "")}
    span = SPANS.get(given["span"], WEEK)
    try:
        candidate = visit.house.settings().with_change(chosen, change_of(given["change"]))
    except ConfigError as error:
        problem = " ".join(f"Line {max(1, p.line - _ABOVE)}: {_own(p.key)} {p.message}." for p in error.problems)
        return await _page(visit, "replay", given=given, problem=problem)

    def question(connection: Any) -> tuple[Any, Sequence[str], list[str]]:
        boxes, tenants = (
            listings.listed(connection, "mailboxes", {}, limit=1000).rows,
            listings.tenant_names(connection),
        )
        candidates = candidates_of(candidate, boxes, tenants)
        records = records_of(connection, decisions.newest(connection, REPLAYED, visit.now - span), candidates)
        return candidates, records, untried(visit.house.settings(), candidate, boxes, tenants)

    report = Report()
    candidates, records, report.untried = await visit.house.look(question)
    async with _REPLAYING:
        report.take(*await asyncio.to_thread(judge, candidates, records))
    return await _page(visit, "replay", given=given, report=report)


# A change is parsed as the policy `default` of a file of its own, so that its errors read like those of a file.
_ABOVE = 3  # lines that come before the change in that file


def change_of(text: str) -> Policy:
    """What a change says about a policy, written as it would be below the policy's name. Raises ConfigError."""
    whole = f"version: 1\npolicies:\n  default:\n{indent(text.expandtabs(2), '    ')}\n"
    return load_text(whole, "the change", need_secrets=False).settings.policies["default"]


def _own(key: str) -> str:
    return key.removeprefix("policies.default").lstrip(".")


ENTRIES: tuple[Entry, ...] = (
    get("/policies", show),
    post("/policies", simulate),
    post("/policies/replay", replay),
)
