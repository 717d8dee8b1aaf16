"""`gatepost doctor`: what is wrong, what would be filed as spam and why, in plain words."""

from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.errors import EXIT_REFUSED, exit_code, words
from relay.cli.options import AsJson, ConfigFile
from relay.cli.output import console, how_many, print_json, safe, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.cli.checkup.finding import Finding
    from relay.cli.installation import Installation


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not contact DNS or providers")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say what is wrong, and what would land in spam.

    Examines the machine, ports, TLS, providers, DNS records and senders; exits with 1 if something does not work.
    """
    from dataclasses import asdict

    from relay.cli.installation import at

    with at(config) as here:
        found = list(_findings(here, with_network=not offline))
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        _print(found)
    return EXIT_REFUSED if any(finding.level == "fail" for finding in found) else 0


def _findings(here: "Installation", *, with_network: bool) -> "Iterator[Finding]":
    from relay.cli.checkup import certificates, configuration, deliverability, machine, providers

    # Findings from the store come last: the rest is examined even if the store cannot be used.
    yield from configuration.configuration(here)
    yield from machine.interpreter()
    yield from machine.data_dir(here.settings)
    yield from machine.listeners(here.settings)
    yield from certificates.certificates(here.settings)
    yield from providers.providers(here.settings, with_network=with_network)
    yield from deliverability.links(here.settings)
    yield from _in_the_store(here, with_network=with_network)


def _in_the_store(here: "Installation", *, with_network: bool) -> "Iterator[Finding]":
    from relay.cli.checkup import configuration, deliverability, machine, providers
    from relay.cli.checkup.finding import fail
    from relay.cli.installation import ready

    try:
        with here.database.usable():
            ready(here)
            yield from machine.store(here)
            yield from machine.sealed(here)
            yield from providers.paused(here)
            yield from configuration.revoked(here)
            yield from deliverability.domains(here, with_network=with_network)
            yield from deliverability.senders(here)
    except Exception as error:
        if exit_code(error) is None:  # an unexpected error
            raise
        yield fail("store", words(error), "Without it no server starts, and one that runs answers 451.")


def _print(found: "Sequence[Finding]") -> None:
    from rich.text import Text

    marks = {"ok": ("✓", "green"), "info": ("·", "dim"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
    screen = console()
    for finding in found:
        mark, style = marks[finding.level]
        screen.print(
            Text.assemble((f"{mark} ", style), (f"{finding.area}: ", "bold"), safe(finding.what)), soft_wrap=True
        )
        if finding.why:
            screen.print(Text(f"    {safe(finding.why)}"), soft_wrap=True)
        if finding.remedy:
            screen.print(Text(f"    → {safe(finding.remedy)}", "cyan"), soft_wrap=True)
    wrong, costly = (sum(f.level == level for f in found) for level in ("fail", "warn"))
    say("")
    say(f"{how_many(wrong, 'problem')} to fix, {how_many(costly, 'warning')}.")
