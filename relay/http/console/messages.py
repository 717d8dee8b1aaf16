"""Messages: the list with its search, and one message with timeline, decision and content."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse, Response

from policy.decision import REFUSED
from relay.http import decisions, sends
from relay.http.console import checks, departing, difference, preview, search, timeline
from relay.http.console.overview import connect_facts
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.pages import cursor_of, read_cursor
from relay.http.problems import Problem, not_found
from relay.mail import inspection
from relay.mail.header import HeaderBlock
from relay.mail.mime import view
from relay.store import listings, sent
from relay.store.paging import Page
from relay.store.sends import body
from relay.store.states import WAITING

LIST = "/messages"  # the list for which cursors are valid
PAGE = 50
TABS = ("timeline", "decision", "message")
FACES = ("rendered", "text", "headers", "source", "diff")
TAB = "gatepost_tab"  # cookie with the tab that was open last
MOST_SOURCE = 200_000  # characters of the source that are shown


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    id: str
    status: str
    mailbox: str
    to: str
    more: int  # recipients besides the first
    subject: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list."""

    query: search.Query
    rows: Sequence[Row]
    next: str
    is_scanned: bool  # the scan reached its limit before the page was full


async def listed(visit: Visit) -> Response:
    """The list; only a part of it if the page's script asks for that."""
    found = await find(visit)
    if visit.is_fragment and visit.asked("cursor"):
        return visit.piece("messages_rows.html", found=found, chosen="", split=visit.asked("split") == "1")
    if visit.is_fragment:
        return visit.piece("messages_list.html", found=found, chosen="", split=False, **await _empty(visit, found))
    empty = await _empty(visit, found)
    return visit.page("messages.html", found=found, chosen="", split=False, help=search.HELP, **empty)


async def row(visit: Visit) -> Response:
    """One line of the list in its current state."""
    send_id = visit.named("id")

    found = await visit.house.look(lambda c: sent.one(c, send_id))
    if found is None:
        raise not_found("message")
    split = visit.asked("split") == "1"
    return visit.piece("messages_row.html", row=_row(found), chosen="", split=split, q=visit.asked("q"))


async def show(visit: Visit) -> Response:
    """One message: beside the list if there is room, otherwise by itself."""
    send_id = visit.named("id")
    asked = visit.asked("tab") or visit.request.cookies.get(TAB, "")
    tab = asked if asked in TABS else TABS[0]
    told = await shown(visit, send_id, tab)
    if visit.is_fragment and visit.request.headers.get("hx-target") == "detail":
        answer = visit.piece("message.html", alone=True, **told)
    else:
        found = await find(visit)
        answer = visit.page(
            "messages.html", found=found, chosen=send_id, split=True, help=search.HELP, first=False, **told
        )
    answer.set_cookie(TAB, tab, path="/", httponly=True, samesite="strict")
    return answer


async def shown(visit: Visit, send_id: str, tab: str, base: str = "/messages") -> dict[str, Any]:
    """What a tab of a message's detail view shows."""
    send = await sends.whole(visit.house, visit.who, send_id)
    told: dict[str, Any] = {"send": send, "tab": tab, "q": visit.asked("q"), "base": base, "tabs": TABS, "faces": FACES}
    told["waits"] = any(to["state"] in WAITING for to in send["recipients"])
    if tab == "timeline":
        told["steps"] = timeline.steps(send)
    elif tab == "decision":
        told |= await _decision(visit, send_id)
    else:
        told |= await _content(visit, send_id, visit.picked("face", FACES, FACES[0]))
    return told


async def cancel(visit: Visit) -> Response:
    """Cancel what has not left."""
    send_id = visit.named("id")
    await sends.cancel(visit.house, send_id, by=visit.who.actor, note=visit.form.get("note", "").strip()[:4000])
    return visit.go(f"{LIST}/{send_id}", "Cancelled. Copies that had not left will not be sent.")


async def trace_of(visit: Visit, send_id: str) -> dict[str, Any] | None:
    """The decision; None where it was kept for a shorter time than the message, or is recorded under the first
    message's id.
    """
    try:
        return await decisions.trace(visit.house, visit.who, send_id)
    except Problem as problem:
        if problem.status_code != 404:
            raise
        return None


async def _decision(visit: Visit, send_id: str) -> dict[str, Any]:
    trace = await trace_of(visit, send_id)
    if trace is None:
        return {"trace": None}
    return {"trace": trace, "lines": checks.lines(trace["checks"]), "summary": checks.summary(trace["checks"])}


