"""`gatepost credential`: the secrets by which mailboxes authenticate. A secret is shown once, ready to paste."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import Refused
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, InTenant, OnlyTenant, group
from relay.cli.output import Column, ago, listing, note, say
from relay.cli.values import one_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from relay.cli.installation import Installation
    from relay.store.credentials import Generated

app = group("Create and revoke the credentials of mailboxes.")

FORMATS = ("env", "json", "smtplib", "django", "nodemailer")
Mailbox = Annotated[str, typer.Argument(metavar="MAILBOX", help="Name, address or id of the mailbox")]
Credential = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Id, user name, or label")]
Format = Annotated[str, typer.Option("--format", "-f", help=f"What to print: {', '.join(FORMATS)}")]


@app.command("list")
def list_(
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="Only those of this mailbox")] = "",
    tenant: OnlyTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List credentials; secrets are not kept and cannot be shown."""
    from relay.cli.rows import find_mailbox, find_tenant
    from relay.store.credentials import listed, tenant_behind

    with opened(config) as here, here.reading() as connection:
        own = find_mailbox(connection, mailbox, tenant).id if mailbox else ""
        of = find_tenant(connection, tenant)
        rows = [shown(row) for row in listed(connection, own) if of in ("", tenant_behind(row))]
    columns = (
        Column("Credential", "id"),
        Column("Label", lambda row: row["label"] or row["username"], "bold"),
        Column("Mailbox", "mailbox"),
        Column("Kind", "kind"),
        Column("Permissions", lambda row: ", ".join(row["permissions"])),
        Column("Status", "status"),
        Column("Created", lambda row: ago(row["createdAt"], here.now())),
    )
    empty = "No credentials yet. Create one: gatepost credential create MAILBOX"
    listing(rows, columns, as_json=as_json, empty=empty)


@app.command()
def create(
    mailbox: Mailbox,
    form: Format = "env",
    label: Annotated[str, typer.Option(help="What it is for")] = "",
    manage: Annotated[bool, typer.Option("--manage", help="May report outcomes and replies; not for agents")] = False,
    tenant: InTenant = "",
    config: ConfigFile = None,
) -> None:
    """Create a credential and print it once, ready to paste. It has the TLS setting of the listener."""
    from relay.cli.rows import find_mailbox
    from relay.store.credentials import OF_AN_AGENT, generate, issue

    one_of(form, FORMATS, "--format")
    with opened(config) as here:
        with here.writing() as connection:
            row = find_mailbox(connection, mailbox, tenant)
            may = (*OF_AN_AGENT, "manage") if manage else OF_AN_AGENT
            made = generate(here.vault, os.urandom)
            issue(connection, made.of_mailbox(row, label, may), by=here.operator, now=here.now())
        _print(here, form, row.name, row.address, made)


@app.command()
def rotate(
    credential: Credential,
    form: Format = "env",
    config: ConfigFile = None,
) -> None:
    """Create a new secret with the same rights. The old one is revoked at once."""
    from relay.store.credentials import generate, issue, tenant_behind
    from relay.store.credentials import revoke as end
    from relay.store.engine import loads

    one_of(form, FORMATS, "--format")
    with opened(config) as here:
        with here.writing() as connection:
            row = _find(connection, credential)
            if row.kind == "chosen":
                raise Refused(f"the password of {credential} is set in {here.path}: change it there")
            if row.status == "revoked":
                again = f"gatepost credential create {row.mailbox_name or 'MAILBOX'}"
                raise Refused(f"{row.id} is revoked for good; create a new one: {again}")
            made = generate(here.vault, os.urandom)
            may = tuple(loads(row.permissions))
            new = made.credential(tenant_behind(row), row.mailbox_id, row.scope, row.label, may)
            issue(connection, new, by=here.operator, now=here.now())
            end(connection, row.id, by=here.operator, now=here.now())
        _print(here, form, row.mailbox_name or row.scope, row.scope, made)


@app.command()
def revoke(credential: Credential, config: ConfigFile = None) -> None:
    """Revoke for good. Open connections lose their login with the next message."""
    from relay.store.credentials import revoke as end

    with opened(config) as here, here.writing() as connection:
        row = _find(connection, credential)
        if row.status == "revoked":
            raise Refused(f"{row.id} is already revoked")
        end(connection, row.id, by=here.operator, now=here.now())
    say(f"{row.id} is revoked.")


def shown(row: Any) -> dict[str, Any]:
    """A credential in display form."""
    from policy.moment import precise
    from relay.store.credentials import scope_told
    from relay.store.engine import loads

    return {
        "id": row.id,
        "label": row.label,
        "username": row.username or "",
        "mailbox": row.mailbox_name or "",
        "scope": scope_told(row.scope),
        "kind": row.kind,
        "permissions": loads(row.permissions),
        "status": row.status,
        "keyPrefix": row.prefix,
        "managed": row.managed,
        "createdAt": precise(row.created_at),
        "revokedAt": precise(row.revoked_at),
    }


def _find(connection: "Connection", reference: str) -> Any:
    from relay.store.credentials import listed
    from relay.store.errors import Unknown

    named = [row for row in listed(connection) if reference in (row.id, row.username, row.label, row.prefix)]
    alive = [row for row in named if row.status == "active"] or named
    if not alive:
        raise Unknown("credential", reference)
    if len(alive) > 1:
        raise Refused(f"{reference} matches {len(alive)} credentials; use an id: {', '.join(r.id for r in alive)}")
    return alive[0]


def _print(here: "Installation", form: str, username: str, address: str, made: "Generated") -> None:
    import sys

    from relay.submission.snippets import Login, entrance, snippet

    login = Login(*entrance(here.settings), username, made.key, address)
    say(snippet(form, login, made.id))
    if sys.stdout.isatty():
        note(f"# {made.id}: copy the password now, it is not shown again.")
