"""`gatepost mailbox`: the sending identities of agents, and whether each may send now."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import BadUsage
from relay.cli.opening import opened
from relay.cli.options import AsJson, Cause, ConfigFile, InTenant, OfTenant, OnlyTenant, group
from relay.cli.output import Column, details, listing, print_json, say
from relay.cli.values import one_of, plain_address, plain_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from relay.cli.installation import Installation

app = group("Manage mailboxes, the sending identities of agents.")

Reference = Annotated[str, typer.Argument(metavar="MAILBOX", help="Name, address or id")]
AUTONOMY = ("human_approved", "first_contact", "auto_send")
ROLES = ("agent", "bulk")


@app.command("list")
def list_(tenant: OnlyTenant = "", config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List mailboxes."""
    from relay.cli.rows import every, find_tenant
    from relay.store.listings import tenant_names

    with opened(config) as here, here.reading() as connection:
        own = find_tenant(connection, tenant) or None
        names = tenant_names(connection)
        found = sorted(every(connection, "mailboxes", {"tenant_id": own}), key=lambda row: (row.name, row.created_at))
        rows = [_shown(row, names[row.tenant_id]) for row in found]
    columns = (
        Column("Mailbox", "name", "bold"),
        Column("Address", "fromAddress"),
        Column("Status", "status"),
        Column("Cause", "cause"),
        Column("Autonomy", "autonomyLevel"),
        Column("Role", "role"),
        Column("Policy", "policy"),
        Column("Tenant", "tenant"),
        Column("Declared in", lambda row: "file" if row["managed"] else ""),
    )
    empty = "No mailboxes yet. Create one: gatepost mailbox add NAME --address agent@yourcompany.com"
    listing(rows, columns, as_json=as_json, empty=empty)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    address: Annotated[str, typer.Option(help="The address it sends as")],
    from_name: Annotated[str, typer.Option(help="The name shown beside the address, and in the footer")] = "",
    autonomy: Annotated[str, typer.Option(help=f"One of {', '.join(AUTONOMY)}")] = "auto_send",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}")] = "agent",
    policy: Annotated[str, typer.Option(help="The policy it follows")] = "default",
    tenant: OfTenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a mailbox. Its credential comes from `gatepost credential create`."""
    from relay.store import accounts

    where = plain_address(address)
    with opened(config) as here:
        if not here.settings.has_policy(policy):
            raise BadUsage(f"there is no policy {policy} in {here.path}")
        with here.writing() as connection:
            owner = accounts.tenant(connection, tenant)
            new = accounts.NewMailbox(
                id=here.new_id("mbx"),
                tenant_id=owner.id,
                name=plain_name(name),
                address=where.wire,
                address_key=where.key,
                from_name=from_name,
                autonomy=one_of(autonomy, AUTONOMY, "--autonomy"),
                role=one_of(role, ROLES, "--role"),
                policy=policy,
            )
            accounts.add_mailbox(connection, new, by=here.operator, now=here.now())
            row = accounts.mailbox(connection, new.id)
            hint = _domain_hint(connection, where.domain)
    if as_json:
        print_json(_shown(row, owner.name))
        return
    say(f"Mailbox {new.name} added ({new.id}). Next: gatepost credential create {new.name}")
    if hint:
        say(hint)


@app.command()
def show(mailbox: Reference, tenant: InTenant = "", config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one mailbox: its state, limits and credentials."""
    from relay.cli.rows import find_mailbox

    with opened(config) as here, here.reading() as connection:
        row = find_mailbox(connection, mailbox, tenant)
        owner = _tenant_name(connection, row.tenant_id)
        shown = _shown(row, owner)
        shown["limits"] = _limits(here, connection, row, owner)
        shown["credentials"] = _credentials(connection, row.id)
    if as_json:
        print_json(shown)
        return
    plain = {"limits", "credentials", "allowedClasses", "tightened", "managed"}
    pairs: list[tuple[str, Any]] = [(name, value) for name, value in shown.items() if name not in plain]
    pairs.append(("allowedClasses", ", ".join(shown["allowedClasses"])))
    pairs += [(f"{w} limit", f"{x['current']:,} of {_most(x['limit'])} used") for w, x in shown["limits"].items()]
    for one in shown["credentials"]:
        named = one["label"] or one["username"]
        pairs.append(
            ("credential", f"{one['status']}: {named} ({one['id']})" if named else f"{one['status']}: {one['id']}")
        )
    details(pairs)


