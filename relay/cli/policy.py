"""`gatepost policy`: tries the cascade on a message without sending it, and a candidate policy on recorded traffic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import EXIT_REFUSED
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, InTenant, group
from relay.cli.output import Column, console, details, how_many, print_json, safe, say, table
from relay.cli.output import style_of as style
from relay.cli.values import content_of, plain_address, span

if TYPE_CHECKING:
    from policy.replay import Report, Tally

app = group("Try the policy on a message, or on recorded traffic.")


@app.command("test")
def try_out(
    message: Annotated[Path, typer.Argument(metavar="MESSAGE.eml", help="The message; - reads standard input")],
    mailbox: Annotated[str, typer.Option(metavar="NAME", help="The mailbox that would send it")],
    to: Annotated[list[str], typer.Option(metavar="ADDR", help="A recipient; may be given several times")],
    tenant: InTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Check a message against every rule, without sending it. Nothing is stored. Exit 1 if it would be refused."""
    from relay.cli.simulation import simulate

    recipients = tuple({a.wire: a for a in map(plain_address, to)}.values())
    data = content_of(message)
    with opened(config) as here:
        answer = simulate(here, mailbox, tenant, recipients, data)
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)
    return EXIT_REFUSED if answer["status"] == "blocked" else 0


@app.command()
def replay(
    candidate: Annotated[
        Path,
        typer.Option("--with", metavar="CANDIDATE.yaml", help="The changed configuration, or only what changes in it"),
    ],
    since: Annotated[str, typer.Option(metavar="SPAN", help="How far back: 30d, 12h")] = "30d",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what a changed configuration would have decided. Asked of recorded traffic, in both directions."""
    from relay.cli.replaying import replayed

    back = span(since, "--since")
    with opened(config) as here:
        found = replayed(here, candidate, here.now() - back)
    if as_json:
        print_json(_report_json(found, since))
    else:
        _print_report(found, since)


def _print_answer(answer: dict[str, Any]) -> None:
    from relay.cli.moments import checks

    waits = f"after {answer['retryAfter']} s" if answer["retry"] == "after" else answer["retry"]
    details(
        [
            ("decision", answer["decision"]),
            ("reason", answer["reason"]),
            ("detail", answer["detail"]),
            ("retry", waits),
            ("next", answer["next"] if answer["reason"] else ""),
            ("class", answer["messageClass"]),
            ("edits", ", ".join(answer["edits"])),
        ]
    )
    say("")
    screen = console()
    from rich.text import Text

    for check in answer["checks"]:
        line = next(iter(checks([check], every=True)))
        screen.print(
            Text(safe(line), style="dim" if check["status"] == "passed" else style(check["status"])), soft_wrap=True
        )


def _report_json(found: "Report", since: str) -> dict[str, Any]:
    from msgspec.structs import asdict

    return {
        "since": since,
        "decisions": found.decisions,
        "changed": found.changed,
        "notTried": found.untried,
        "byRule": {rule: asdict(tally) for rule, tally in found.by_rule.items()},
        "byMailbox": {mailbox: asdict(tally) for mailbox, tally in found.by_mailbox.items()},
        "examples": {
            rule: [
                {
                    "sendId": c.send_id,
                    "mailbox": c.mailbox,
                    "direction": c.direction,
                    "before": {"decision": c.before.decision, "rule": c.before.rule, "reason": c.before.reason},
                    "after": {"decision": c.after.decision, "rule": c.after.rule, "reason": c.after.reason},
                }
                for c in changes
            ]
            for rule, changes in found.examples.items()
        },
    }


def _print_report(found: "Report", since: str) -> None:
    if not found.decisions:
        say(f"No decisions were recorded in the last {since}.")
        return
    say(f"{how_many(found.decisions, 'decision')} from the last {since} replayed; {found.changed:,} would change.")
    if found.untried:
        say(f"Not tried, since nothing recorded tells what would come of it: {', '.join(found.untried)}.")
    if not found.changed:
        return
    for title, tallies in (("Rule", found.by_rule), ("Mailbox", found.by_mailbox)):
        rows = [_row(title, name, tally) for name, tally in _by_weight(tallies)]
        columns = (
            Column(title, title, "bold"),
            Column("Would stop", "stricter", right=True),
            Column("Would let through", "looser", right=True),
            Column("Other reason", "reason", right=True),
        )
        console().print(table(rows, columns))
    rows = [
        {
            "rule": rule,
            "send": c.send_id,
            "was": f"{c.before.decision} {c.before.reason}".strip(),
            "would": f"{c.after.decision} {c.after.reason}".strip(),
        }
        for rule, changes in found.examples.items()
        for c in changes[:3]
    ]
    examples = (
        Column("Rule", "rule", "bold"),
        Column("For example", "send"),
        Column("Was", "was"),
        Column("Would be", "would"),
    )
    console().print(table(rows, examples))


def _by_weight(tallies: "dict[str, Tally]") -> "list[tuple[str, Tally]]":
    return sorted(tallies.items(), key=lambda item: -(item[1].stricter + item[1].looser + item[1].reason))


def _row(title: str, name: str, tally: "Tally") -> dict[str, Any]:
    return {title: name, "stricter": tally.stricter, "looser": tally.looser, "reason": tally.reason}
