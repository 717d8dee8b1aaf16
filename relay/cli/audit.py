"""`gatepost audit`: verifies that no decision was changed, exports the decisions, and lists what people changed."""

import sys
from typing import Annotated, Any

import typer

from relay.cli.errors import EXIT_REFUSED
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, Limit, group
from relay.cli.output import Column, ago, how_many, listing, note, print_json, print_line, say
from relay.cli.progress import Progress
from relay.cli.values import span

app = group("Verify the record of decisions, export it, list changes.")


@app.command()
def verify(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Verify every chain, and name the first record that fails. Approvals are compared with their records. Exit 1 if
    anything does not hold.
    """
    from relay.store import decisions, proof

    with (
        opened(config) as here,
        here.reading() as connection,
        Progress("Verifying", decisions.counted(connection)) as progress,
    ):
        found = proof.verify(connection, check_signature=here.vault.signed, progress=progress.reached)
    fault = found.fault
    if as_json:
        shown: dict[str, Any] = {
            name: getattr(found, name) for name in ("records", "chains", "checkpoints", "approvals", "unproven")
        }
        named = (
            {"chain": fault.chain, "position": fault.position, "sendId": fault.send_id, "what": fault.what}
            if fault
            else None
        )
        print_json(shown | {"holds": fault is None, "fault": named})
    elif fault is None:
        chains, marks = how_many(found.chains, "chain"), how_many(found.checkpoints, "signed checkpoint")
        asked = f"; {how_many(found.approvals, 'approval')} as recorded" if found.approvals else ""
        say(f"{how_many(found.records, 'record')} in {chains} hold, {marks} verified{asked}.")
        if found.unproven:
            say(f"Not proven: {how_many(found.unproven, 'approval')} decided before the oldest record kept.")
    else:
        record = f", record {fault.position}" if fault.position else ""
        place = f"chain {fault.chain}{record}" if fault.chain else "the checkpoints"
        note(f"{place}{f' ({fault.send_id})' if fault.send_id else ''}: {fault.what}")
    return EXIT_REFUSED if fault else 0


@app.command()
def export(
    since: Annotated[str, typer.Option(metavar="SPAN", help="Only the last 30d, 12h, …. Default: all")] = "",
    config: ConfigFile = None,
) -> None:
    """Export the decisions as recorded, as NDJSON. Addresses remain tokens."""
    from relay.store import decisions

    with opened(config) as here, here.reading() as connection:
        start = here.now() - span(since, "--since") if since else 0
        with Progress("Exporting", decisions.counted(connection, start)) as progress:
            for rows in decisions.pages(connection, start):
                for row in rows:
                    print_line(decisions.exported(row))
                progress.add(len(rows))
    sys.stdout.flush()


@app.command("acts")
def acts_(
    since: Annotated[str, typer.Option(metavar="SPAN", help="Only the last 30d, 12h, …. Default: all")] = "",
    limit: Limit = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List what people, keys and the file changed, newest first."""
    from relay.http import acts

    with opened(config) as here, here.reading() as connection:
        start = here.now() - span(since, "--since") if since else 0
        rows = acts.told(connection, limit, since=start)
    columns = (
        Column("What", "type", "bold"),
        Column("When", lambda row: ago(row["at"], here.now())),
        Column("Who", "by"),
        Column("Tenant", "tenant"),
        Column("Mailbox", "mailbox"),
        Column("Detail", lambda row: "; ".join(filter(None, (row["detail"], *row["changes"])))),
    )
    listing(rows, columns, as_json=as_json, empty="Nothing was changed yet.")
