"""Submissions: what became of each, recipient by recipient, with the exact replies of the other side."""

from typing import Annotated, Any, Literal, get_args

from fastapi import Path, Query
from msgspec.structs import replace
from pydantic import Field

from config.senders import MailClass
from policy.decision import Reason, Verdict
from relay.delivery.outcome import Phase, Result, Scope
from relay.http import answers
from relay.http.access import Caller, Parts, Reads, Who
from relay.http.events import EventType
from relay.http.house import House
from relay.http.meant import OfMailbox, mail_address, scope_of
from relay.http.pages import Turning, listing
from relay.http.problems import Problem, may, not_found
from relay.http.shapes import DateTime, Given, Listing, Moment, Note, Told, among, of_row
from relay.http.strict import Resource
from relay.mail.ids import message_id_of
from relay.store import notices, progress, sent, states, waiting
from relay.store.engine import loads
from relay.submission.submission import Source

router = Resource("Sends")
SendId = Annotated[str, Path(alias="sendId", max_length=64)]
State = Literal[states.State, "blocked"]
_RESULTS = (*(result for result in Result if result is not Result.NEXT), "failed_over")


class Recipient(Told):
    """One recipient of a message: a delivery, or `blocked` if the submission was refused as a whole."""

    recipient: str
    state: Annotated[str, among(State)]
    attempts: int
    provider: str | None
    provider_id: str | None
    reason: str | None
    reply: str | None
    next_attempt_at: DateTime | None
    updated_at: DateTime | None


class Send(Told):
    """A submission."""

    send_id: str
    status: Annotated[str, among(State)]
    decision: Annotated[str, among(Verdict)]
    reason: Annotated[str, among(Reason)] | None
    detail: str | None
    rule: str | None
    mailbox_id: str
    mailbox: str | None
    tenant_id: str
    source: Annotated[str, among((*get_args(Source), notices.SOURCE))]
    mail_from: str
    from_address: str
    to: str
    subject: str
    message_id: str | None
    message_class: Annotated[str, among(("", *get_args(MailClass)))] = Field(
        description="Empty if the submission was refused before its content was read."
    )
    size: int
    dedupe_key: str | None
    campaign: str | None
    metadata: dict[str, Any]
    received_at: DateTime
    recipients: list[Recipient]


class Attempt(Told):
    """One attempt at a delivery."""

    recipient: str
    number: int
    provider: str
    began_at: DateTime
    ended_at: DateTime | None
    milliseconds: int | None
    result: Annotated[str, among(_RESULTS)] | None
    scope: Annotated[str, among(filter(None, Scope))] | None = Field(description="Whose failure it was.")
    phase: Annotated[str, among(Phase)] | None = Field(description="How far the SMTP dialogue got.")
    code: int | None
    enhanced: str | None
    reply: str | None
    provider_id: str | None


class SendEvent(Told):
    """One event."""

    type: EventType
    at: DateTime
    recipient: str | None
    data: dict[str, Any]


class SendDetail(Send):
    """A submission with everything that happened to it."""

    edits: list[str]
    repeats: int
    attempts: list[Attempt]
    events: list[SendEvent]


@router.get("/sends", summary="Find submissions", response_model=Listing[Send])
async def list_sends(
    parts: Parts,
    who: Reads,
    turn: Turning,
    message_id: Annotated[str | None, Query(alias="messageId", max_length=998)] = None,
    recipient: Annotated[str | None, Query(max_length=320)] = None,
    dedupe_key: Annotated[str | None, Query(alias="dedupeKey", max_length=256)] = None,
    campaign: Annotated[str | None, Query(max_length=256)] = None,
    mailbox_id: OfMailbox = None,
    state: Annotated[State | None, Query()] = None,
    reason: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[Moment | None, Query(description="Received then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Received before.")] = None,
) -> Any:
    """Newest first; a submission has to match every filter given."""
    what = sent.Search(
        tenant_id=who.tenant_id,
        mailbox_id=await scope_of(parts, who, mailbox_id),
        message_id=message_id or "",
        recipient=mail_address(recipient, "recipient").key if recipient else "",
        dedupe_key=dedupe_key or "",
        campaign=campaign or "",
        state=state or "",
        reason=reason or "",
        since=since or 0,
        until=until or 0,
    )

    def question(connection: Any) -> Any:
        page = sent.search(connection, what, after=turn.after, limit=turn.limit)
        return replace(page, rows=sent.with_recipients(connection, page.rows))

    page = await parts.look(question)
    hostname = parts.settings().server.hostname
    return listing(parts, turn, page, lambda send: told(send, hostname))


@router.get("/sends/{sendId}", summary="Show a submission", response_model=SendDetail)
async def show_send(send_id: SendId, parts: Parts, who: Reads) -> Any:
    """Includes every attempt and every event."""
    return await whole(parts, who, send_id)


class Cancellation(Given):
    """Why."""

    note: Note = Field(default="", description="Recorded with the event.", examples=["the order was cancelled"])


_NO_NOTE = Cancellation()


@router.post(
    "/sends/{sendId}/cancel",
    summary="Cancel what has not left",
    response_model=SendDetail,
    responses=may("not_waiting"),
)
async def cancel_send(send_id: SendId, parts: Parts, who: Who, body: Cancellation = _NO_NOTE) -> Any:
    """What is held, scheduled or waiting for another attempt never leaves; an attempt under way is not recalled.

    409 if nothing is waiting.
    """
    who.need("send")
    await whole(parts, who, send_id)
    await cancel(parts, send_id, by=who.actor, note=body.note)
    told = await whole(parts, who, send_id)
    if not who.is_operator:
        parts.desk.tried(told["mailboxId"], len(told["recipients"]))
    return told


async def cancel(parts: House, send_id: str, *, by: str, note: str) -> None:
    """Cancel it. Raises Problem. Also used by the console."""
    now = parts.clock()
    if not await parts.write(lambda c: waiting.cancel(c, send_id, by=by, note=note, now=now)):
        raise Problem("not_waiting", "no part of it is waiting: it has left or reached its end")


async def whole(parts: House, who: Caller, send_id: str) -> dict[str, Any]:
    """A submission with everything that happened to it. Raises 404. Also used by the console."""

    def question(connection: Any) -> Any:
        send = sent.one(connection, send_id)
        if send is None:
            return None
        attempts, events = sent.attempts_of(connection, send_id), sent.events_of(connection, send_id)
        return send, attempts, events, sent.repeats_of(connection, send.row)

    found = await parts.find(question)
    if found is None or not who.sees(found[0].row.tenant_id, found[0].row.mailbox_id):
        raise not_found("send")
    send, attempts, events, repeats = found
    return told(send, parts.settings().server.hostname) | {
        "edits": answers.edits_of(loads(send.row.plan)),
        "repeats": repeats,
        "attempts": progress.attempts(attempts, send.deliveries),
        "events": progress.events(events),
    }


def told(send: sent.Sent, hostname: str) -> dict[str, Any]:
    """A submission in the API's form."""
    row = send.row
    return of_row(
        Send,
        row,
        send_id=row.id,
        status=send.status,
        mailbox=send.mailbox or None,
        to=row.to_header,
        message_id=row.message_id or _generated_id(send, hostname),
        recipients=progress.recipients(send),
    )


def _generated_id(send: sent.Sent, hostname: str) -> str | None:
    """The Message-ID that a message without one gets at departure."""
    return message_id_of(send.row.id, hostname) if any(d.attempts for d in send.deliveries) else None
