"""Live updates: the journal as server-sent events for the open pages.

A page is only told that something changed, and where. It then requests the part it shows, so each part is
rendered in one place only. The stream ends with the session, and when this process drains.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import orjson
from starlette.responses import Response, StreamingResponse

from relay.http.console.visit import Visit
from relay.store import journal
from relay.store.journal import Wanted

T = TypeVar("T")

BATCH = 500
POLL = 0.5  # seconds between two reads of the journal
HEARTBEAT = 30  # reads after which a comment is sent (for proxies) and the session checked again, busy or not


async def stream(visit: Visit) -> Response:
    """The events from now on, until the page is closed."""
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(_events(visit), media_type="text/event-stream", headers=headers)


async def _events(visit: Visit) -> AsyncIterator[bytes]:
    house, looks = visit.house, 0
    mark = await _whole(house.look(journal.newest))
    yield b"retry: 2000\nevent: begun\ndata: {}\n\n"
    while house.ready()[0]:
        since = mark
        rows = await _whole(house.look(lambda c: journal.after(c, since, Wanted(), BATCH)))  # noqa: B023 - asked at once
        if rows:
            mark = journal.of(rows[-1])
            told = [{"type": r.type, "send": r.send_id, "mailbox": r.mailbox_id} for r in rows]
            yield b"data: " + orjson.dumps(told) + b"\n\n"
        looks += 1
        if looks % HEARTBEAT == 0:
            if await _whole(visit.is_over()):
                return
            yield b": still here\n\n"
        if len(rows) < BATCH:
            await house.pause(POLL)


async def _whole(reading: Coroutine[Any, Any, T]) -> T:
    """Let a read finish even if the page is closed meanwhile: cancelling it would cost the database connection."""
    return await asyncio.shield(reading)
