"""`gatepost hold`: mail that waits for a person, and the decision that releases or ends it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import Refused
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, Limit, Note, OnlyTenant, SendId, group
from relay.cli.output import Column, ago, ahead, details, listing, print_json, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from relay.cli.installation import Installation
    from relay.store.sent import Sent

app = group("Approve or reject held mail.")

_APART = ("text", "header", "from", "recipients", "attachments", "ifApproved")  # of what is shown, told otherwise


@app.command("list")
def list_(
    mailbox: Annotated[str, typer.Option(metavar="NAME", help="Only those of this mailbox")] = "",
    tenant: OnlyTenant = "",
    limit: Limit = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List held mail, newest first."""
    with opened(config) as here, here.reading() as connection:
        rows = _waiting(connection, mailbox, tenant, limit)
    columns = (
        Column("Send", "sendId", "bold"),
        Column("Mailbox", "mailbox"),
        Column("To", lambda row: ", ".join(row["recipients"])),
        Column("Subject", "subject"),
        Column("Why", lambda row: row["detail"] or row["reason"]),
        Column("Waiting", lambda row: ago(row["requestedAt"], here.now())),
        Column("Expires", lambda row: ahead(row["expiresAt"], here.now())),
    )
    listing(rows, columns, as_json=as_json, empty="Nothing is waiting.")


@app.command()
def show(send_id: SendId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show a held message as its readers would see it. Also why it is held, where answers go, and who gets it."""
    with opened(config) as here, here.reading() as connection:
        shown = _whole(connection, send_id) | {"ifApproved": _foretold(here, connection, send_id)}
    if as_json:
        print_json(shown)
        return
    fields = [(name, value) for name, value in shown.items() if name not in _APART]
    header = [(name.lower(), value) for name, value in shown["header"].items()]
    recipients = ("recipients", ", ".join(shown["recipients"]))
    details([*fields, recipients, *header, *_if_approved(shown["ifApproved"])])
    say("")
    say(shown["text"])


@app.command()
def approve(send_id: SendId, note: Note = "", config: ConfigFile = None) -> None:
    """Approve it; the rules are checked again when it leaves."""
    from relay.http.forecast import in_words
    from relay.store.approvals import approve as act

    with opened(config) as here, here.writing() as connection:
        foretold = in_words(_foretold(here, connection, send_id))
        act(connection, send_id, by=here.operator, note=note, now=here.now())
    say(f"{send_id} is approved: {'; '.join(foretold)}.")


@app.command()
def reject(send_id: SendId, note: Note = "", config: ConfigFile = None) -> None:
    """Reject it for good; the sender is told."""
    from relay.store.approvals import reject as act

    with opened(config) as here, here.writing() as connection:
        act(connection, send_id, by=here.operator, note=note, now=here.now())
    say(f"{send_id} is rejected.")


def _foretold(here: "Installation", connection: "Connection", send_id: str) -> list[dict[str, Any]]:
    from relay.http.forecast import outlooks
    from relay.store import approvals
    from relay.store.senders import read_accounts
    from relay.submission.account import policy_of

    approval = approvals.one(connection, send_id)
    if approval is None or approval.status != "pending":
        return []
    (found,) = read_accounts(connection, [approval.mailbox_id])
    row, settings = (found[0] if found else None), here.settings
    policy = policy_of(settings, row, row.tenant_name) if row is not None else settings.policy()
    return outlooks(connection, approval, policy, here.now())


def _if_approved(outlooks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    from relay.http.forecast import in_words

    return [("if approved now", "; ".join(in_words(outlooks)))] if outlooks else []


def _waiting(connection: "Connection", mailbox: str, tenant: str, limit: int) -> list[dict[str, Any]]:
    from relay.cli.rows import find_mailbox, find_tenant
    from relay.store import approvals, sent

    tenant_id = find_tenant(connection, tenant)
    mailbox_id = find_mailbox(connection, mailbox, tenant).id if mailbox else ""
    page = approvals.listed(connection, "pending", tenant_id=tenant_id, mailbox_id=mailbox_id, after=None, limit=limit)
    sends = sent.by_id(connection, [row.send_id for row in page.rows])
    return [_told(row, sends[row.send_id]) for row in page.rows]


def _told(row: Any, send: "Sent") -> dict[str, Any]:
    from policy.moment import precise

    return {
        "sendId": row.send_id,
        "status": row.status,
        "mailbox": send.mailbox,
        "recipients": [d.recipient for d in send.deliveries if d.state == "held" or row.status != "pending"],
        "subject": send.row.subject,
        "reason": row.reason,
        "rule": send.row.rule,
        "detail": send.row.detail,
        "requestedAt": precise(row.requested_at),
        "expiresAt": precise(row.expires_at),
        "decidedAt": precise(row.decided_at),
        "decidedBy": row.decided_by,
        "note": row.note,
    }


def _whole(connection: "Connection", send_id: str) -> dict[str, Any]:
    from relay.mail import inspection
    from relay.mail.mime import view
    from relay.mail.text import content
    from relay.store import approvals, sent
    from relay.store.sends import body

    row, send = approvals.one(connection, send_id), sent.one(connection, send_id)
    if row is None or send is None:
        raise Refused(f"{send_id} was never held for approval")
    data = body(connection, send_id)
    seen = view(data) if data is not None else None
    read = content(seen) if seen is not None else None
    return _told(row, send) | {
        "from": send.row.from_address,
        "class": send.row.message_class,
        "header": inspection.header(seen.header) if seen is not None else {"From": send.row.from_address},
        "attachments": list(read.attachments) if read else [],
        "text": inspection.everything(read) if read else "(the message is no longer kept)",
    }
