"""The options and arguments that commands share. Imports nothing but typer, since `gatepost --help` has to be quick."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Configuration. Default: $GATEPOST_CONFIG, else gatepost.yaml"),
]
# A script may pass the same file to every command, so commands that need none accept it as well.
UnneededConfigFile = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
InTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="The tenant. Default: the one it belongs to")]
OfTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="The tenant")]
OnlyTenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Only those of this tenant")]
SendId = Annotated[str, typer.Argument(metavar="SEND_ID")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show at most this many")]
Cause = Annotated[str, typer.Option("--cause", metavar="TEXT", help="Why; shown in refusals and in the console")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept on record")]


def path_of(given: Path | None) -> Path:
    """The configuration file: the option, else $GATEPOST_CONFIG, else gatepost.yaml in the current directory."""
    return given or Path(os.environ.get("GATEPOST_CONFIG") or "gatepost.yaml")


def group(about: str, **more: Any) -> typer.Typer:
    """A group of commands, such as `gatepost mailbox`."""
    # Without rich's markup: importing it would take a third of the time that --help may take.
    return typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None, add_completion=False, **more)
