"""`gatepost tenant`: the tenants of the installation, and the switch that stops one of them."""

from typing import Annotated, Any

import typer

from relay.cli.opening import opened
from relay.cli.options import AsJson, Cause, ConfigFile, group
from relay.cli.output import Column, listing, print_json, say
from relay.cli.values import plain_name

app = group("Manage tenants, and stop all mail of one (the kill switch).")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name or id")]


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List tenants."""
    from relay.cli.rows import every
    from relay.store.listings import counted

    with opened(config) as here, here.reading() as connection:
        found = sorted(every(connection, "tenants", {}), key=lambda row: str(row.name))
        rows = [_shown(row) | {"mailboxes": counted(connection, "mailboxes", {"tenant_id": row.id})} for row in found]
    columns = (
        Column("Tenant", "name", "bold"),
        Column("Status", "status"),
        Column("Cause", "cause"),
        Column("Mailboxes", "mailboxes", right=True),
        Column("Limits", lambda row: ", ".join(f"{most:,} {window}" for window, most in row["rateLimits"].items())),
        Column("Declared in", lambda row: "file" if row["managed"] else ""),
    )
    listing(rows, columns, as_json=as_json)


@app.command()
def add(
    name: Name,
    hourly: Annotated[int | None, typer.Option(min=0, help="Recipients an hour, all mailboxes together")] = None,
    daily: Annotated[int | None, typer.Option(min=0, help="Recipients a day")] = None,
    monthly: Annotated[int | None, typer.Option(min=0, help="Recipients a month")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a tenant."""
    from policy.state import Limits
    from relay.store.accounts import add_tenant
    from relay.store.accounts import tenant as find

    plain = plain_name(name)
    with opened(config) as here:
        with here.writing() as connection:
            add_tenant(
                connection,
                tenant_id=here.new_id("ten"),
                name=plain,
                limits=Limits(hourly, daily, monthly),
                now=here.now(),
            )
        with here.reading() as connection:
            row = find(connection, plain)
    if as_json:
        print_json(_shown(row))
    else:
        say(f"Tenant {plain} added ({row.id}).")


@app.command()
def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="Its new name")],
    config: ConfigFile = None,
) -> None:
    """Rename a tenant while the server is stopped. Change the name in the file before the next start."""
    from relay.store.accounts import rename_tenant

    plain = plain_name(new_name)
    with opened(config) as here:
        here.instance.lock()  # a running server knows the tenant by its name in the file
        with here.writing() as connection:
            rename_tenant(connection, name, plain)
    say(f"The tenant is now called {plain}. If the file declares it, rename it there before you start the server.")


@app.command()
def pause(name: Name, cause: Cause = "paused by the operator", config: ConfigFile = None) -> None:
    """Stop everything the tenant sends, at once. Queued mail stays queued."""
    _set(name, "paused", cause, config)


@app.command()
def resume(name: Name, config: ConfigFile = None) -> None:
    """Let a paused tenant send again."""
    _set(name, "active", "", config)


def _set(name: str, status: str, cause: str, config: Any) -> None:
    from relay.store.accounts import set_tenant_status
    from relay.store.accounts import tenant as find
    from relay.store.declaring import check_is_in_use

    with opened(config) as here, here.writing() as connection:
        row = find(connection, name)
        check_is_in_use("tenant", row)
        changed = set_tenant_status(connection, row.id, status=status, cause=cause, by=here.operator, now=here.now())
    say(f"Tenant {row.name} is {status}{'' if changed else ' already'}.")


def _shown(row: Any) -> dict[str, Any]:
    from policy.moment import precise
    from relay.store.engine import loads

    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "cause": row.cause,
        "rateLimits": loads(row.limits),
        "managed": row.managed,
        "createdAt": precise(row.created_at),
    }
