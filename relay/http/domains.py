"""Domains: what to publish in DNS, and what DNS says now.

A new domain is unverified; mail from it waits until its ownership record is found. `verify` asks DNS and says
for every record whether it is right, and otherwise what is wrong with it.
"""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import AfterValidator, Field

from config.senders import DEFAULT_TENANT, Verification
from config.types import to_domain
from relay.http import dns_records
from relay.http.access import Caller, Operator, Parts, Reads
from relay.http.etags import TAGGED, IfMatch, check, etag_of
from relay.http.house import House
from relay.http.pages import Turning, listing
from relay.http.problems import may, not_found
from relay.http.shapes import DateTime, Given, Line, Lines, Listing, Short, Told, among, of_row
from relay.http.strict import Resource
from relay.mail.address import domain_of
from relay.mail.dkim_key import generate_ed25519, generate_rsa
from relay.store import accounts, domain_checks, domains, keys, listings, rotation
from relay.store.errors import Unknown

router = Resource("Domains")
DomainId = Annotated[str, Path(alias="id", description="Id or name.", max_length=260)]


def _domain(text: str) -> str:
    name = to_domain(text)
    if "." not in name:
        raise ValueError("must have at least two labels")
    return name


DomainName = Annotated[Line, AfterValidator(_domain)]
Method = Literal["dns_txt", "cname"]
Status = Literal["pending", "verified", "failed", "disabled"]


class NewDomain(Given):
    """A domain to add."""

    domain: DomainName = Field(examples=["yourcompany.com"])
    verification_method: Method = Field(default="dns_txt", examples=["dns_txt"])
    physical_address: Annotated[Lines, Field(max_length=500)] = Field(
        default="", description="Postal address in the footer of commercial mail; without one such mail is refused."
    )
    tenant: Short = DEFAULT_TENANT


class ChangedDomain(Given):
    """What to change; absent fields stay as they are."""

    verification_method: Method | None = None
    physical_address: Annotated[Lines, Field(max_length=500)] | None = Field(
        default=None, examples=["1 Main St, Springfield"]
    )


class DnsRecord(Told):
    """A record to publish, and its status."""

    type: dns_records.Type
    name: str
    value: str
    purpose: dns_records.Purpose
    status: dns_records.Status
    problem: str | None
    key: dns_records.Key | None = Field(description="Status of the DKIM key in this record; only active keys sign.")
    advice: str | None


class Domain(Told):
    """A domain and its status."""

    id: str
    domain: str
    status: Annotated[str, among(Status)]
    verification_method: Annotated[str, among(Verification)]
    physical_address: str
    managed: bool
    tenant_id: str
    dns_records: list[DnsRecord]
    created_at: DateTime
    verified_at: DateTime | None
    checked_at: DateTime | None


@router.post(
    "/domains", status_code=201, summary="Add a domain", response_model=Domain, responses=may("already_exists")
)
async def add_domain(body: NewDomain, parts: Parts, who: Operator) -> Any:
    """Add a domain and make its DKIM keys; the answer lists the records to publish."""
    now, token = parts.clock(), parts.random(16).hex()
    await parts.look(lambda c: domains.check_free(c, body.domain))  # before a second is spent on keys for nothing
    rsa, ed25519 = await asyncio.to_thread(lambda: (generate_rsa().private_pem, generate_ed25519().private_pem))

    def job(connection: Any) -> Any:
        tenant = accounts.tenant(connection, body.tenant)
        new = domains.NewDomain(
            id=parts.ids.new("dom"),
            tenant_id=tenant.id,
            name=body.domain,
            verification=body.verification_method,
            token=token,
            physical_address=body.physical_address,
        )
        domains.add_domain(connection, new, by=who.actor, now=now)
        keys.ensure_keys(
            connection,
            new.name,
            new.selector,
            vault=parts.vault,
            new_id=parts.ids.new,
            now=now,
            brought=keys.Brought(rsa, ed25519),
        )
        return domains.domain(connection, new.id), keys.of_domain(connection, new.name)

    row, own_keys = await parts.write(job)
    parts.changed()
    return told(parts, row, own_keys)


