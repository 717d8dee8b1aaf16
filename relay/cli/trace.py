"""`gatepost trace`: why a send was decided as it was, and everything that happened since."""

from typing import Annotated, Any

import typer

from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, SendId
from relay.cli.output import console, print_json, safe, style_of


def trace(
    send_id: SendId,
    checks: Annotated[bool, typer.Option("--checks", help="Show every rule, not only those that found something")] = (
        False
    ),
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show why a send was decided so, and what happened since."""
    from relay.cli.timeline import told

    with opened(config) as here, here.reading() as connection:
        whole = told(connection, send_id.strip())
    if as_json:
        print_json(whole)
    else:
        _print(whole, every_check=checks)


def _print(told: dict[str, Any], *, every_check: bool) -> None:
    from rich.text import Text

    from relay.cli.moments import checks, moments

    screen = console()
    head = Text.assemble((told["sendId"], "bold"), "  ", _word(told["status"]))
    screen.print(head, soft_wrap=True)
    screen.print(Text(safe(_between(told))), soft_wrap=True)
    if told["subject"]:
        screen.print(Text(safe(told["subject"]), "italic"), soft_wrap=True)
    screen.print()
    day = ""
    for moment in moments(told):
        if moment.day != day:
            day = moment.day
            screen.print(Text(f"{day} UTC", "dim"))
        label = Text.assemble((f"{moment.clock}  ", "dim"), (f"{moment.what:<11} ", moment.style), safe(moment.words))
        screen.print(label, soft_wrap=True)
        if moment.what in ("approved", "held", "blocked", "deferred") and moment.is_decision:
            for check in checks(told["decision"]["checks"] or (), every=every_check):
                screen.print(Text(f"{'':14}  {check}", "dim" if check.startswith("✓") else ""), soft_wrap=True)


def _between(told: dict[str, Any]) -> str:
    """Sender and recipients, as far as the client got before it was refused."""
    sender = f" <{told['from'] or told['mailFrom']}>" if told["from"] or told["mailFrom"] else ""
    to = told["to"] or ", ".join(r["recipient"] for r in told["recipients"])
    return f"{told['mailbox']}{sender}" + (f" → {to}" if to else "")


def _word(status: str) -> tuple[str, str]:
    return status, style_of(status)
