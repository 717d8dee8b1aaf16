"""Approvals: mail that waits for a person, and the decision that releases or ends it.

Only the operator approves or rejects. An agent may withdraw what it submitted itself. Released mail is judged again
at departure: an approval never overrides a block.
"""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from relay.http.access import Caller, Parts, Reads, Who
from relay.http.forecast import RecipientForecast, forecast
from relay.http.house import House
from relay.http.meant import OfMailbox, scope_of
from relay.http.pages import Turning, listing
from relay.http.problems import Problem, may, not_found
from relay.http.sends import Send, SendId
from relay.http.sends import told as send_told
from relay.http.shapes import DateTime, Given, Listing, Note, Told, among, of_row
from relay.http.strict import Resource
from relay.store import approvals, proof, sent

router = Resource("Approvals")
Status = Literal["pending", "approved", "rejected", "withdrawn", "expired"]


class ApprovalDecision(Given):
    """The decision on a held send."""

    decision: Literal["approve", "reject", "withdraw"]
    note: Note = Field(default="", description="Kept with the decision; the sender is told it.")


class Approval(Told):
    """A send that waits or waited for a person."""

    send_id: str
    status: Annotated[str, among(Status)]
    reason: str
    mailbox_id: str
    tenant_id: str
    requested_at: DateTime
    expires_at: DateTime | None
    decided_at: DateTime | None
    decided_by: str | None
    note: str | None
    send: Send | None


class ApprovalDetail(Approval):
    """An approval; while it waits, with what approving it now would mean for each held recipient."""

    if_approved: list[RecipientForecast]
    as_recorded: bool | None = Field(
        description="Whether the record that was chained when it was decided says the same, of whom and what note too. "
        "Null while it waits, where erasing took words out of it, and where that record is gone by its age."
    )


@router.get("/approvals", summary="List what waits for a person", response_model=Listing[Approval])
async def list_approvals(
    parts: Parts,
    who: Reads,
    turn: Turning,
    status: Annotated[Status | None, Query()] = "pending",
    mailbox_id: OfMailbox = None,
) -> Any:
    """Newest first; `status` is `pending` unless another is given."""
    mailbox = await scope_of(parts, who, mailbox_id)

    def question(connection: Any) -> Any:
        page = approvals.listed(
            connection, status or "", tenant_id=who.tenant_id, mailbox_id=mailbox, after=turn.after, limit=turn.limit
        )
        return page, sent.by_id(connection, [row.send_id for row in page.rows])

    page, sends = await parts.look(question)
    hostname = parts.settings().server.hostname
    return listing(parts, turn, page, lambda row: _told(row, sends.get(row.send_id), hostname))


@router.get("/approvals/{sendId}", summary="Show what waits", response_model=ApprovalDetail)
async def show_approval(send_id: SendId, parts: Parts, who: Reads) -> Any:
    """One held send, and what would become of it."""
    return await shown(parts, who, send_id)


@router.post(
    "/approvals/{sendId}",
    summary="Approve, reject or withdraw",
    response_model=ApprovalDetail,
    responses=may("not_waiting", "changed_since_held"),
)
async def decide_approval(send_id: SendId, body: ApprovalDecision, parts: Parts, who: Who) -> Any:
    """Release it, refuse it for good, or withdraw it."""
    approval = await _found(parts, who, send_id)
    if body.decision == "withdraw":
        who.need("send")
    else:
        who.need_person("any decision but withdraw")
    became = await settle(parts, approval["sendId"], body.decision, by=who.actor, note=body.note)
    told = await _found(parts, who, send_id)
    if not who.is_operator and told["send"]:
        parts.desk.tried(told["send"]["mailboxId"], len(told["send"]["recipients"]))
    return told | {"ifApproved": became}


async def settle(parts: House, send_id: str, decision: str, *, by: str, note: str) -> list[dict[str, Any]]:
    """Record the decision. Raises Problem. Also used by the console and the link sent by mail.

    Returns what becomes of each approved recipient: the policy, which is asked again, may refuse some.
    """
    became = await forecast(parts, send_id) if decision == "approve" else []
    act = {"approve": approvals.approve, "reject": approvals.reject, "withdraw": approvals.withdraw}[decision]
    now = parts.clock()
    try:
        await parts.write(lambda c: act(c, send_id, by=by, note=note, now=now))
    except approvals.NotWaiting:
        raise Problem("not_waiting", "it was decided or withdrawn, or timed out, in the meantime") from None
    except approvals.Changed:
        raise Problem("changed_since_held") from None
    parts.wake()
    return became


async def shown(parts: House, who: Caller, send_id: str) -> dict[str, Any]:
    """One approval with its forecast. Raises 404 if the caller may not see it."""
    told = await _found(parts, who, send_id)
    return told | {"ifApproved": await forecast(parts, send_id)}


async def _found(parts: House, who: Caller, send_id: str) -> dict[str, Any]:
    def question(connection: Any) -> Any:
        row = approvals.one(connection, send_id)
        if row is None or not who.sees(row.tenant_id, row.mailbox_id):
            raise not_found("approval")
        return row, sent.one(connection, send_id), proof.is_as_recorded(connection, send_id)

    row, send, as_recorded = await parts.look(question)
    return _told(row, send, parts.settings().server.hostname) | {"asRecorded": as_recorded}


def _told(row: Any, send: sent.Sent | None, hostname: str) -> dict[str, Any]:
    return of_row(Approval, row, send=send_told(send, hostname) if send is not None else None)
