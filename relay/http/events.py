"""Events: every change of state once, in order; in pages, or as an endless stream.

`since` is the id of the last event the caller has, or a time; continuing from it neither loses nor repeats an
event. `cursor` means the same and has the name used by all lists. A broken stream is resumed with
`Last-Event-ID`, as browsers do.
"""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse
from typing_extensions import TypeAliasType

from config.events import TYPES
from config.events import wanted as wanted_type
from policy.moment import exact
from relay.http.access import Parts, Reads, caller_of
from relay.http.house import House
from relay.http.meant import OfMailbox, scope_of
from relay.http.problems import Problem, invalid
from relay.http.shapes import DateTime, Told, among, of_row
from relay.http.strict import Resource
from relay.store import journal
from relay.store.journal import Mark, Wanted
from relay.submission.wishes import parse_time

router = Resource("Events")
BATCH = 200
POLL = 0.5  # seconds between two reads while nothing happens
HEARTBEAT = 30  # reads without an event after which a comment is sent, so that proxies do not close the stream
MOST_STREAMS = 20  # of one key in one process: a silent one costs a read twice a second, too
RECHECK = 120  # reads after which the key is checked again


EventType = TypeAliasType("EventType", Annotated[str, among(TYPES)])


class Event(Told):
    """One event."""

    id: str
    type: EventType
    timestamp: DateTime
    tenant_id: str | None
    mailbox_id: str | None
    send_id: str | None
    recipient: str | None
    data: dict[str, Any]


class EventPage(Told):
    """Events in order; `nextCursor` is always set, so that the caller can ask again later."""

    data: list[Event]
    next_cursor: str
    has_more: bool


@router.get(
    "/events",
    summary="Events, by page or as a stream",
    response_model=EventPage,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def list_events(
    request: Request,
    parts: Parts,
    who: Reads,
    since: Annotated[str | None, Query(max_length=64, description="An event's id, `now`, `0`, or a time.")] = None,
    cursor: Annotated[str | None, Query(max_length=400, description="`nextCursor` of the page before.")] = None,
    types: Annotated[str, Query(alias="types", max_length=1000, description="For example send.held,delivery.*")] = "",
    mailbox_id: OfMailbox = None,
    send_id: Annotated[str | None, Query(alias="sendId", max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Any:
    """JSON by default; with `Accept: text/event-stream`, a stream. Without `since` or `cursor`: from the beginning."""
    wanted = Wanted(
        tenant_id=who.tenant_id,
        mailbox_id=await scope_of(parts, who, mailbox_id),
        send_id=send_id or "",
        types=tuple(_kind(kind.strip()) for kind in types.split(",") if kind.strip()),
    )
    mark = await _begin(parts, since, cursor, last_event_id)
    if "text/event-stream" in request.headers.get("accept", ""):
        if not who.is_operator and parts.streams[who.id] >= MOST_STREAMS:
            detail = f"the key has {MOST_STREAMS} streams open: close one"
            raise Problem("too_many_requests", detail, wait=60)
        return StreamingResponse(
            _counted(stream(parts, request, mark, wanted), parts.streams, who.id),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )
    found = await parts.look(lambda c: journal.onwards(c, mark, wanted, limit))
    shown = [told(row) for row in found.events]
    return {"data": shown, "nextCursor": journal.name_of(found.end), "hasMore": not found.is_last}


async def _counted(told: AsyncGenerator[bytes], streams: Counter[str], whose: str) -> AsyncGenerator[bytes]:
    """The stream, counted among those that are open."""
    streams[whose] += 1
    try:
        async with aclosing(told):
            async for piece in told:
                yield piece
    finally:
        streams[whose] -= 1


async def stream(parts: House, request: Request, mark: Mark, wanted: Wanted) -> AsyncGenerator[bytes]:
    """The events after a given place as they happen, until the caller disconnects or this process drains."""
    silent = looks = 0
    yield b": gatepost\nretry: 2000\n\n"
    while parts.ready()[0]:
        found = await parts.look(partial(journal.onwards, mark=mark, wanted=wanted, limit=BATCH))
        mark, silent = found.end, 0 if found.events else silent + 1
        for row in found.events:
            yield _sse(row)
        looks += 1
        if silent and silent % HEARTBEAT == 0:
            yield b": nothing new\n\n"
        if looks % RECHECK == 0 and not await _is_still_good(parts, request):
            return
        if found.is_last:
            await parts.pause(POLL)


async def _is_still_good(parts: House, request: Request) -> bool:
    try:
        await caller_of(parts, request.headers.get("authorization", ""))
    except Problem:
        return False
    return True


async def _begin(parts: House, since: str | None, cursor: str | None, last_event_id: str | None) -> Mark:
    """The place to begin: after the last event of a broken stream, else where `cursor` or `since` says.
    Raises Problem.
    """
    if cursor and since and cursor != since:
        raise invalid("cursor", "names another place than since: give only one of them")
    if last_event_id or not cursor:
        return await place(parts, last_event_id or since)
    mark = journal.named(cursor)
    if mark is None or not await _was_told(parts, mark):
        raise Problem("bad_cursor")
    return mark


async def place(parts: House, since: str | None) -> Mark:
    """The place that `since` names. Raises Problem."""
    if not since or since == "0":
        return Mark()
    if since == "now":
        return await parts.look(journal.newest)
    if (mark := journal.named(since)) is not None:
        if not await _was_told(parts, mark):
            raise invalid("since", "is not an event of this server; start again with a time, `now` or `0`")
        return mark
    try:
        at = parse_time(since.replace(" ", "+"))  # an unescaped plus sign in a query arrives as a blank
    except (ValueError, OverflowError):
        raise invalid("since", "is the id of an event, `now`, `0`, or a time such as 2026-03-24T10:30:00Z") from None
    return await parts.look(lambda c: journal.at_time(c, at))


async def _was_told(parts: House, mark: Mark) -> bool:
    return await parts.look(partial(journal.was_told, mark=mark))


def _kind(text: str) -> str:
    try:
        return wanted_type(text)
    except ValueError as error:
        raise invalid("types", str(error)) from None


def told(row: Any) -> dict[str, Any]:
    """An event as the API shows it and as webhooks carry it."""
    return of_row(Event, row, id=journal.name_of(journal.of(row)), timestamp=exact(row.at))


def _sse(row: Any) -> bytes:
    """One event of the stream (HTML Living Standard §9.2); the JSON contains no line breaks."""
    body: bytes = orjson.dumps(told(row))
    name, kind = journal.name_of(journal.of(row)).encode(), row.type.encode()
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (name, kind, body)
