"""Turns rows of CSV files into consents and suppressions; used by the command line and over HTTP.

Nothing is guessed: a word that is neither yes nor no, or an unknown tenant, raises ValueError,
and the line is skipped with a hint what to write instead. A wrong guess could let mail go to
somebody who refused it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from policy.countries import check_place
from policy.moment import exact, milliseconds, precise
from policy.profiles import check_basis
from relay.mail.address import key_of, parse_path
from relay.store import schema as t
from relay.store.consents import AHEAD, NewConsent
from relay.store.consequences import Suppress
from relay.store.listings import tenant_ids
from relay.store.suppression_list import DOMAIN, end_of, kind_and_note, whole_domain

SUPPRESSION_COLUMNS = ("email", "reason", "scope", "note", "created_at", "expires_at", "tenant", "mailbox")
SCOPES = ("global", "tenant", "mailbox")
CONSENT_COLUMNS = ("email", "granted", "basis", "source", "jurisdiction", "proof", "at", "tenant")
YES = frozenset({"true", "t", "yes", "y", "1", "granted", "given", "agreed", "subscribed", "opted in", "opt in"})
NO = frozenset(
    {"false", "f", "no", "n", "0", "revoked", "withdrawn", "denied", "declined", "refused"}
    | {"unsubscribed", "opted out", "opt out"}
)


def consent_of(
    fields: Mapping[str, str], *, granted: bool, tenant_id: str, new_id: Callable[[str], str], now: int
) -> NewConsent:
    """A ledger entry; raises ValueError for an invalid address, time, country or basis."""
    address, place, basis = parse_path(fields["email"]), fields.get("jurisdiction", ""), fields.get("basis", "")
    if granted:  # a revocation binds everywhere, so it must not be lost because of another bad cell
        for name, check, word in (("jurisdiction", check_place, place), ("basis", check_basis, basis)):
            try:
                check(word)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
    made = NewConsent(
        id=new_id("con"),
        tenant_id=tenant_id,
        key=address.key,
        address=address.wire,
        granted=granted,
        at=time_of(fields["at"]) if fields.get("at") else now,
        recorded_at=now,
        basis=basis[:256],
        source=fields.get("source", "")[:256],
        jurisdiction=place,
        proof=fields.get("proof", "")[:4000],
    )
    if made.is_ahead:
        raise ValueError(AHEAD)
    return made


def consent_reader(
    tenants: Mapping[str, str], tenant_id: str, new_id: Callable[[str], str], clock: Callable[[], int]
) -> Callable[[Mapping[str, str]], NewConsent]:
    """A function that makes a row an entry of the tenant it names (`tenants`: ids by name), else of `tenant_id`."""

    def read(row: Mapping[str, str]) -> NewConsent:
        granted = is_yes(row["granted"]) if "granted" in row else True
        own = _tenant_named(row["tenant"], tenants) if row.get("tenant") else tenant_id
        fields = {**row, "source": row.get("source") or "import"}
        return consent_of(fields, granted=granted, tenant_id=own, new_id=new_id, now=clock())

    return read


def consent_cells(row: Any, tenants: Mapping[str, str]) -> Sequence[Any]:
    """The reverse: an entry as a row, with its tenant by name."""
    granted, whose = "true" if row.granted else "false", tenants.get(row.tenant_id, "")
    return row.address, granted, row.basis, row.source, row.jurisdiction, row.proof, exact(row.at), whose


def is_yes(cell: str) -> bool:
    """The meaning of a cell in the column `granted`; raises ValueError if it is neither yes nor no."""
    word = " ".join(cell.casefold().replace("-", " ").replace("_", " ").split())
    if word in YES:
        return True
    if word in NO:
        return False
    said = f"is {cell[:40]!r}, which is neither yes nor no" if word else "is empty"
    raise ValueError(f"granted {said}: write true or false")


class Places(Struct, frozen=True):
    """Whom entries can be for: tenants by name, mailboxes by (tenant id, name, address or id)."""

    tenants: Mapping[str, str]
    mailboxes: Mapping[tuple[str, str], str]


def places(connection: Connection) -> Places:
    """The tenants and mailboxes of this installation. An address takes precedence over a name that looks like it."""
    m = t.mailboxes.c
    rows = connection.execute(select(m.id, m.tenant_id, m.name, m.address_key)).all()
    by_id = {(row.tenant_id, row.id): row.id for row in rows}
    by_address = {(row.tenant_id, row.address_key): row.id for row in rows}
    by_name = {(row.tenant_id, row.name): row.id for row in rows}
    return Places(tenant_ids(connection), by_name | by_address | by_id)


class Place(Struct, frozen=True):
    """Whom an entry is for."""

    scope: str
    tenant_id: str
    mailbox_id: str = ""


def suppression_reader(
    there: Places, default: Place, clock: Callable[[], int]
) -> Callable[[Mapping[str, str]], Suppress]:
    """A function that turns a row into an entry, for `default` if the row does not say for whom.

    `*@example.com` means the whole domain: an entry of kind DOMAIN.
    """

    def read(row: Mapping[str, str]) -> Suppress:
        now, reason, note = clock(), row.get("reason", ""), row.get("note", "")
        place = _place(row, there, default)
        if domain := whole_domain(row["email"]):
            _check_domain(domain, place.scope)
            key, address, kind = domain, f"*@{domain}", DOMAIN
            note = "; ".join(word for word in (reason, note) if word not in ("", DOMAIN))
        else:
            where = parse_path(row["email"])
            key, address = where.key, where.wire
            kind, note = kind_and_note(reason, note)
        return Suppress(
            place.tenant_id,
            place.mailbox_id,
            key,
            address,
            kind,
            "import",
            {},
            now,
            place.scope,
            expires_at=end_of(time_of(row["expires_at"]) if row.get("expires_at") else None, now),
            note=note[:4000],
        )

    return read


def suppression_cells(row: Any, tenants: Mapping[str, str], mailboxes: Mapping[str, str]) -> Sequence[Any]:
    """The reverse: an entry as a row. Tenant and mailbox are given by name, as another installation has other ids."""
    whose = tenants.get(row.tenant_id, ""), mailboxes.get(row.mailbox_id, row.mailbox_id)
    return row.address, row.kind, row.scope, row.note, precise(row.created_at), precise(row.expires_at), *whose


def _place(row: Mapping[str, str], there: Places, default: Place) -> Place:
    """Whom the row is for; raises ValueError for an unknown scope, tenant or mailbox."""
    mailbox = row.get("mailbox", "")
    scope = row.get("scope", "").lower() or ("mailbox" if mailbox else default.scope)
    if scope not in SCOPES:
        raise ValueError(f"scope {scope[:40]!r} is none of {', '.join(SCOPES)}")
    if scope == "global":
        return Place(scope, default.tenant_id)
    tenant_id = _tenant_named(row["tenant"], there.tenants) if row.get("tenant") else default.tenant_id
    if scope == "tenant":
        return Place(scope, tenant_id)
    if not mailbox:
        if not default.mailbox_id or tenant_id != default.tenant_id:
            raise ValueError("scope is mailbox but the row names none: write its name in the column mailbox")
        return default
    spellings = (key_of(mailbox), mailbox) if "@" in mailbox else (mailbox,)
    found = next((there.mailboxes[tenant_id, one] for one in spellings if (tenant_id, one) in there.mailboxes), None)
    if found is None:
        raise ValueError(f"there is no mailbox {mailbox[:100]!r} in its tenant: create it first, or correct the name")
    return Place(scope, tenant_id, found)


def _check_domain(domain: str, scope: str) -> None:
    if scope == "mailbox":
        raise ValueError("a whole domain is suppressed for a tenant or for all, not for one mailbox")
    if "." not in domain:  # an entry for a top-level domain would not cover the domains below it
        raise ValueError(f"{domain!r} is not a domain of one owner: write *@example.com to suppress all of a domain")


def _tenant_named(name: str, tenants: Mapping[str, str]) -> str:
    """The id of the tenant of that name; raises ValueError."""
    if name not in tenants:
        raise ValueError(f"there is no tenant {name[:100]!r}: create it first, or correct the name")
    return tenants[name]


def time_of(text: str) -> int:
    """The milliseconds of an RFC 3339 time or a date; raises ValueError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a time: {text[:40]!r}; write it as 2026-01-02 or 2026-01-02T15:04:05Z") from None
    return milliseconds(found if found.tzinfo else found.replace(tzinfo=UTC))