@router.get("/domains", summary="List domains", response_model=Listing[Domain])
async def list_domains(
    parts: Parts,
    who: Reads,
    turn: Turning,
    domain: Annotated[str | None, Query(max_length=260)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> Any:
    """The operator sees all domains, a mailbox's key only the domain of its own address."""
    name = domains.as_stored(domain) if domain else None
    filters = {"name": name, "status": status, "tenant_id": who.tenant_id or None}

    def question(connection: Any) -> Any:
        narrowed = filters | _own_domains(connection, who)
        page = listings.listed(connection, "domains", narrowed, after=turn.after, limit=turn.limit)
        return page, keys.of_domains(connection, [row.name for row in page.rows])

    page, own_keys = await parts.look(question)
    return listing(parts, turn, page, lambda row: told(parts, row, own_keys[row.name]))


@router.get("/domains/{id}", summary="Show a domain", response_model=Domain, responses=TAGGED)
async def show_domain(domain_id: DomainId, parts: Parts, who: Reads, response: Response) -> Any:
    """Includes its records as DNS had them when last asked."""
    row, own_keys = await parts.look(lambda c: _read(c, who, domain_id))
    response.headers["ETag"] = _etag(row)
    return told(parts, row, own_keys)


@router.patch(
    "/domains/{id}", summary="Change a domain", response_model=Domain, responses=TAGGED | may("declared_in_file")
)
async def change_domain(
    domain_id: DomainId,
    body: ChangedDomain,
    parts: Parts,
    who: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """With another verification method, the domain has to be verified again."""

    def job(connection: Any) -> Any:
        row = listings.held(connection, "domains", _read(connection, who, domain_id)[0].id)
        check(if_match, _etag(row))
        domains.change_domain(
            connection,
            row,
            verification=body.verification_method,
            physical_address=body.physical_address,
            by=who.actor,
            now=parts.clock(),
        )
        return _read(connection, who, row.id)

    row, own_keys = await parts.write(job)
    parts.changed()
    response.headers["ETag"] = _etag(row)
    return told(parts, row, own_keys)


@router.post("/domains/{id}/verify", summary="Check DNS now", response_model=Domain)
async def verify_domain(domain_id: DomainId, parts: Parts, who: Reads) -> Any:
    """Ask DNS for every record, and store what it proves."""
    row, own_keys = await parts.look(lambda c: _read(c, who, domain_id))
    row, own_keys = await verify(parts, row, own_keys)
    parts.changed()
    return told(parts, row, own_keys)


@router.post(
    "/domains/{id}/rotate",
    summary="Make new DKIM keys",
    response_model=Domain,
    responses=may("declared_in_file", "rotation_pending"),
)
async def rotate_domain_keys(domain_id: DomainId, parts: Parts, who: Operator) -> Any:
    """The answer lists the records of the new keys. Until DNS has them, the old keys sign; then the new ones do."""
    pairs = await asyncio.to_thread(lambda: (generate_rsa(), generate_ed25519()))

    def job(connection: Any) -> Any:
        row, _ = _read(connection, who, domain_id)
        brought = parts.settings().brings_keys_of(row.name)
        rotation.rotate(
            connection,
            row,
            pairs,
            vault=parts.vault,
            new_id=parts.ids.new,
            by=who.actor,
            now=parts.clock(),
            is_brought=brought,
        )
        return _read(connection, who, row.id)

    row, own_keys = await parts.write(job)
    return told(parts, row, own_keys)


async def verify(parts: House, row: Any, own_keys: Any) -> tuple[Any, Any]:
    """Ask DNS about a domain and store the result; returns the updated row and keys."""
    found = await dns_records.check(row, own_keys, parts.settings(), parts.resolver)
    now = parts.clock()

    def job(connection: Any) -> Any:
        domain_checks.checked(connection, row.id, records=[f.as_json() for f in found], now=now)
        return domains.domain(connection, row.id), keys.of_domain(connection, row.name)

    return await parts.write(job)


def told(parts: House, row: Any, own_keys: Any) -> dict[str, Any]:
    """A domain in the API's form: the records to publish, with what DNS last said of each."""
    records = [record.as_json() for record in dns_records.last_seen(row, own_keys, parts.settings())]
    return of_row(Domain, row, domain=row.name, verification_method=row.verification, dns_records=records)


def _etag(row: Any) -> str:
    return etag_of(row, "verification", "physical_address", "status")


def _read(connection: Any, who: Caller, reference: str) -> tuple[Any, Any]:
    """A domain and its keys. Raises 404 if the caller may not see it."""
    try:
        row = domains.domain(connection, reference)
    except Unknown:
        raise not_found("domain") from None
    own = _own_domains(connection, who).get("name")
    if not who.is_within(row.tenant_id) or (own is not None and row.name not in own):
        raise not_found("domain")
    return row, keys.of_domain(connection, row.name)


def _own_domains(connection: Any, who: Caller) -> dict[str, Any]:
    """The domain names visible to a key of one mailbox."""
    if who.is_operator or who.is_of_tenant:
        return {}
    row = listings.one(connection, "mailboxes", who.mailbox_id)
    return {"name": domains.suffixes(domain_of(row.address_key)) if row is not None else ()}
