"""The options every command shares. Loads nothing but typer: `gatepost --help` has to be quick."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Configuration. Default: $GATEPOST_CONFIG, else gatepost.yaml"),
]
# A script hands the same file to every command; one that needs none takes it all the same.
UnneededConfigFile = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
InTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="The tenant. Default: whichever it is in")]
OfTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="The tenant")]
OnlyTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Only those of one tenant")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most this many")]
Cause = Annotated[str, typer.Option("--cause", metavar="TEXT", help="Why; refusals and the console show it")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for those who read it later")]


def path_of(given: Path | None) -> Path:
    """The configuration file: the option, else $GATEPOST_CONFIG, else gatepost.yaml here."""
    return given or Path(os.environ.get("GATEPOST_CONFIG") or "gatepost.yaml")


def group(about: str, **more: Any) -> typer.Typer:
    """A group of commands, as `gatepost mailbox`."""
    # Without rich's markup: its import alone would cost a third of the time --help may take.
    return typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None, add_completion=False, **more)
