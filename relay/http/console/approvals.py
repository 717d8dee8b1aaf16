"""Approvals: mail that waits for a person, with everything needed to decide, and the two buttons.

After a decision the next one in the queue is shown, after the last one the first. The policy is asked again at
departure: an approval never overrides a block, and the page says so.
"""

from collections import Counter
from typing import Any

from starlette.responses import Response

from relay.http import approvals as api
from relay.http import forecast
from relay.http.console import checks, messages
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.problems import Problem
from relay.store import approvals, sent

MOST = 100  # shown at once, and decided at once
WARNED = 3  # checks named beside the cause
FACES = ("message", "decision", "timeline")


async def listed(visit: Visit) -> Response:
    """The queue, with the message open whose time runs out first; if a form was refused, the first message picked
    in it.
    """
    picked = str(visit.form_at("/approvals").value("ids")).split()
    return await _page(visit, picked[0] if picked else "")


async def show(visit: Visit) -> Response:
    """The queue, with one message open."""
    return await _page(visit, visit.named("id"))


async def _page(visit: Visit, chosen: str) -> Response:
    def question(connection: Any) -> Any:
        waiting = approvals.around(connection, chosen, MOST)
        return waiting, sent.by_id(connection, [row.send_id for row in waiting.rows])

    waiting, sends = await visit.house.look(question)
    never = await forecast.never(visit.house, [row.send_id for row in waiting.rows])
    rows = [
        {
            "approval": row,
            "subject": sends[row.send_id].row.subject,
            "mailbox": sends[row.send_id].mailbox,
            "to": [d.recipient for d in sends[row.send_id].deliveries if d.state == "held"],
            "never": list(never.get(row.send_id, {}).values()),
        }
        for row in waiting.rows
    ]
    chosen = chosen or (waiting.rows[0].send_id if waiting.rows else "")
    told: dict[str, Any] = {"rows": rows, "chosen": chosen, "queue": waiting}
    if chosen:
        told |= await _open(visit, chosen)
    return visit.page("approvals.html", **told)


async def _open(visit: Visit, send_id: str) -> dict[str, Any]:
    tab = visit.picked("tab", FACES, "message")
    told = await messages.shown(visit, send_id, tab, "/approvals")
    approval = await api.shown(visit.house, visit.who, send_id)
    trace = told["trace"] if "trace" in told else await messages.trace_of(visit, send_id)
    recorded = trace["checks"] if trace else []
    items = checks.items(recorded)
    cause = next((item for item in items if item.status in checks.LOOK), None)
    warned = [item for item in items if item.status == "warned" and item is not cause][:WARNED]
    summary = checks.summary(recorded)
    return told | {"approval": approval, "summary": summary, "cause": cause, "warned": warned, "tabs": FACES}


async def decide(visit: Visit) -> Response:
    """Approve or reject, with a note."""
    send_id, (word, note) = visit.named("id"), _decision(visit)
    became = await api.settle(visit.house, send_id, word, by=visit.who.actor, note=note)
    if word == "approve":
        said = f"Approved. {forecast.counted(became) or 'It leaves now, unless policy stops it.'}"
    else:
        said = "Rejected. It will not be sent."
    return await _on(visit, send_id, said)


async def decide_many(visit: Visit) -> Response:
    """One decision for several; those that could not be decided, or do not reach all recipients, are counted."""
    word, note = _decision(visit)
    became, outlooks = Counter[str](), list[dict[str, Any]]()
    picked = visit.form.get("ids", "").split()[:MOST]
    for send_id in picked:
        try:
            outlooks += await api.settle(visit.house, send_id, word, by=visit.who.actor, note=note)
        except Problem as problem:
            if problem.code not in _LEFT:
                raise
            became[problem.code] += 1
        else:
            became[word] += 1
    verb = "approved" if word == "approve" else "rejected"
    left = [f"{became[code]} {words}." for code, words in _LEFT.items() if became[code]]
    said = " ".join(filter(None, (f"{became[word]} {verb}.", forecast.counted(outlooks), *left)))
    return await _on(visit, picked[-1] if picked else "", said)


def _decision(visit: Visit) -> tuple[str, str]:
    """The word and the note of the form."""
    word = visit.form.get("decision", "")
    if word not in ("approve", "reject"):
        raise Problem("invalid_request", "decision: is approve or reject")
    return word, visit.form.get("note", "").strip()[:4000]


async def _on(visit: Visit, send_id: str, said: str) -> Response:
    """Continue with the next one in the queue."""
    behind = await visit.house.look(lambda c: approvals.following(c, send_id))
    return visit.go(f"/approvals/{behind}" if behind else "/approvals", said)


_LEFT = {"not_waiting": "no longer waiting", "changed_since_held": "changed since held: can only be rejected"}


ENTRIES: tuple[Entry, ...] = (
    get("/approvals", listed),
    post("/approvals", decide_many),
    get("/approvals/{id}", show),
    post("/approvals/{id}", decide),
)
