"""`gatepost suppression`: who must not be written to, and why."""

from pathlib import Path
from typing import Annotated

import typer

from relay.cli.errors import EXIT_REFUSED, Refused
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, Limit, Note, OnlyTenant, group
from relay.cli.output import Column, ago, how_many, listing, note, print_json, say

app = group("Manage suppressions: who must not be written to.")

Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS", help="An address, or example.com or *@example.com for a domain and its subdomains"
    ),
]
OfScope = Annotated[str, typer.Option("--scope", help="One of global, tenant, mailbox")]
OfMailbox = Annotated[str, typer.Option("--mailbox", metavar="NAME", help="For one mailbox only")]
WhoseTenant = Annotated[
    str, typer.Option("--tenant", metavar="NAME", help="The tenant. Default: that of the mailbox, else default")
]


@app.command("list")
def list_(
    email: Annotated[str, typer.Option(metavar="ADDR", help="Only those of this address and its domain")] = "",
    reason: Annotated[str, typer.Option(help="Only those of this kind: bounce, complaint, domain, …")] = "",
    limit: Limit = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List suppressions, newest first. Whole domains come before addresses."""
    from relay.cli.suppressing import listed

    with opened(config) as here, here.reading() as connection:
        rows, more = listed(connection, email, reason, limit)
    columns = (
        Column("Address", "email", "bold"),
        Column("Reason", "reason"),
        Column("Scope", "scope"),
        Column("Tenant", "tenant"),
        Column("Note", "note"),
        Column("Source", "source"),
        Column("Since", lambda row: ago(row["createdAt"], here.now())),
        Column("Ends", lambda row: ago(row["expiresAt"], here.now())),
    )
    listing(
        rows,
        columns,
        as_json=as_json,
        empty="No suppressions. Hard bounces, complaints and unsubscribes are added automatically.",
    )
    if more and not as_json:
        note(f"Showing the newest {limit:,}; gatepost suppression export writes all of them.")


@app.command()
def add(
    address: Address,
    scope: OfScope = "tenant",
    mailbox: OfMailbox = "",
    reason: Annotated[str, typer.Option(help="bounce, complaint, unsubscribe, manual or legal")] = "manual",
    expires: Annotated[str, typer.Option(metavar="SPAN", help="Ends after 30d, 12h. Default: never")] = "",
    note: Note = "",
    tenant: WhoseTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Suppress an address, or a whole domain, from now on."""
    from relay.cli.suppressing import Wish, scoped, suppress

    wish = Wish(address, scoped(scope, mailbox, tenant), mailbox, reason, expires, note, tenant)
    with opened(config) as here, here.writing() as connection:
        shown = suppress(here, connection, wish)
    if as_json:
        print_json(shown)
    else:
        say(f"{shown['email']} is suppressed ({shown['reason']}, {shown['scope']}).")
        if not shown["created"]:
            noted = f": {shown['note']}" if shown["note"] else ""
            say(f"It already was, since {shown['createdAt'][:10]}{noted}. That entry stays; remove it to replace it.")


@app.command()
def remove(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An address, a domain, or the id of an entry")],
    tenant: OnlyTenant = "",
    config: ConfigFile = None,
) -> None:
    """Remove every entry of an address, or one entry by its id."""
    from relay.cli.suppressing import release

    with opened(config) as here, here.writing() as connection:
        count = release(here, connection, address, tenant)
    if not count:
        raise Refused(f"no suppression found for {address}")
    say(f"{address}: {how_many(count, 'entry', 'entries')} removed.")


@app.command()
def check(
    address: Address,
    mailbox: OfMailbox = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say whether an address or a whole domain is suppressed. Exit 1 if it is."""
    from relay.cli.suppressing import asked_about, binding

    where = asked_about(address)
    with opened(config) as here, here.reading() as connection:
        bound = binding(here, connection, where, mailbox)
    if as_json:
        print_json({"email": where.wire, "suppressed": bool(bound), "suppressions": bound})
    elif not bound:
        say(f"{where.wire} is not suppressed.")
    for entry in () if as_json else bound:
        whose = f" of {entry['tenant']}" if entry["tenant"] else ""
        under = f", as {entry['email']}" if entry["email"] != where.wire else ""
        since = entry["createdAt"][:10]
        say(f"{where.wire} is suppressed{under}: {entry['reason']}, {entry['scope']}{whose}, since {since}")
    return EXIT_REFUSED if bound else 0


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="email, reason, note, expires_at, …; - is stdin")],
    scope: OfScope = "tenant",
    mailbox: OfMailbox = "",
    tenant: WhoseTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Add many from CSV, as written by `export`. Only the column email is required; a bare list of addresses will do.
    The options apply to lines without a scope, tenant or mailbox of their own.
    """
    from relay.cli.spreadsheet import report, taken
    from relay.cli.suppressing import bounds, scoped, writer_of
    from relay.http.csvs import Sheet
    from relay.store.imports import SUPPRESSION_COLUMNS, Place, places, suppression_reader

    scope = scoped(scope, mailbox)
    with opened(config) as here:
        with here.reading() as connection:
            default = Place(scope, *bounds(connection, scope, tenant, mailbox))
            read = suppression_reader(places(connection), default, here.now)
        tally = taken(file, Sheet(SUPPRESSION_COLUMNS), read, writer_of(here))
    return report(tally, as_json=as_json)


@app.command()
def export(config: ConfigFile = None) -> None:
    """Write all suppressions as CSV, whole domains too. `import` accepts it unchanged."""
    from relay.cli.spreadsheet import given
    from relay.store import listings, suppression_list
    from relay.store.imports import SUPPRESSION_COLUMNS, suppression_cells

    with opened(config) as here, here.reading() as connection:
        tenants, mailboxes = listings.tenant_names(connection), listings.mailbox_names(connection)
        given(
            SUPPRESSION_COLUMNS,
            lambda after: suppression_list.export(connection, suppression_list.Sight(), after),
            lambda row: suppression_cells(row, tenants, mailboxes),
        )
