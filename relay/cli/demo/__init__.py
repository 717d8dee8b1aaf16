"""`gatepost demo`: the whole product in one command, on a temporary store, without any network."""

from typing import Annotated

import typer

from relay.cli.options import UnneededConfigFile


def demo(
    once: Annotated[bool, typer.Option("--once", help="Check every outcome, then end with 0 or 1")] = False,
    _config: UnneededConfigFile = None,
) -> int:
    """Show the product at work, on this machine alone.

    Runs the relay with two providers on loopback and a scripted agent, and reports what becomes of each message.
    """
    from relay.cli.demo.show import show

    return show(once=once)