@app.command()
def pause(
    mailbox: Reference,
    cause: Cause = "paused by the operator",
    tenant: InTenant = "",
    config: ConfigFile = None,
) -> None:
    """Stop the mailbox at once; queued mail stays queued."""
    from relay.cli.rows import find_mailbox
    from relay.store.accounts import pause_mailbox
    from relay.store.declaring import check_is_in_use

    with opened(config) as here, here.writing() as connection:
        row = find_mailbox(connection, mailbox, tenant)
        check_is_in_use("mailbox", row)
        changed = pause_mailbox(connection, row.id, by=here.operator, cause=cause, now=here.now())
    say(f"Mailbox {row.name} is paused{'' if changed else ' already'}.")


@app.command()
def resume(mailbox: Reference, tenant: InTenant = "", config: ConfigFile = None) -> None:
    """Let a paused mailbox send again, whoever or whatever paused it."""
    from relay.cli.rows import find_mailbox
    from relay.store.accounts import resume_mailbox
    from relay.store.declaring import check_is_in_use
    from relay.submission.account import policy_of

    with opened(config) as here, here.writing() as connection:
        row = find_mailbox(connection, mailbox, tenant)
        check_is_in_use("mailbox", row)
        rule = policy_of(here.settings, row, _tenant_name(connection, row.tenant_id)).reputation
        changed = resume_mailbox(connection, row.id, rule=rule, by=here.operator, now=here.now())
    say(f"Mailbox {row.name} is active{'' if changed else ' already'}.")


def _shown(row: Any, tenant: str) -> dict[str, Any]:
    from policy.moment import precise
    from policy.usage import Usage
    from relay.store.engine import loads
    from relay.store.snapshot import mailbox_state

    binding = mailbox_state(row, Usage())
    return {
        "id": row.id,
        "name": row.name,
        "tenant": tenant,
        "fromAddress": row.address,
        "fromName": row.from_name,
        "status": row.status,
        "pausedBy": row.paused_by,
        "cause": row.cause,
        "autonomyLevel": binding.level,
        "role": row.role,
        "allowedClasses": list(binding.classes),
        "policy": row.policy,
        "tightened": loads(row.tightened),
        "managed": row.managed,
        "createdAt": precise(row.created_at),
    }


def _limits(here: "Installation", connection: "Connection", row: Any, tenant: str) -> dict[str, dict[str, Any]]:
    """The mailbox's limit for each window, and how much of it is used."""
    from relay.http.mailbox_shapes import effective
    from relay.store.guard import of_mailbox
    from relay.store.places import usage
    from relay.submission.account import policy_of

    sent = usage(connection, of_mailbox(row.id)).sent
    limits = effective(row, policy_of(here.settings, row, tenant))
    return {window: {"current": sent[window].busiest(here.now()), "limit": limits[window]} for window in limits}


def _credentials(connection: "Connection", mailbox_id: str) -> list[dict[str, Any]]:
    from relay.cli.credential import shown
    from relay.store.credentials import listed

    return [shown(row) for row in listed(connection, mailbox_id)]


def _tenant_name(connection: "Connection", tenant_id: str) -> str:
    from relay.store.accounts import tenant

    return str(tenant(connection, tenant_id).name)


def _most(limit: int | None) -> str:
    return "no limit" if limit is None else f"{limit:,}"


def _domain_hint(connection: "Connection", domain: str) -> str:
    """What is still missing before the mailbox can send its first message."""
    from relay.store.domains import nearest

    row = nearest(connection, domain)
    if row is None:
        return f"It cannot send until its domain is added and verified: gatepost domain add {domain}"
    proof = f"It cannot send until {row.name} is verified: gatepost domain show {row.name}"
    return "" if row.status == "verified" else proof
