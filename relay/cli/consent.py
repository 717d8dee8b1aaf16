"""`gatepost consent`: the ledger of who agreed to receive mail. It only grows; the newest entry counts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from relay.cli.errors import BadUsage
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, Limit, OfTenant, OnlyTenant, group
from relay.cli.output import Column, listing, say
from relay.cli.values import wanted_key

app = group("Keep the ledger of who agreed to receive mail.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS")]
Basis = Annotated[str, typer.Option(help="express, existing_business, existing_customer, inquiry, published_address")]
Source = Annotated[str, typer.Option(help="Where it was given: signup form, phone call, …")]
Jurisdiction = Annotated[str, typer.Option(help="The country, two letters, or EU, EEA, UK")]
Proof = Annotated[str, typer.Option(help="What proves it: a URL, the text agreed to")]


@app.command("list")
def list_(
    email: Annotated[str, typer.Option(metavar="ADDR", help="Only the entries of this address")] = "",
    tenant: OnlyTenant = "",
    limit: Limit = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the ledger, newest first."""
    from relay.cli.rows import every, find_tenant

    with opened(config) as here, here.reading() as connection:
        filters = {"tenant_id": find_tenant(connection, tenant) or None, "key": wanted_key(email) or None}
        found = every(connection, "consents", filters, limit)
        rows = [_shown(row) for row in found]
    columns = (
        Column("Address", "email", "bold"),
        Column("Consent", lambda row: "granted" if row["granted"] else "revoked"),
        Column("Basis", "basis"),
        Column("Jurisdiction", "jurisdiction"),
        Column("Source", "source"),
        Column("Proof", "proof"),
        Column("At", lambda row: row["at"][:10]),
    )
    listing(rows, columns, as_json=as_json, empty="No consent recorded yet. Record one: gatepost consent grant ADDRESS")


@app.command()
def grant(
    address: Address,
    basis: Basis = "express",
    source: Source = "",
    jurisdiction: Jurisdiction = "",
    proof: Proof = "",
    tenant: OfTenant = "default",
    config: ConfigFile = None,
) -> None:
    """Record that somebody agreed."""
    fields = {"basis": basis, "source": source, "jurisdiction": jurisdiction, "proof": proof}
    _write(address, tenant, config, granted=True, fields=fields)


@app.command()
def revoke(
    address: Address,
    source: Source = "",
    tenant: OfTenant = "default",
    config: ConfigFile = None,
) -> None:
    """Record that somebody withdrew consent."""
    _write(address, tenant, config, granted=False, fields={"source": source})


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="email, granted, basis, source, …; - is stdin")],
    tenant: OfTenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Add many from CSV; only the column email is required. The others: granted, basis, source, jurisdiction, proof,
    at, tenant.
    """
    from relay.cli.consenting import writer_of
    from relay.cli.spreadsheet import report, taken
    from relay.http.csvs import Sheet
    from relay.store import accounts, listings
    from relay.store.imports import CONSENT_COLUMNS, consent_reader

    with opened(config) as here:
        with here.reading() as connection:
            own = str(accounts.tenant(connection, tenant).id)
            tenants = listings.tenant_ids(connection)
        read = consent_reader(tenants, own, here.new_id, here.now)
        tally = taken(file, Sheet(CONSENT_COLUMNS, closed=True), read, writer_of(here))
    return report(tally, as_json=as_json)


def _write(address: str, tenant: str, config: Any, *, granted: bool, fields: dict[str, str]) -> None:
    from relay.cli.consenting import is_asked_for
    from relay.store import accounts, consents
    from relay.store.imports import consent_of

    with opened(config) as here, here.writing() as connection:
        owner = accounts.tenant(connection, tenant)
        asked = granted or is_asked_for(here, connection, owner)
        fields = fields | {"email": address, "source": fields["source"] or here.operator}
        try:
            made = consent_of(fields, granted=granted, tenant_id=str(owner.id), new_id=here.new_id, now=here.now())
        except ValueError as error:
            raise BadUsage(str(error)) from None
        consents.append(connection, [made])
    say(f"{made.address}: consent {'granted' if granted else 'revoked'}.")
    if not asked:
        say(
            f"No profile asks for consent here: this stops no mail. To stop it: gatepost suppression add {made.address}"
        )


def _shown(row: Any) -> dict[str, Any]:
    from policy.moment import precise

    return {
        "id": row.id,
        "email": row.address,
        "granted": bool(row.granted),
        "basis": row.basis,
        "source": row.source,
        "jurisdiction": row.jurisdiction,
        "proof": row.proof,
        "tenantId": row.tenant_id,
        "at": precise(row.at),
        "recordedAt": precise(row.recorded_at),
    }
