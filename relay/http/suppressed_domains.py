"""Suppressed domains: no address of these domains or their subdomains is written to."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.senders import DEFAULT_TENANT
from config.types import to_domain
from relay.http.access import Caller, Operator, Parts, Reads, Who
from relay.http.house import House
from relay.http.pages import Turning, listed
from relay.http.problems import invalid, not_found
from relay.http.shapes import DateTime, Given, Line, Listing, Moment, Note, Short, Told, WrongField, address_of, of_row
from relay.http.strict import Resource
from relay.http.suppressions import EntryId, WideScope, end_of
from relay.store import accounts, domains, listings, suppression_list

router = Resource("Suppressions")


def _binding(scope: Any) -> Any:
    if scope not in ("global", "tenant"):
        raise ValueError("must be tenant or global: a domain is refused for a tenant or for all, not for one mailbox")
    return scope


_PLAIN = ("domain", "manual")  # reasons that add nothing, since a suppressed domain implies them


class NewSuppressedDomain(Given):
    """A domain to suppress, with all its subdomains."""

    domain: Annotated[Line, AfterValidator(to_domain)] = Field(examples=["example.com"])
    scope: Annotated[WideScope, BeforeValidator(_binding)] = "tenant"
    reason: Short = Field(default="", description="Kept in the note: the reason of every entry is `domain`.")
    note: Note = ""
    expires_at: Moment | None = None
    tenant: Short = Field(default="", description="For the operator; `default` if left out.")

    @model_validator(mode="after")
    def _in_its_scope(self) -> "NewSuppressedDomain":
        if self.tenant and self.scope == "global":
            raise WrongField("tenant", "is not for scope global, which binds all")
        return self


class SuppressedDomain(Told):
    """A suppressed domain."""

    id: str
    domain: str
    scope: WideScope
    reason: Literal["domain"]
    note: str | None
    source: str | None
    tenant_id: str | None
    created_at: DateTime
    expires_at: DateTime | None


class AddedSuppressedDomain(SuppressedDomain):
    """The entry in force after adding."""

    created: bool = Field(description="False if the entry existed before; its note and start are kept.")


class SuppressedDomainCheck(Told):
    """Whether a domain is suppressed."""

    domain: str
    suppressed: bool
    suppressions: list[SuppressedDomain]


@router.post("/suppressed-domains", status_code=201, summary="Suppress a domain", response_model=AddedSuppressedDomain)
async def add_suppressed_domain(body: NewSuppressedDomain, parts: Parts, who: Operator) -> Any:
    """Takes effect at once; includes all subdomains."""
    tenant_id = ""
    if body.scope == "tenant":
        tenant_id = (await parts.look(lambda c: accounts.tenant(c, body.tenant or DEFAULT_TENANT))).id
    now = parts.clock()
    note = "; ".join(filter(None, ("" if body.reason in _PLAIN else body.reason, body.note)))
    ends = end_of(body.expires_at, now)
    entry = suppression_list.of_domain(
        body.domain, tenant_id, who.actor, now, scope=body.scope, expires_at=ends, note=note
    )
    row, is_new = await parts.write(lambda c: suppression_list.add_domain(c, entry, parts.ids.new))
    return told(row) | {"created": is_new}


@router.get("/suppressed-domains", summary="List refused domains", response_model=Listing[SuppressedDomain])
async def list_suppressed_domains(
    parts: Parts, who: Reads, turn: Turning, domain: Annotated[str | None, Query(max_length=255)] = None
) -> Any:
    """Newest first; a key sees those of its tenant."""
    filters = {"domain": domains.as_stored(domain) if domain else None, "tenant_id": who.tenant_id or None}
    return await listed(parts, turn, "suppressed_domains", filters, told)


@router.get("/suppressed-domains/check", summary="Is this domain refused?", response_model=SuppressedDomainCheck)
async def check_suppressed_domain(
    parts: Parts,
    who: Reads,
    domain: Annotated[str | None, Query(max_length=255)] = None,
    email: Annotated[str | None, Query(max_length=320, description="An address whose domain is checked.")] = None,
) -> Any:
    """Considers the domain itself and all its parent domains."""
    name = _meant(domain, email)
    sight = suppression_list.Sight(who.tenant_id)
    _, rows = await parts.look(lambda c: suppression_list.binding(c, "", name, parts.clock(), sight))
    shown = [told(row) for row in rows if row.tenant_id or who.is_operator]
    return {"domain": name, "suppressed": bool(rows), "suppressions": shown}


@router.get("/suppressed-domains/{id}", summary="Show a refused domain", response_model=SuppressedDomain)
async def show_suppressed_domain(entry_id: EntryId, parts: Parts, who: Reads) -> Any:
    """One entry."""
    return told(await _seen(parts, who, entry_id))


@router.delete("/suppressed-domains/{id}", status_code=204, summary="Remove a suppressed domain")
async def remove_suppressed_domain(entry_id: EntryId, parts: Parts, who: Who) -> Response:
    """For the operator."""
    row = await _seen(parts, who, entry_id)
    who.need_person("removing a suppression")
    await parts.write(lambda c: suppression_list.remove_domain(c, row, by=who.actor, now=parts.clock()))
    return Response(status_code=204)


def _meant(domain: str | None, email: str | None) -> str:
    """The domain in question. Raises Problem unless exactly one of the two parameters is given."""
    if (domain is None) == (email is None):
        raise invalid("domain", "is needed, or email in its place: one of the two")
    try:
        return address_of(email).domain if email is not None else to_domain(str(domain))
    except ValueError as error:
        raise invalid("domain" if email is None else "email", str(error)) from None


async def _seen(parts: House, who: Caller, entry_id: str) -> Any:
    row = await parts.look(lambda c: listings.one(c, "suppressed_domains", entry_id))
    if row is None or not who.is_within(row.tenant_id):
        raise not_found("suppressed domain")
    return row


def told(row: Any) -> dict[str, Any]:
    """An entry in the API's form."""
    return of_row(SuppressedDomain, row, scope=suppression_list.scope_of(row), reason=suppression_list.DOMAIN)
