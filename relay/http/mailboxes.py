"""Mailboxes: the sending identities of agents, their limits, and the switch that stops each.

What the configuration file declares is changed there (409). Pausing and tightening are state, open to everybody
to whom the mailbox belongs; resuming and loosening are reserved for the operator.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Response
from msgspec.structs import replace

from relay.http import tighten
from relay.http.access import Operator, Parts, Reads, Who
from relay.http.etags import TAGGED, IfMatch, check, etag_of
from relay.http.house import House
from relay.http.mailbox_shapes import (
    ChangedMailbox,
    Mailbox,
    MailboxPause,
    MailboxWithPassword,
    NewMailbox,
    Status,
    told,
)
from relay.http.meant import mailbox_of
from relay.http.pages import Turning, listing
from relay.http.problems import invalid, may
from relay.http.shapes import NO_CAUSE, Listing, PauseCause, address_of, of_row
from relay.http.strict import Resource
from relay.mail.address import domain_of, key_of
from relay.store import accounts, credentials, domains, listings
from relay.store.accounts import NewMailbox as Row
from relay.store.declaring import check_is_in_use
from relay.store.guard import of_mailbox, of_tenant
from relay.store.places import usages
from relay.submission.account import policy_of
from relay.submission.snippets import entrance

router = Resource("Mailboxes")
MailboxId = Annotated[str, Path(alias="id", description="Id, name or address.", max_length=320)]


@router.post(
    "/mailboxes",
    status_code=201,
    summary="Make a mailbox",
    response_model=MailboxWithPassword,
    responses=may("already_exists"),
)
async def make_mailbox(body: NewMailbox, parts: Parts, who: Operator) -> Any:
    """Add a mailbox and its SMTP credential, whose password is shown in this answer only."""
    address = address_of(body.from_address)
    if not parts.settings().has_policy(body.policy):
        raise invalid("policy", "there is no such policy")
    fresh, mailbox_id, now = credentials.generate(parts.vault, parts.random), parts.ids.new("mbx"), parts.clock()
    aliases = [address_of(alias).exact for alias in body.aliases]

    def job(connection: Any) -> Any:
        tenant = accounts.tenant(connection, body.tenant)
        new = Row(
            id=mailbox_id,
            tenant_id=tenant.id,
            name=body.name,
            address=address.wire,
            address_key=address.key,
            from_name=body.from_name,
            autonomy=body.autonomy_level,
            role=body.role,
            allowed_classes=tuple(dict.fromkeys(body.allowed_classes)),
            policy=body.policy,
            settings={"aliases": aliases, "language": body.language} | body.footer_settings(),
        )
        accounts.add_mailbox(connection, new, by=who.actor, now=now)
        username = credentials.free_username(connection, body.name, address.wire)
        own = replace(fresh.of_mailbox(new, new.name), username=username)
        credentials.issue(connection, own, by=who.actor, now=now)
        return username, accounts.mailbox(connection, mailbox_id)

    username, row = await parts.write(job)
    parts.changed()
    smtp = entrance(parts.settings())._asdict() | {"username": username or body.name, "password": fresh.key}
    return await _told(parts, row) | {"smtp": smtp}


@router.get("/mailboxes", summary="List mailboxes", response_model=Listing[Mailbox])
async def list_mailboxes(
    parts: Parts,
    who: Reads,
    turn: Turning,
    status: Annotated[Status | None, Query()] = None,
    name: Annotated[str | None, Query(max_length=320)] = None,
    from_address: Annotated[str | None, Query(alias="fromAddress", max_length=320)] = None,
) -> Any:
    """The operator sees all mailboxes, a key its own."""
    filters = {"status": status, "name": name, "address_key": key_of(from_address) if from_address else None}
    filters |= {"tenant_id": who.tenant_id or None, "id": who.reach or None}
    page = await parts.look(lambda c: listings.listed(c, "mailboxes", filters, after=turn.after, limit=turn.limit))
    shown = await all_told(parts, page.rows)
    return listing(parts, turn, page, lambda row: shown[row.id])


@router.get("/mailboxes/{id}", summary="Show a mailbox", response_model=Mailbox, responses=TAGGED)
async def show_mailbox(mailbox_id: MailboxId, parts: Parts, who: Reads, response: Response) -> Any:
    """Includes the use of its limits."""
    row = await mailbox_of(parts, who, mailbox_id)
    who.need_sight(row.tenant_id, row.id)
    response.headers["ETag"] = _etag(row)
    return await _told(parts, row)


@router.patch(
    "/mailboxes/{id}", summary="Change a mailbox", response_model=Mailbox, responses=TAGGED | may("declared_in_file")
)
async def change_mailbox(
    mailbox_id: MailboxId,
    body: ChangedMailbox,
    parts: Parts,
    who: Who,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """Change declared fields (the operator) or tighten (everybody to whom it belongs)."""
    if body.policy is not None and not parts.settings().has_policy(body.policy):
        raise invalid("policy", "there is no such policy")
    found = await mailbox_of(parts, who, mailbox_id)
    who.need_own(found.tenant_id, found.id)
    policy, now = await parts.policy_of(found.id), parts.clock()

    def job(connection: Any) -> Any:
        row = listings.held(connection, "mailboxes", found.id)
        check(if_match, _etag(row))
        tighten.change(connection, row, body, who, policy, now)
        return accounts.mailbox(connection, found.id)

    row = await parts.write(job)
    parts.changed()
    response.headers["ETag"] = _etag(row)
    return await _told(parts, row)


def _etag(row: Any) -> str:
    names = "name address from_name autonomy role allowed_classes policy status cause tightened settings updated_at"
    return etag_of(row, *names.split())


@router.post(
    "/mailboxes/{id}/pause", summary="Pause a mailbox", response_model=MailboxPause, responses=may("declared_in_file")
)
async def pause_mailbox(mailbox_id: MailboxId, parts: Parts, who: Who, body: PauseCause = NO_CAUSE) -> Any:
    """Nothing is accepted and nothing leaves until a person resumes it. 409 if the mailbox is no longer in the file."""
    found = await mailbox_of(parts, who, mailbox_id)
    who.need_own(found.tenant_id, found.id)
    now = parts.clock()

    def job(connection: Any) -> Any:
        check_is_in_use("mailbox", accounts.mailbox(connection, found.id))
        accounts.pause_mailbox(connection, found.id, by=who.actor, cause=body.cause, now=now)
        return accounts.mailbox(connection, found.id)

    row = await parts.write(job)
    parts.changed()
    return of_row(MailboxPause, row)


@router.post(
    "/mailboxes/{id}/resume", summary="Resume a mailbox", response_model=MailboxPause, responses=may("declared_in_file")
)
async def resume_mailbox(mailbox_id: MailboxId, parts: Parts, who: Who) -> Any:
    """Ends the pause, whatever caused it; only for the operator. Rates for which its policy would refuse again
    start anew.

    409 if the mailbox is no longer in the file.
    """
    found = await mailbox_of(parts, who, mailbox_id)
    who.need_own(found.tenant_id, found.id)
    who.need_person("resuming a mailbox")
    now = parts.clock()

    def job(connection: Any) -> Any:
        check_is_in_use("mailbox", accounts.mailbox(connection, found.id))
        tenant = accounts.tenant(connection, found.tenant_id).name
        rule = policy_of(parts.settings(), found, tenant).reputation
        accounts.resume_mailbox(connection, found.id, rule=rule, by=who.actor, now=now)
        return accounts.mailbox(connection, found.id)

    row = await parts.write(job)
    parts.changed()
    parts.wake()
    return of_row(MailboxPause, row)


# -- details ------------------------------------------------------------------------------


async def _told(parts: House, row: Any) -> dict[str, Any]:
    return (await all_told(parts, [row]))[row.id]


async def all_told(parts: House, rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Mailboxes by id in the API's form, all read at once."""

    def question(connection: Any) -> Any:
        scopes = {scope for row in rows for scope in (of_mailbox(row.id), of_tenant(row.tenant_id))}
        return (
            domains.nearest_to_each(connection, {domain_of(row.address_key) for row in rows}),
            usages(connection, scopes),
            listings.tenants_by_id(connection),
        )

    nearest, used, tenants = await parts.look(question)
    policies = await parts.policies_of(row.id for row in rows)
    now = parts.clock()
    return {
        row.id: told(row, nearest[domain_of(row.address_key)], tenants[row.tenant_id], policies[row.id], used, now)
        for row in rows
    }
