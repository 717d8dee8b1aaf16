"""`gatepost init`: writes a commented configuration that runs as it is, and the keys it refers to."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.errors import BadUsage
from relay.cli.options import UnneededConfigFile
from relay.cli.output import say


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it", show_default="here")] = Path(),
    domain: Annotated[str, typer.Option(help="The domain mail is sent from")] = "",
    address: Annotated[str, typer.Option(help="Postal address in the footer of commercial mail")] = "",
    _config: UnneededConfigFile = None,
) -> None:
    """Write a commented gatepost.yaml that runs, and its keys. Never overwrites."""
    import secrets

    from config.example import check_free, write
    from config.types import to_domain

    check_free(folder)  # before asking anything
    domain, address = _asked(domain, address)
    try:
        plain = to_domain(domain)
    except ValueError as error:
        raise BadUsage(f"the domain {error}") from None
    _explain(write(folder, lambda: secrets.token_hex(32), plain, address), plain, address)


def _asked(domain: str, address: str) -> tuple[str, str]:
    """Ask for what was not given, if there is a terminal."""
    if sys.stdin.isatty() and not domain:
        domain = typer.prompt("Domain mail is sent from", default="example.com")
    if sys.stdin.isatty() and not address:
        address = typer.prompt("Postal address for the footer of commercial mail", default="", show_default=False)
    return domain or "example.com", address


def _explain(path: Path, domain: str, address: str) -> None:
    given = "" if path.parent == Path() else f" -c {path}"
    say(f"Wrote {path}, {path.parent / 'keys/secret.key'} and {path.parent / 'keys/admin.key'}.")
    say("")
    say("Next:")
    commands = {
        "serve": "runs everything until Ctrl-C; use the others beside it",
        "credential create agent": f"a login for the mailbox agent@{domain}, ready to paste",
        f"domain show {domain}": "the DNS records that prove the domain and sign its mail",
        "doctor": "what is still missing",
    }
    widest = max(map(len, commands))
    for command, means in commands.items():
        say(f"  gatepost {command}{given}{'':{widest - len(command)}}   {means}")
    say("")
    say(f"The console: http://127.0.0.1:8025, with the content of {path.parent / 'keys/admin.key'}.")
    if not address:
        say("Commercial mail is refused until you set domains.physical_address in the file.")