async def _content(visit: Visit, send_id: str, face: str) -> dict[str, Any]:
    found = await visit.house.look(lambda c: departing.read(c, visit.house, send_id))
    told: dict[str, Any] = {"face": face, "message": found}
    if found is None:
        return told | {"days": visit.house.settings().retention.messages.days}
    return told | await asyncio.to_thread(_faced, found, face) | {"images": visit.asked("images") == "1"}


def _faced(found: departing.Bytes, face: str) -> dict[str, Any]:
    """What a face shows. Runs in a thread: the message comes from an agent, and parsing it must not block others."""
    seen = view(found.leaving)
    theirs = inspection.header(HeaderBlock.parse(found.original))
    told: dict[str, Any] = {
        # Our own unsubscribe link need not be looked at.
        "named": {name: value for name, value in inspection.header(seen.header).items() if theirs.get(name) == value},
        "attachments": preview.attachments(seen),
        "has_remote": preview.has_remote_images(preview.html_of(seen) or ""),
    }
    if face == "text":
        told["text"] = preview.text_of(seen)
    elif face == "headers":
        told["headers"] = preview.headers(seen)
    elif face == "source":
        told["source"] = found.original[:MOST_SOURCE].decode("utf-8", "replace").replace("\r\n", "\n")
        told["is_cut"] = len(found.original) > MOST_SOURCE
    elif face == "diff":
        told["lines"] = difference.compare(found.original, found.leaving)
    return told


async def rendered(visit: Visit) -> Response:
    """The preview's document, with a policy of its own."""
    leaving = (await _bytes(visit)).leaving
    images = visit.asked("images") == "1"
    headers = {"content-security-policy": preview.policy(images=images), "x-frame-options": "SAMEORIGIN"}
    shown = await asyncio.to_thread(lambda: preview.document(view(leaving), images=images))
    return HTMLResponse(shown, headers=headers)


async def raw(visit: Visit) -> Response:
    """The message as it came, as a file."""
    send_id = visit.named("id")
    data = await visit.house.look(lambda c: body(c, send_id))
    if data is None:
        raise not_found("message")
    return _file(f"{send_id}.eml", data)


async def part(visit: Visit) -> Response:
    """An attachment, always as a file."""
    number = visit.named("number")
    is_number = number.isdecimal() and len(number) < 10
    found = preview.attached(view((await _bytes(visit)).leaving), int(number)) if is_number else None
    if found is None:
        raise not_found("part")
    return _file(*found)


async def _bytes(visit: Visit) -> departing.Bytes:
    send_id = visit.named("id")
    found = await visit.house.look(lambda c: departing.read(c, visit.house, send_id))
    if found is None:
        raise not_found("message")
    return found


def _file(name: str, octets: bytes) -> Response:
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(octets, media_type="application/octet-stream", headers=headers)


async def find(visit: Visit) -> Found:
    """The requested page of the list."""
    text, cursor = visit.asked("q"), visit.asked("cursor")
    after = read_cursor(visit.house, LIST, cursor) if cursor else None

    def question(connection: Any) -> Any:
        query = search.read(connection, text, visit.now)
        if query.problems:
            return query, Page((), None), []
        page = sent.search(connection, query.what, after=after, limit=PAGE)
        return query, page, [_row(send) for send in sent.with_recipients(connection, page.rows)]

    query, page, rows = await visit.house.look(question)
    following = cursor_of(visit.house, LIST, page.next) if page.next else ""
    return Found(query, rows, following, bool(page.next) and len(rows) < PAGE)


def _row(send: sent.Sent) -> Row:
    row, recipients = send.row, [r.recipient for r in (*send.deliveries, *send.refused)]
    return Row(
        id=row.id,
        status=send.status,
        mailbox=send.mailbox or row.from_address,
        to=recipients[0] if recipients else row.to_header,
        more=max(0, len(recipients) - 1),
        subject=row.subject,
        reason=row.reason if row.decision in REFUSED else "",
        at=row.received_at,
    )


async def _empty(visit: Visit, found: Found) -> dict[str, Any]:
    """What an empty list has to explain."""
    if found.rows or found.query.text:
        return {"first": False}
    mailboxes = (await visit.house.look(lambda c: listings.listed(c, "mailboxes", {}, limit=1))).rows
    return {"first": True, "connect": connect_facts(visit), "mailbox": mailboxes[0] if mailboxes else None}


ENTRIES: tuple[Entry, ...] = (
    get("/messages", listed),
    get("/messages/{id}", show),
    get("/messages/{id}/row", row),
    post("/messages/{id}/cancel", cancel),
    get("/messages/{id}/preview", rendered),
    get("/messages/{id}/raw", raw),
    get("/messages/{id}/parts/{number}", part),
)
