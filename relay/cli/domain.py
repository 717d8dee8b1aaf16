"""`gatepost domain`: the sending domains, and the DNS records they need."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import EXIT_REFUSED, BadUsage
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, OfTenant, group
from relay.cli.output import Column, ago, console, details, listing, print_json, safe, say
from relay.cli.values import one_of, plain_domain

if TYPE_CHECKING:
    from relay.cli.installation import Installation

app = group("Manage sending domains and their DNS records.")

Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="Name or id")]
METHODS = ("dns_txt", "cname")


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List domains."""
    from relay.cli.rows import every
    from relay.store.listings import tenant_names

    with opened(config) as here, here.reading() as connection:
        names = tenant_names(connection)
        found = sorted(every(connection, "domains", {}), key=lambda row: str(row.name))
        rows = [_shown(row) | {"tenant": names[row.tenant_id]} for row in found]
    columns = (
        Column("Domain", "domain", "bold"),
        Column("Status", "status"),
        Column("Proof", "verificationMethod"),
        Column("Postal address", "physicalAddress"),
        Column("Tenant", "tenant"),
        Column("DNS checked", lambda row: ago(row["checkedAt"], here.now())),
        Column("Declared in", lambda row: "file" if row["managed"] else ""),
    )
    empty = "No domains yet. Add one: gatepost domain add yourcompany.com"
    listing(rows, columns, as_json=as_json, empty=empty)


@app.command()
def add(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN")],
    method: Annotated[str, typer.Option(help=f"How it is verified: {' or '.join(METHODS)}")] = "dns_txt",
    address: Annotated[str, typer.Option(help="Postal address in the footer of commercial mail")] = "",
    tenant: OfTenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a domain, and print the DNS records to publish. Its DKIM keys are made."""
    import secrets

    from relay.store import accounts, domains
    from relay.store.keys import ensure_keys

    name = plain_domain(domain)
    if "." not in name:
        raise BadUsage(f"{name} is not a full domain; write it like {name}.com")
    one_of(method, METHODS, "--method")
    with opened(config) as here:
        now = here.now()
        with here.writing() as connection:
            new = domains.NewDomain(
                id=here.new_id("dom"),
                tenant_id=accounts.tenant(connection, tenant).id,
                name=name,
                verification=method,
                token=secrets.token_hex(16),
                physical_address=address,
            )
            domains.add_domain(connection, new, by=here.operator, now=now)
            ensure_keys(connection, name, new.selector, vault=here.vault, new_id=here.new_id, now=now)
        _print(here, name, as_json=as_json)


@app.command()
def show(domain: Domain, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show a domain and the DNS records it needs."""
    with opened(config) as here:
        _print(here, domain, as_json=as_json)


@app.command()
def verify(domain: Domain, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Check DNS now, and say what is wrong. The result is stored. Exit 1 if the domain is not verified."""
    from relay.cli.dns import asked
    from relay.store import domain_checks, domains
    from relay.store.keys import of_domain

    with opened(config) as here:
        with here.reading() as connection:
            row = domains.domain(connection, domain)
            keys = of_domain(connection, row.name)
        found = asked(here.settings, row, keys)
        with here.writing() as connection:
            records = [f.as_json() for f in found]
            status = domain_checks.checked(connection, row.id, records=records, now=here.now())
        _print(here, row.id, as_json=as_json)
    return 0 if status == "verified" else EXIT_REFUSED


@app.command()
def rotate(domain: Domain, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make new DKIM keys, and print the records to publish. The old keys sign until DNS has the new ones."""
    from relay.mail.dkim_key import generate_ed25519, generate_rsa
    from relay.store import domains, rotation

    with opened(config) as here:
        pairs = (generate_rsa(), generate_ed25519())
        with here.writing() as connection:
            row = domains.domain(connection, domain)
            brought = here.settings.brings_keys_of(row.name)
            rotation.rotate(
                connection,
                row,
                pairs,
                vault=here.vault,
                new_id=here.new_id,
                by=here.operator,
                now=here.now(),
                is_brought=brought,
            )
        _print(here, row.id, as_json=as_json)


def _print(here: "Installation", reference: str, *, as_json: bool) -> None:
    from relay.http.dns_records import last_seen
    from relay.store import domains
    from relay.store.keys import of_domain

    with here.reading() as connection:
        row = domains.domain(connection, reference)
        keys = of_domain(connection, row.name)
    records = [found.as_json() for found in last_seen(row, keys, here.settings)]
    if as_json:
        print_json(_shown(row) | {"dnsRecords": records})
        return
    details([(name, value) for name, value in _shown(row).items() if name != "managed"])
    say("")
    _records(records)
    if row.status == "pending":
        say("")
        say(f"Mail from it is refused until the ownership record is in DNS. Then: gatepost domain verify {row.name}")
    if any(record["key"] == "pending" for record in records):
        say("")
        say(
            f"New keys are waiting for DNS. A running server checks it; to check now: gatepost domain verify {row.name}"
        )


def _records(records: list[dict[str, Any]]) -> None:
    """Each record as it is to be published, with the complete value on a line of its own."""
    from rich.text import Text

    screen = console()
    styles = {"valid": "green", "missing": "yellow", "wrong": "red"}
    for record in records:
        head = Text.assemble(
            (f"{record['status']:8}", styles.get(record["status"], "dim")),
            (f"{record['purpose']:10}", "bold"),
            f"{record['type']:6}{safe(record['name'])}",
        )
        screen.print(head, soft_wrap=True)
        screen.print(Text(f"        {safe(record['value'])}"), soft_wrap=True)
        if record["problem"]:
            screen.print(Text(f"        {safe(record['problem'])}", "yellow"), soft_wrap=True)
        if record["advice"]:
            screen.print(Text(f"        {safe(record['advice'])}", "dim"), soft_wrap=True)


def _shown(row: Any) -> dict[str, Any]:
    from policy.moment import precise

    return {
        "id": row.id,
        "domain": row.name,
        "status": row.status,
        "verificationMethod": row.verification,
        "physicalAddress": row.physical_address,
        "managed": bool(row.managed),
        "createdAt": precise(row.created_at),
        "verifiedAt": precise(row.verified_at),
        "checkedAt": precise(row.checked_at),
    }
