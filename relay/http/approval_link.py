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

from policy.content import Content
from relay.http.access import Parts
from relay.http.approvals import settle
from relay.http.console.words import printable
from relay.http.forecast import forecast, in_words
from relay.http.house import House
from relay.http.paper import ANSWERS, Token, nothing, page
from relay.http.problems import Problem
from relay.http.shapes import when
from relay.http.strict import Calls
from relay.mail.approval import PATH, read
from relay.mail.header import HeaderBlock
from relay.mail.mime import view
from relay.mail.text import content
from relay.mail.token import TokenError
from relay.store import approvals, sends, sent

router = Calls("Approvals")
SHOWN = 20_000
FEW = 10  # list items shown before the rest is folded away


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
        row = approvals.one(connection, send_id)
        deliveries = sent.deliveries_of(connection, [send_id])[send_id]
        return row, sent.one(connection, send_id), deliveries, sends.body(connection, send_id)

    row, send, deliveries, data = await parts.look(question)
    if row is None or send is None:
        return nothing()
    waits = row.status == "pending"
    facts = {
        "From": [send.from_address],
        "To": [d.recipient for d in deliveries if d.state == "held" or not waits],
        "Subject": [send.subject or "–"],
        "Why": [approvals.why(row, send)],
        "Waiting since": [when(row.requested_at)],
    }
    if waits:
        facts["If approved now"] = in_words(await forecast(parts, send_id))
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_folded(words)}</dd>" for name, words in facts.items())
    text = await asyncio.to_thread(_text, data)  # in a thread: an agent's message must not block others
    shown = f"<dl>{rows}</dl><pre>{printable(text)}</pre>"
    if not waits:
        heading = {"expired": "Too late: the approval request expired"}.get(row.status, row.status.capitalize())
        note = f"<p>{escape(row.note)}</p>" if row.note else ""
        return page(heading, f"<h1>{escape(heading)}</h1>{note}{shown}", wide=True)
    return page("Waiting for approval", f"<h1>Waiting for approval</h1>{_said(trouble)}{shown}{_FORM}", wide=True)


def _folded(words: Sequence[str]) -> str:
    """A list of which only the first few items are shown unfolded."""
    first, rest = (printable(", ".join(some)) for some in (words[:FEW], words[FEW:]))
    return f"{first}<details><summary>and {len(words) - FEW} more</summary>{rest}</details>" if rest else first


def _said(trouble: str) -> str:
    return f"<p><b>{escape(trouble)}</b></p>" if trouble else ""


def _text(data: bytes | None) -> str:
    """Everything any reader of the message could see, as text: the approver answers for all of it."""
    if data is None:
        return "The message is no longer kept."
    read: Content = content(view(data, HeaderBlock.parse(data)))
    besides = {
        "Quoted": read.quoted,
        "Shown by some readers instead": "\n".join(read.otherwise),
        "Hidden": read.hidden,
        "Links": "\n".join(read.links),
        "Picture descriptions and form fields": "\n".join(read.image_alts),
        "Attached": "\n".join([name or "a file without a name" for name in read.attachments]),
    }
    pieces = [_cut(read.text) or "(no text)", *(f"{name}:\n{_cut(said)}" for name, said in besides.items() if said)]
    return "\n\n".join(pieces)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n[… cut here: the console shows the rest]"


_FORM = (
    '<form method="post"><label for="note">Note</label><textarea id="note" name="note" maxlength="4000"></textarea>'
    '<div class="row"><button type="submit" name="decision" value="approve">Approve</button>'
    '<button class="plain" type="submit" name="decision" value="reject">Reject</button></div></form>'
)
