"""Audit: the heads of the decision chains, verification that nothing was altered, export of the records, and what
people changed.
"""

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response, StreamingResponse

from relay.http import acts
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.house import House
from relay.store import audit, decisions, listings, proof
from relay.store.audit import Verified

ACTS = 50
_RUNNING = asyncio.Lock()  # one verification at a time: it reads every record


async def show(visit: Visit) -> Response:
    """The heads of the chains."""
    return await _page(visit, None)


async def _page(visit: Visit, found: Verified | None) -> Response:
    heads, signed, tenants, done = await visit.house.look(
        lambda c: (decisions.heads(c), audit.last_checkpoint(c), listings.tenant_names(c), acts.told(c, ACTS))
    )
    key = visit.house.vault.public_key
    return visit.page(
        "audit.html", heads=heads, signed=signed, key=key, found=found, tenants=tenants, acts=done, most=ACTS
    )


async def verify(visit: Visit) -> Response:
    """Verify every chain, in a thread of its own, and report the result."""
    async with _RUNNING:
        found = await asyncio.to_thread(_verified, visit.house)
    return await _page(visit, found)


def _verified(house: House) -> Verified:
    with audit.standing(house.database) as connection:
        return proof.verify(connection, check_signature=house.vault.signed)


async def export(visit: Visit) -> Response:
    """Export every decision as recorded, one a line; addresses remain tokens."""
    headers = {"content-disposition": 'attachment; filename="decisions.ndjson"'}
    return StreamingResponse(_lines(visit.house), media_type="application/x-ndjson", headers=headers)


async def _lines(house: House) -> AsyncIterator[bytes]:
    after = 0
    while rows := await house.look(lambda c, after=after: decisions.page_after(c, after)):  # type: ignore[misc]
        yield b"".join(orjson.dumps(decisions.exported(row)) + b"\n" for row in rows)
        after = rows[-1].seq


ENTRIES: tuple[Entry, ...] = (get("/audit", show), post("/audit/verify", verify), get("/audit/export", export))
