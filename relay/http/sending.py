"""Submission by HTTP: the same intake as SMTP, and the same answer as JSON fields.

A refusal by policy is 200 with `status: "blocked"`; 4xx means that the request itself is wrong. A repeat of a
`dedupeKey` whose first decision was accepted returns that answer again, whatever the body and the recipients
are now. `Idempotency-Key` does the same, but a different body is 422. If the store cannot be read or written,
or a rule could not read its data, the answer is 503 and nothing was taken.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Request, Response

from relay.http import answers
from relay.http.access import Caller, Parts, Who
from relay.http.house import House
from relay.http.meant import mailbox_of
from relay.http.problems import Problem, invalid, not_found
from relay.http.send_shapes import SendAnswer, SendRequest
from relay.http.strict import Resource
from relay.mail.address import Address, parse_path
from relay.mail.compose import Letter, Party, compose
from relay.store import idempotency
from relay.submission.account import Account
from relay.submission.submission import Origin, Principal, Submission, Wishes

router = Resource("Sending")
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="Identifies one logical request; a repeat gets the first answer."),
]

_REPLAYED = {"description": "`true` where this is the first answer once more.", "schema": {"type": "string"}}
REPLAYED: dict[int | str, dict[str, Any]] = {200: {"headers": {"Idempotent-Replayed": _REPLAYED}}}


@dataclass(frozen=True, slots=True)
class Sender:
    """The sending mailbox, and the principal in whose name it submits."""

    account: Account
    principal: Principal


@router.post("/send/request", summary="Send a message", response_model=SendAnswer, responses=REPLAYED)
async def send_request(
    body: SendRequest,
    request: Request,
    response: Response,
    parts: Parts,
    who: Who,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Judge a message and, if it is accepted, store it durably before this answers.

    `queued` and `scheduled` need nothing more. `held` waits for a person: do not send it again. After `blocked`, do
    what `next` says; with `retry: "after"`, the same message passes in `retryAfter` seconds.
    """
    who.need("send")
    sender = await sender_of(parts, who, body.mailbox_id)
    if idempotency_key is None:
        told = await _send(parts, sender, body, origin(request), "")
    else:
        told = await _once(parts, sender, body, request, idempotency_key)
    if told["replayed"]:
        response.headers["Idempotent-Replayed"] = "true"
    return told


async def sender_of(parts: House, who: Caller, reference: str) -> Sender:
    """The mailbox that `reference` names. Raises 404, or 403 for another mailbox of the caller's tenant."""
    mailbox_id = await _mailbox_id(parts, who, reference)
    account = await parts.accounts.get(mailbox_id)
    if account is None:
        raise not_found("mailbox")
    who.need_own(account.tenant_id, account.mailbox_id)
    if not who.is_operator and (wait := parts.desk.wait_of(account.mailbox_id)):
        detail = f"too many recipients were refused, simulated or taken back within a minute; try again in {wait} s"
        raise Problem("too_many_requests", detail, wait=wait)
    principal = Principal(
        who.id, account.tenant_id, account.mailbox_id, who.principal.permissions, who.principal.username
    )
    return Sender(account, principal)


async def _mailbox_id(parts: House, who: Caller, reference: str) -> str:
    if not reference:
        if not who.mailbox_id:
            raise invalid("mailboxId", "is needed") if who.is_operator else not_found("mailbox")
        return who.mailbox_id
    if reference == who.mailbox_id:
        return reference
    return str((await mailbox_of(parts, who, reference)).id)


def origin(request: Request) -> Origin:
    """How the message came, for Received and the log."""
    peer = request.client.host if request.client else ""
    return Origin("http", helo="", peer=peer, tls=request.url.scheme == "https")


# -- one logical request --------------------------------------------------------------------


async def _once(parts: House, sender: Sender, body: SendRequest, request: Request, key: str) -> dict[str, Any]:
    """The answer under an Idempotency-Key."""
    digest = sha256(await request.body()).hexdigest()
    fingerprint = idempotency.mark(sender.account.mailbox_id, key)
    claim = await parts.write(lambda c: idempotency.claim(c, fingerprint, digest=digest, now=parts.clock()))
    match claim.kind:
        case "other":
            raise Problem("idempotency_key_reused")
        case "busy":
            raise Problem("request_in_progress", wait=1)
        case "done":
            return {**(claim.answer or {}), "replayed": True}
    try:
        told = await _send(parts, sender, body, origin(request), key)
    except BaseException:
        # Whatever went wrong, nothing is known to have been taken, so the key must not stay claimed. If the intake
        # did commit, its duplicate rule answers the next request.
        await asyncio.shield(parts.write(lambda c: idempotency.release(c, fingerprint)))
        raise
    if told["status"] == "blocked":
        await parts.write(lambda c: idempotency.release(c, fingerprint))
    else:
        await parts.write(lambda c: idempotency.keep(c, fingerprint, told))
    return told


async def _send(parts: House, sender: Sender, body: SendRequest, came: Origin, idempotency_key: str) -> dict[str, Any]:
    submission = await asyncio.to_thread(written, parts, sender, body, came, idempotency_key)
    limit = parts.settings().smtp.max_message_size
    if len(submission.data) > limit:
        raise Problem("too_large", f"the message has {len(submission.data)} octets; {limit} are allowed")
    # The commit must survive the connection: after a client hangs up, the message is taken exactly once.
    answer = await asyncio.shield(parts.desk.submit(submission))
    if answer.replayed:
        return await _first_answer(parts, answer.send_id)
    if (why := answer.decision.refusal) is not None and why.reason == "unavailable":
        raise Problem("unavailable", why.detail, wait=why.wait, sendId=answer.send_id)
    return answers.judgement(answer, submission.received_at)


async def _first_answer(parts: House, send_id: str) -> dict[str, Any]:
    record = await parts.desk.recorded(send_id)
    if record is None:
        raise Problem("unavailable", "the first answer cannot be read", wait=5)
    return answers.replay(send_id, record, parts.clock())


def written(parts: House, sender: Sender, body: SendRequest, came: Origin, idempotency_key: str = "") -> Submission:
    """The submission that a request asks for."""
    own = parse_path(sender.account.address)
    letter = Letter(
        sender=Party(own, sender.account.from_name),
        to=body.to,
        cc=body.cc,
        reply_to=body.reply_to,
        subject=body.subject,
        text=body.body if body.body is not None else body.text,
        html=body.html,
        attachments=[given.attached() for given in body.attachments],
        headers=body.headers,
    )
    recipients = _recipients(body)
    utf8 = not all(a.wire.isascii() for a in (own, *recipients))
    return Submission(
        send_id=parts.desk.new_send_id(),
        principal=sender.principal,
        origin=Origin("http", came.helo, came.peer, came.tls, smtputf8=utf8),
        mail_from=own,
        rcpt_to=recipients,
        data=compose(letter, parts.random(12).hex()),
        received_at=parts.clock(),
        wishes=Wishes(
            dedupe_key=body.dedupe_key or "",
            idempotency_key=idempotency_key,
            campaign=body.campaign,
            metadata=body.metadata,
            claim="commercial" if body.message_class == "commercial" else "",
            send_at=body.send_at or 0,
        ),
    )


def _recipients(body: SendRequest) -> tuple[Address, ...]:
    """All recipients once, blind copies included."""
    return tuple({p.address.wire: p.address for p in (*body.to, *body.cc, *body.bcc)}.values())
