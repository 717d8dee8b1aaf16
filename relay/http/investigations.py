"""Investigations opened by complaints and alerts, to be looked into and closed by a person."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field

from relay.http.access import Caller, Parts, Reads, Who
from relay.http.house import House
from relay.http.meant import OfMailbox, scope_of
from relay.http.pages import Turning, listed
from relay.http.problems import Problem, may, not_found
from relay.http.shapes import DateTime, Given, Listing, Note, Told, among, of_row
from relay.http.strict import Resource
from relay.store import investigations, listings

router = Resource("Investigations")
Status = Literal["open", "closed"]
CaseId = Annotated[str, Path(alias="id", max_length=64)]


class InvestigationClosing(Given):
    """What was found."""

    note: Note = Field(min_length=1, examples=["an old list; its owner was told"])


class Investigation(Told):
    """A case."""

    id: str
    kind: str
    subject: str
    status: Annotated[str, among(Status)]
    evidence: dict[str, Any]
    note: str | None
    tenant_id: str | None
    mailbox_id: str | None
    opened_at: DateTime
    closed_at: DateTime | None


@router.get("/investigations", summary="List investigations", response_model=Listing[Investigation])
async def list_investigations(
    parts: Parts,
    who: Reads,
    turn: Turning,
    status: Annotated[Status | None, Query()] = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    mailbox_id: OfMailbox = None,
) -> Any:
    """Newest first."""
    mailbox = await scope_of(parts, who, mailbox_id)
    filters = {
        "status": status,
        "kind": kind,
        "tenant_id": who.tenant_id or None,
        "mailbox_id": mailbox or None,
    }
    return await listed(parts, turn, "investigations", filters, told)


@router.get("/investigations/{id}", summary="Show an investigation", response_model=Investigation)
async def show_investigation(case_id: CaseId, parts: Parts, who: Reads) -> Any:
    """Includes its evidence."""
    return told(await _seen(parts, who, case_id))


@router.post(
    "/investigations/{id}/close",
    summary="Close an investigation",
    response_model=Investigation,
    responses=may("not_waiting"),
)
async def close_investigation(case_id: CaseId, body: InvestigationClosing, parts: Parts, who: Who) -> Any:
    """Needs a note of what was found; for the operator."""
    row = await _seen(parts, who, case_id)
    who.need_person("closing an investigation")
    if not await parts.write(lambda c: investigations.close(c, row, note=body.note, by=who.actor, now=parts.clock())):
        raise Problem("not_waiting", "it is already closed")
    return told(await _seen(parts, who, case_id))


async def _seen(parts: House, who: Caller, case_id: str) -> Any:
    row = await parts.look(lambda c: listings.one(c, "investigations", case_id))
    if row is None or not who.sees(row.tenant_id, row.mailbox_id):
        raise not_found("investigation")
    return row


def told(row: Any) -> dict[str, Any]:
    """A case in the API's form."""
    return of_row(Investigation, row)
