"""Suppressions: who must not be written to, and why.

A key may add entries for its own mailbox, since that only tightens; entries for a whole tenant or for
everybody, and removing entries, are reserved for the operator. If a refusal is due to a global entry, an
agent is told neither its date nor its kind, since it may come from another tenant.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from pydantic import BeforeValidator, Field, model_validator

from config.names import one_of
from config.senders import DEFAULT_TENANT
from relay.http import csvs
from relay.http.access import Caller, Operator, Parts, Reads, Who
from relay.http.house import House
from relay.http.meant import OfMailbox, OfTenant, mail_address, mailbox_of, scope_of, tenant_of
from relay.http.pages import Turning, listing
from relay.http.problems import invalid, not_found
from relay.http.shapes import (
    DateTime,
    Email,
    Given,
    Line,
    Listing,
    Moment,
    Note,
    Short,
    Told,
    WrongField,
    address_of,
    among,
    of_row,
)
from relay.http.strict import Resource
from relay.store import accounts, listings, suppression_list
from relay.store.consequences import Suppress
from relay.store.imports import SUPPRESSION_COLUMNS, Place, places, suppression_cells, suppression_reader

router = Resource("Suppressions")
EntryId = Annotated[str, Path(alias="id", max_length=64)]
WideScope = Literal["global", "tenant"]
Scope = Literal[WideScope, "mailbox"]


def _no_domain(value: Any) -> Any:
    """Raises ValueError for a whole domain, which belongs in the list of domains."""
    if isinstance(value, str) and (domain := suppression_list.whole_domain(value)):
        raise ValueError(f"is a whole domain: use /v1/suppressed-domains with the domain {domain}")
    return value


class NewSuppression(Given):
    """An address to suppress."""

    email: Annotated[Email, BeforeValidator(_no_domain)]
    scope: Scope = "tenant"
    mailbox_id: Line = Field(default="", description="Where `scope` is `mailbox`.")
    reason: Short = Field(
        default="manual",
        description="bounce, complaint, unsubscribe, manual or legal; any other text is a manual entry's note.",
    )
    note: Note = ""
    expires_at: Moment | None = None
    tenant: Short = Field(default="", description="For the operator; `default` if left out.")

    @model_validator(mode="after")
    def _in_its_scope(self) -> "NewSuppression":
        if self.mailbox_id and self.scope != "mailbox":
            raise WrongField("mailboxId", f"is for scope mailbox, not {self.scope}")
        if self.tenant and self.scope == "global":
            raise WrongField("tenant", "is not for scope global, which binds all")
        return self


class Suppression(Told):
    """An entry that suppresses an address."""

    id: str
    email: str
    scope: Annotated[str, among(Scope)]
    reason: Annotated[str, among(suppression_list.KINDS)]
    note: str | None
    source: str | None
    evidence: dict[str, Any]
    tenant_id: str | None
    mailbox_id: str | None
    created_at: DateTime
    expires_at: DateTime | None


class AddedSuppression(Suppression):
    """The entry in force after adding."""

    created: bool = Field(description="False if the entry existed before; its reason, note and start are kept.")


class BindingEntry(Told):
    """An entry that applies to an address; of a global entry an agent sees only that it exists."""

    id: str | None
    scope: Annotated[str, among(Scope)]
    reason: Annotated[str, among((*suppression_list.KINDS, suppression_list.DOMAIN))] | None
    created_at: DateTime | None
    expires_at: DateTime | None


class SuppressionCheck(Told):
    """Whether an address may be written to at all."""

    email: str
    suppressed: bool
    suppressions: list[BindingEntry]


@router.post("/suppressions", status_code=201, summary="Suppress an address", response_model=AddedSuppression)
async def add_suppression(body: NewSuppression, parts: Parts, who: Who) -> Any:
    """Takes effect at once. An existing entry with the same kind of reason is returned instead; only a later
    end replaces its own.
    """
    tenant_id, mailbox_id = await _place(parts, who, body)
    kind, note = suppression_list.kind_and_note(body.reason, body.note)
    address, now = address_of(body.email), parts.clock()
    entry = Suppress(
        tenant_id,
        mailbox_id,
        address.key,
        address.wire,
        kind,
        who.actor,
        {},
        now,
        scope=body.scope,
        expires_at=end_of(body.expires_at, now),
        note=note,
    )
    row, is_new = await parts.write(lambda c: suppression_list.add(c, parts.consequences, entry))
    return told(row) | {"created": is_new}


@router.get("/suppressions", summary="List suppressions", response_model=Listing[Suppression])
async def list_suppressions(
    parts: Parts,
    who: Reads,
    turn: Turning,
    email: Annotated[str | None, Query(max_length=320)] = None,
    scope: Annotated[Scope | None, Query()] = None,
    reason: Annotated[str | None, Query(max_length=32)] = None,
    mailbox_id: OfMailbox = None,
) -> Any:
    """Newest first."""
    key = wanted_key(email)
    mailbox = await scope_of(parts, who, mailbox_id) if mailbox_id else ""
    page = await parts.look(
        lambda c: suppression_list.listed(
            c,
            sight(who),
            key=key,
            scope=scope or "",
            kind=_kind(reason) if reason else "",
            mailbox_id=mailbox,
            after=turn.after,
            limit=turn.limit,
        )
    )
    return listing(parts, turn, page, told)


@router.get("/suppressions/check", summary="May this address be written to?", response_model=SuppressionCheck)
async def check_suppression(
    parts: Parts,
    who: Reads,
    email: Annotated[str, Query(max_length=320)],
    mailbox_id: OfMailbox = None,
) -> Any:
    """The entries that apply to an address now, including those for its domain."""
    try:
        address = address_of(_no_domain(email))
    except ValueError as error:
        raise invalid("email", str(error)) from None
    own = sight(who)
    if mailbox_id:
        row = await mailbox_of(parts, who, mailbox_id)
        who.need_sight(row.tenant_id, row.id)
        own = suppression_list.Sight(row.tenant_id, row.id)
    fold = (await parts.policy_of(own.mailbox_id)).suppression_check.fold_aliases
    entries, domains = await parts.look(
        lambda c: suppression_list.binding(c, address.key, address.domain, parts.clock(), own, fold=fold)
    )
    bound = [_bound(row, row.scope, row.kind, who) for row in entries]
    bound += [_bound(row, suppression_list.scope_of(row), suppression_list.DOMAIN, who) for row in domains]
    return {"email": address.wire, "suppressed": bool(bound), "suppressions": bound}


@router.get("/suppressions/export", summary="All suppressions as CSV", response_class=csvs.Csv)
async def export_suppressions(parts: Parts, who: Reads) -> csvs.Csv:
    """Streamed: everything the caller may see, whole domains included. The import accepts it unchanged."""
    own = sight(who)
    tenants = await parts.look(listings.tenant_names)
    mailboxes = await parts.look(lambda c: listings.mailbox_names(c, own.tenant_id))
    return csvs.give(
        "suppressions.csv",
        SUPPRESSION_COLUMNS,
        lambda after: parts.look(lambda c: suppression_list.export(c, own, after)),
        lambda row: suppression_cells(row, tenants, mailboxes),
    )


@router.post(
    "/suppressions/import",
    summary="Import suppressions from CSV",
    response_model=csvs.ImportResult,
    openapi_extra=csvs.BODY,
)
async def import_suppressions(
    request: Request,
    parts: Parts,
    _: Operator,
    tenant: OfTenant = DEFAULT_TENANT,
    scope: Annotated[WideScope, Query()] = "tenant",
) -> Any:
    """Columns: email, reason, note, expires_at, scope, tenant, mailbox; only email is required. The query gives the
    scope and tenant of lines without their own. The file is processed as it arrives, so it may be huge.

    `*@example.com` means the whole domain with its subdomains. New entries are dated at the time of the import.
    """
    tenant_id = (await parts.look(lambda c: accounts.tenant(c, tenant))).id

    read = suppression_reader(await parts.look(places), Place(scope, tenant_id), parts.clock)

    async def write(batch: Sequence[Suppress]) -> None:
        await parts.write(lambda c: suppression_list.take_in(c, parts.consequences, batch, parts.ids.new))

    return (await csvs.take(request, csvs.Sheet(SUPPRESSION_COLUMNS), read, write)).told()


@router.get("/suppressions/{id}", summary="Show a suppression", response_model=Suppression)
async def show_suppression(entry_id: EntryId, parts: Parts, who: Reads) -> Any:
    """One entry with its evidence."""
    return told(await _seen(parts, who, entry_id))


@router.delete("/suppressions/{id}", status_code=204, summary="Remove a suppression")
async def remove_suppression(entry_id: EntryId, parts: Parts, who: Who) -> Response:
    """For the operator. The address may be written to again, unless another entry applies to it."""
    row = await _seen(parts, who, entry_id)
    who.need_person("removing a suppression")
    await parts.write(lambda c: suppression_list.remove(c, row, by=who.actor, now=parts.clock()))
    return Response(status_code=204)


# -- details --------------------------------------------------------------------------------


def sight(who: Caller) -> suppression_list.Sight:
    """Which entries the caller may see."""
    return suppression_list.Sight(who.tenant_id, who.reach)


def wanted_key(email: str | None) -> str:
    """The folded key of the address in a filter, "" if there is none. Raises Problem."""
    return mail_address(email).key if email else ""


def _kind(reason: str) -> str:
    """The kind for which a reason filter looks. Raises Problem for an unknown word."""
    if (kind := suppression_list.kind_of(reason)) not in suppression_list.KINDS:
        raise invalid("reason", f"is not {one_of(list(suppression_list.KINDS))}")
    return kind


def end_of(given: int | None, now: int) -> int:
    """When a new entry ends, 0 for never. Raises Problem for a time in the past."""
    try:
        return suppression_list.end_of(given, now)
    except ValueError as error:
        raise invalid("expiresAt", str(error)) from None


async def _place(parts: House, who: Caller, body: NewSuppression) -> tuple[str, str]:
    """Tenant and mailbox of a new entry. Raises Problem if the caller has no right to add it."""
    own = await tenant_of(parts, who, body.tenant)
    if body.scope == "mailbox":
        reference = body.mailbox_id or who.mailbox_id
        if not reference:
            raise invalid("mailboxId", "is needed where scope is mailbox")
        row = await mailbox_of(parts, who, reference, own if body.tenant else "")
        who.need_own(row.tenant_id, row.id)
        return row.tenant_id, row.id
    if body.scope == "global" or not who.is_of_tenant:
        who.need_person(f"a suppression of scope {body.scope}")
    return own, ""


async def _seen(parts: House, who: Caller, entry_id: str) -> Any:
    row = await parts.look(lambda c: listings.one(c, "suppressions", entry_id))
    if row is None or not suppression_list.sees(sight(who), row):
        raise not_found("suppression")
    return row


def told(row: Any) -> dict[str, Any]:
    """An entry in the API's form."""
    return of_row(Suppression, row, email=row.address, reason=row.kind)


def _bound(row: Any, scope: str, reason: str, who: Caller) -> dict[str, Any]:
    if scope == "global" and not who.is_operator:
        kind = reason if reason == suppression_list.DOMAIN else None
        return {"id": None, "scope": scope, "reason": kind, "createdAt": None, "expiresAt": None}
    return of_row(BindingEntry, row, scope=scope, reason=reason)
