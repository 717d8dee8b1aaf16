"""The link an approver gets by mail: opening it only shows the held message; its buttons decide.

The token is signed for one send and one approver and is valid until the send is decided or times out. Mail
scanners that open the link therefore change nothing. The message is shown as text, never rendered.
"""

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse

from policy.moment import exact
from relay.http.access import Parts
from relay.http.approvals import settle
from relay.http.console.words import printable
from relay.http.forecast import forecast, in_words
from relay.http.house import House
from relay.http.paper import ANSWERS, Token, nothing, page
from relay.http.problems import Problem
from relay.http.strict import Calls
from relay.mail import inspection
from relay.mail.approval import PATH, read
from relay.mail.mime import view
from relay.mail.text import content
from relay.mail.token import TokenError
from relay.store import approvals, sends, sent

router = Calls("Approvals")
FEW = 10  # list items shown before the rest is folded away
_GONE = "The message is no longer kept."


@router.head(PATH + "{token}", include_in_schema=False)
@router.get(PATH + "{token}", summary="What waits for approval", response_class=HTMLResponse, responses=ANSWERS)
async def show_approval_page(token: Token, parts: Parts) -> HTMLResponse:
    """Shows the held message; changes nothing."""
    found = _read(parts, token)
    return nothing() if found is None else await _page(parts, found[0])


@router.post(PATH + "{token}", summary="Approve or reject", response_class=HTMLResponse, responses=ANSWERS)
async def decide_by_link(
    token: Token,
    parts: Parts,
    decision: Annotated[str, Form(max_length=20)] = "",
    note: Annotated[str, Form(max_length=4000)] = "",
) -> HTMLResponse:
    """Sent by the buttons of the page."""
    found = _read(parts, token)
    if found is None:
        return nothing()
    send_id, approver = found
    if decision not in ("approve", "reject"):
        return await _page(parts, send_id)
    try:
        await settle(parts, send_id, decision, by=f"link:{approver}", note=note.replace("\0", ""))
    except Problem as problem:
        return await _page(parts, send_id, problem.detail)
    return await _page(parts, send_id)


def _read(parts: House, token: str) -> tuple[str, str] | None:
    try:
        return read(parts.tokens, token)
    except TokenError:
        return None


async def _page(parts: House, send_id: str, trouble: str = "") -> HTMLResponse:
    def question(connection: Any) -> Any:
        row, send = approvals.one(connection, send_id), sent.one(connection, send_id)
        return row, send, sends.body(connection, send_id)

    row, send, data = await parts.look(question)
    if row is None or send is None:
        return nothing()
    waits = row.status == "pending"
    # In a thread: an agent's message must not block others.
    header, said = await asyncio.to_thread(_read_message, data) if data is not None else ({}, _GONE)
    facts = {
        "Recipients": [d.recipient for d in send.deliveries if d.state == "held" or not waits],
        **{name: [value] for name, value in (header or {"From": send.row.from_address}).items()},
        "Subject": [send.row.subject or "–"],
        "Why": [approvals.why(row, send.row)],
        "Waiting since": [exact(row.requested_at)],
    }
    if waits:
        facts["If approved now"] = in_words(await forecast(parts, send_id))
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_folded(words)}</dd>" for name, words in facts.items())
    message = f"<dl>{rows}</dl><pre>{printable(said)}</pre>"
    if not waits:
        heading = {"expired": "Too late: the approval request expired"}.get(row.status, row.status.capitalize())
        note = f"<p>{escape(row.note)}</p>" if row.note else ""
        return page(heading, f"<h1>{escape(heading)}</h1>{note}{message}", wide=True)
    return page("Waiting for approval", f"<h1>Waiting for approval</h1>{_said(trouble)}{message}{_FORM}", wide=True)


def _folded(words: Sequence[str]) -> str:
    """A list of which only the first few items are shown unfolded."""
    first, rest = (printable(", ".join(some)) for some in (words[:FEW], words[FEW:]))
    return f"{first}<details><summary>and {len(words) - FEW} more</summary>{rest}</details>" if rest else first


def _said(trouble: str) -> str:
    return f"<p><b>{escape(trouble)}</b></p>" if trouble else ""


def _read_message(data: bytes) -> tuple[dict[str, str], str]:
    seen = view(data)
    return inspection.header(seen.header), inspection.everything(content(seen))


_FORM = (
    '<form method="post"><label for="note">Note</label><textarea id="note" name="note" maxlength="4000"></textarea>'
    '<div class="row"><button type="submit" name="decision" value="approve">Approve</button>'
    '<button class="plain" type="submit" name="decision" value="reject">Reject</button></div></form>'
)
