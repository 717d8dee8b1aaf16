"""The consent ledger: who agreed to receive mail, on what basis, and who withdrew.

The newest entry of an address counts. A withdrawal is an entry like a consent; no entry is ever changed or
removed, so the ledger is its own evidence. An agent may record that somebody withdrew consent, never that
somebody gave it.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field, ValidationInfo, field_validator

from config.senders import DEFAULT_TENANT
from policy.countries import check_place
from policy.profiles import BASES, check_basis
from relay.http import csvs
from relay.http.access import Caller, Operator, Parts, Reads, Who
from relay.http.house import House
from relay.http.meant import OfTenant, mail_address, tenant_of
from relay.http.pages import Turning, listed
from relay.http.problems import invalid, not_found
from relay.http.shapes import DateTime, Email, Given, Listing, Moment, Note, Short, Told, address_of, of_row
from relay.http.strict import Resource
from relay.http.suppressions import EntryId, wanted_key
from relay.store import accounts, consents, listings
from relay.store.imports import CONSENT_COLUMNS, consent_cells, consent_reader

router = Resource("Consents")


class NewConsent(Given):
    """An entry of the ledger."""

    email: Email
    granted: bool = True
    basis: Short = Field(
        default="",
        description="Why mail is allowed. Default: `express`, since an entry states that consent was given.",
        examples=[*BASES],
    )
    source: Short = Field(default="", examples=["signup form"])
    jurisdiction: Short = Field(
        default="",
        description="The recipient's country: two letters (ISO 3166), or EU, EEA, UK.",
        examples=["EU", "CA"],
    )
    proof: Note = Field(default="", description="What proves it: a URL, the text agreed to, an address and time.")
    at: Moment | None = Field(default=None, description="When it was given or taken back; now by default.")
    tenant: Short = ""

    @field_validator("jurisdiction")
    @classmethod
    def _names_a_country(cls, place: str, info: ValidationInfo) -> str:
        # A withdrawal is valid wherever the recipient is, so a wrong jurisdiction must not cause it to be lost.
        return check_place(place) if info.data.get("granted", True) else place

    @field_validator("basis")
    @classmethod
    def _suffices_somewhere(cls, basis: str, info: ValidationInfo) -> str:
        return check_basis(basis) if info.data.get("granted", True) else basis


class Consent(Told):
    """An entry of the ledger."""

    id: str
    email: str
    granted: bool
    basis: str | None
    source: str | None
    jurisdiction: str | None
    proof: str | None
    tenant_id: str
    at: DateTime
    recorded_at: DateTime | None


class ConsentCheck(Told):
    """The entry that counts for an address."""

    email: str
    granted: bool
    consent: Consent | None


@router.post("/consents", status_code=201, summary="Record a consent or its withdrawal", response_model=Consent)
async def add_consent(body: NewConsent, parts: Parts, who: Who) -> Any:
    """A consent, or with `granted: false` its withdrawal."""
    tenant_id = await tenant_of(parts, who, body.tenant)
    _need_a_word(who)
    if body.granted and not (who.is_operator or (who.is_of_tenant and who.principal.may("manage"))):
        who.need_person("writing down that somebody agreed")
    address, now = address_of(body.email), parts.clock()
    entry = consents.NewConsent(
        id=parts.ids.new("con"),
        tenant_id=tenant_id,
        key=address.key,
        address=address.wire,
        granted=body.granted,
        at=body.at or now,
        recorded_at=now,
        basis=body.basis or ("express" if body.granted else ""),
        source=body.source or who.actor,
        jurisdiction=body.jurisdiction,
        proof=body.proof,
    )
    if entry.is_ahead:
        raise invalid("at", consents.AHEAD)
    await parts.write(lambda c: consents.append(c, [entry]))
    return told(entry)


@router.get("/consents", summary="List the consent ledger", response_model=Listing[Consent])
async def list_consents(
    parts: Parts,
    who: Reads,
    turn: Turning,
    email: Annotated[str | None, Query(max_length=320)] = None,
    granted: Annotated[bool | None, Query()] = None,
) -> Any:
    """Newest first."""
    filters = {"tenant_id": who.tenant_id or None, "key": wanted_key(email) or None, "granted": granted}
    return await listed(parts, turn, "consents", filters, told)


@router.get("/consents/check", summary="Has this address agreed?", response_model=ConsentCheck)
async def check_consent(
    parts: Parts,
    who: Reads,
    email: Annotated[str, Query(max_length=320)],
    tenant: OfTenant = "",
) -> Any:
    """The newest entry counts. If the policy `default` folds aliases, so does a newer withdrawal under
    another spelling of the address.
    """
    tenant_id = await tenant_of(parts, who, tenant)
    address = mail_address(email)
    fold = (await parts.policy_of()).suppression_check.fold_aliases
    row = await parts.look(lambda c: consents.newest(c, tenant_id, address.key, fold=fold))
    return {
        "email": address.wire,
        "granted": bool(row is not None and row.granted),
        "consent": told(row) if row is not None else None,
    }


@router.get("/consents/export", summary="The whole ledger as CSV", response_class=csvs.Csv)
async def export_consents(parts: Parts, who: Reads) -> csvs.Csv:
    """Streamed, oldest entry first."""
    if not who.is_of_tenant:
        who.need_person("the ledger of the whole tenant")
    tenants = await parts.look(listings.tenant_names)
    return csvs.give(
        "consents.csv",
        CONSENT_COLUMNS,
        lambda after: parts.look(lambda c: consents.export(c, who.tenant_id, after)),
        lambda row: consent_cells(row, tenants),
    )


@router.post(
    "/consents/import",
    summary="Import consents from CSV",
    response_model=csvs.ImportResult,
    openapi_extra=csvs.BODY,
)
async def import_consents(request: Request, parts: Parts, _: Operator, tenant: OfTenant = DEFAULT_TENANT) -> Any:
    """Columns: email, granted, basis, source, jurisdiction, proof, at, tenant; only email is required.

    `granted` is true or false, or another word for one of them; a line with anything else there is skipped.
    """
    tenant_id = (await parts.look(lambda c: accounts.tenant(c, tenant))).id
    tenants = await parts.look(listings.tenant_ids)
    read = consent_reader(tenants, tenant_id, parts.ids.new, parts.clock)

    async def write(batch: Sequence[consents.NewConsent]) -> None:
        await parts.write(lambda c: consents.append(c, batch))

    return (await csvs.take(request, csvs.Sheet(CONSENT_COLUMNS, closed=True), read, write)).told()


@router.get("/consents/{id}", summary="Show an entry", response_model=Consent)
async def show_consent(entry_id: EntryId, parts: Parts, who: Reads) -> Any:
    """One entry of the ledger."""
    return told(await _seen(parts, who, entry_id))


@router.delete("/consents/{id}", status_code=204, summary="Withdraw a consent")
async def revoke_consent(entry_id: EntryId, parts: Parts, who: Who) -> Response:
    """Appends an entry that withdraws the consent; the ledger keeps both."""
    _need_a_word(who)
    row, now = await _seen(parts, who, entry_id), parts.clock()
    entry = consents.NewConsent(
        id=parts.ids.new("con"),
        tenant_id=row.tenant_id,
        key=row.key,
        address=row.address,
        granted=False,
        at=max(now, row.at),  # later than an entry with a future date, which older versions accepted
        recorded_at=now,
        basis=row.basis,
        source=who.actor,
        jurisdiction=row.jurisdiction,
        proof="",
    )
    await parts.write(lambda c: consents.append(c, [entry]))
    return Response(status_code=204)


def _need_a_word(who: Caller) -> None:
    """Raise Problem for a read-only key; any key that may send must be able to record a withdrawal."""
    if not who.principal.may("manage"):
        who.need("send")


async def _seen(parts: House, who: Caller, entry_id: str) -> Any:
    row = await parts.look(lambda c: listings.one(c, "consents", entry_id))
    if row is None or not who.is_within(row.tenant_id):
        raise not_found("consent")
    return row


def told(row: Any) -> dict[str, Any]:
    """An entry as the API tells it."""
    return of_row(Consent, row, email=row.address)
