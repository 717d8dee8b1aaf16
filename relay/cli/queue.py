"""`gatepost queue`: mail that was accepted and has not reached its end."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import Refused
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, Limit, Note, SendId, group
from relay.cli.output import Column, ahead, console, how_many, listing, note, print_json, say, table
from relay.cli.values import one_of, plain_domain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from relay.store.waiting import Which

app = group("See, retry or cancel mail waiting to be delivered.")

OfMailbox = Annotated[str, typer.Option("--mailbox", metavar="NAME", help="Only those of this mailbox")]
ToDomain = Annotated[str, typer.Option("--domain", metavar="DOMAIN", help="Only those to this recipient domain")]
_SOON = "due now, or as soon as a provider takes mail again"
STATES = ("queued", "deferred", "scheduled", "active", "uncertain")


@app.command("list")
def list_(
    mailbox: OfMailbox = "",
    domain: ToDomain = "",
    state: Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}")] = "",
    limit: Limit = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List open deliveries, those due first on top."""
    from relay.store import waiting

    if state:
        one_of(state, STATES, "--state")
    with opened(config) as here, here.reading() as connection:
        rows = [_shown(row) for row in waiting.listed(connection, _which(connection, mailbox, domain, state), limit)]
        counts = waiting.counts(connection)
    columns = (
        Column("Send", "sendId", "bold"),
        Column("State", "state"),
        Column("Mailbox", "mailbox"),
        Column("To", "recipient"),
        Column("Subject", "subject"),
        Column("Attempts", "attempts", right=True),
        Column("Next", lambda row: ahead(row["nextAttemptAt"], here.now())),
        Column("Last reply", _said),
    )
    listing(rows, columns, as_json=as_json, empty="The queue is empty.")
    if not as_json and rows:
        note(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
        if len(rows) == limit:
            note(f"Showing the first {how_many(limit, 'delivery', 'deliveries')}; --limit shows more.")


@app.command()
def show(send_id: SendId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the deliveries of one send and every attempt at them."""
    from relay.cli.timeline import told as whole

    with opened(config) as here, here.reading() as connection:
        told = whole(connection, send_id)
    if as_json:
        print_json({"sendId": told["sendId"], "recipients": told["recipients"], "attempts": told["attempts"]})
        return
    deliveries = (
        Column("Recipient", "recipient", "bold"),
        Column("State", "state"),
        Column("Attempts", "attempts", right=True),
        Column("Provider", "provider"),
        Column("Next", "nextAttemptAt"),
        Column("Last reply", _said),
    )
    attempts = (
        Column("Attempt", "number", right=True),
        Column("To", "recipient"),
        Column("Provider", "provider"),
        Column("Result", "result"),
        Column("At", "phase"),
        Column("Answer", lambda row: row["reply"]),
        Column("ms", "milliseconds", right=True),
    )
    console().print(table(told["recipients"], deliveries, f"{told['sendId']}  {told['subject']}"))
    if told["attempts"]:
        console().print(table(told["attempts"], attempts))


@app.command()
def retry(send_id: SendId, config: ConfigFile = None) -> None:
    """Try one send now instead of at its next time."""
    from relay.store.waiting import Which, try_now

    with opened(config) as here, here.writing() as connection:
        count = try_now(connection, Which(send_id=send_id), here.now())
    if not count:
        raise Refused(f"nothing of {send_id} is waiting for another attempt")
    say(f"{how_many(count, 'delivery', 'deliveries')} of {send_id}: {_SOON}.")


@app.command()
def cancel(send_id: SendId, note: Note = "", config: ConfigFile = None) -> None:
    """Cancel what has not left; what is being delivered is not recalled."""
    from relay.store.waiting import cancel as act

    with opened(config) as here, here.writing() as connection:
        count = act(connection, send_id, by=here.operator, note=note, now=here.now())
    if not count:
        raise Refused(f"nothing of {send_id} is waiting: it has left, or its delivery has ended")
    say(f"{send_id} is cancelled ({how_many(count, 'delivery', 'deliveries')}).")


@app.command()
def flush(mailbox: OfMailbox = "", domain: ToDomain = "", config: ConfigFile = None) -> None:
    """Try everything deferred now; scheduled mail keeps its time."""
    from relay.store.waiting import try_now

    with opened(config) as here, here.writing() as connection:
        count = try_now(connection, _which(connection, mailbox, domain, ""), here.now())
    say(f"{how_many(count, 'delivery', 'deliveries')}: {_SOON}.")


def _which(connection: "Connection", mailbox: str, domain: str, state: str) -> "Which":
    from relay.cli.rows import find_mailbox
    from relay.store.waiting import Which

    mailbox_id = find_mailbox(connection, mailbox).id if mailbox else ""
    return Which(mailbox_id=mailbox_id, domain=plain_domain(domain) if domain else "", state=state)


def _said(row: Any) -> str:
    """What it waits for if that is a person, else what was answered last."""
    from relay.store.restored import waits_for_a_person

    return "restored, waits for a person" if waits_for_a_person(row) else row["reply"] or row["reason"]


def _shown(row: Any) -> dict[str, Any]:
    from policy.moment import precise
    from relay.store.restored import next_attempt

    return {
        "sendId": row.send_id,
        "recipient": row.recipient,
        "state": row.state,
        "mailbox": row.mailbox or "",
        "subject": row.subject,
        "attempts": row.attempts,
        "provider": row.provider,
        "reason": row.reason,
        "reply": row.reply,
        "size": row.size,
        "queuedAt": precise(row.queued_at),
        "nextAttemptAt": next_attempt(row),
    }
