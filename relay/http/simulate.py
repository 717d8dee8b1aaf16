"""The whole cascade for a message that is not sent: every rule is asked, nothing is stored or counted.

Accepts the body of `send/request`, or a raw message (`message/rfc822`, with LF or CRLF) with the mailbox and
the recipients in the query, which is judged as if it came by SMTP.
"""

import asyncio
from typing import Annotated, Any

from fastapi import Query, Request
from msgspec.structs import replace

from policy.engine import decide
from relay.http import answers
from relay.http.access import Parts, Who
from relay.http.house import House
from relay.http.problems import Problem, invalid
from relay.http.send_shapes import MOST_RECIPIENTS, SendRequest, SimulatedAnswer
from relay.http.sending import Sender, origin, sender_of, written
from relay.http.strict import Resource, is_json, load, media_type, shaped
from relay.mail.address import Address, AddressError, parse_path
from relay.submission.desk import FrontDesk
from relay.submission.submission import Origin, Submission

router = Resource("Sending")
RAW = ("message/rfc822", "message/global", "application/octet-stream")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SendRequest"}},
            "message/rfc822": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "/send/simulate", summary="Try a message", response_model=SimulatedAnswer, openapi_extra=_BODY, name="simulate"
)
async def simulate(
    request: Request,
    parts: Parts,
    who: Who,
    mailbox_id: Annotated[str, Query(alias="mailboxId", max_length=1000, description="For a raw message.")] = "",
    to: Annotated[list[str] | None, Query(max_length=MOST_RECIPIENTS, description="For a raw message.")] = None,
) -> Any:
    """What this message would be answered now, with every check."""
    who.need("read")
    if media_type(request) in RAW:
        sender = await sender_of(parts, who, mailbox_id)
        submission = raw_submission(parts, sender, await request.body(), addresses(to or []), origin(request))
    elif is_json(request):
        body = shaped(SendRequest, load(await request.body()))
        if to is not None:
            raise invalid("to", "is for a raw message: name the recipients in the body")
        if mailbox_id and body.mailbox_id not in ("", mailbox_id):
            raise invalid("mailboxId", "names another mailbox than the body does")
        sender = await sender_of(parts, who, body.mailbox_id or mailbox_id)
        submission = await asyncio.to_thread(written, parts, sender, body, origin(request))
    else:
        raise Problem("unsupported_media_type", "send application/json or message/rfc822")
    if not who.is_operator:
        parts.desk.tried(sender.account.mailbox_id, len(submission.rcpt_to))
    return await judged(parts.desk, submission)


async def judged(desk: FrontDesk, submission: Submission) -> dict[str, Any]:
    """The whole cascade for a submission; also used by the console and the command line."""
    prepared, state = await desk.simulate(submission)
    facts = prepared.facts
    decision = await asyncio.to_thread(decide, prepared.policy, facts, state, whole=True)
    told = answers.simulated(decision, facts.message_class, answers.edits_of(prepared.plan), facts.now)
    first = await desk.recorded(decision.verdicts[0].first_send) if told["replayed"] else None
    return told | answers.as_before(first) if first is not None else told


def raw_submission(parts: House, sender: Sender, data: bytes, to: tuple[Address, ...], came: Origin) -> Submission:
    if not data:
        raise invalid("body", "is empty")
    return Submission(
        send_id=parts.desk.new_send_id(),
        principal=sender.principal,
        origin=replace(came, source="smtp"),  # by which alone a message comes whole
        mail_from=parse_path(sender.account.address),
        rcpt_to=to,
        data=data,
        received_at=parts.clock(),
    )


def addresses(to: list[str]) -> tuple[Address, ...]:
    """The recipients; a parameter may hold several, separated by commas."""
    listed = [text.strip() for given in to for text in given.split(",") if text.strip()]
    if not listed:
        raise invalid("to", "at least one recipient is needed")
    if len(listed) > MOST_RECIPIENTS:
        raise invalid("to", f"more than {MOST_RECIPIENTS} recipients")
    try:
        return tuple({a.wire: a for a in map(parse_path, listed)}.values())
    except AddressError as error:
        raise invalid("to", f"is not an address: {error.detail}") from None
