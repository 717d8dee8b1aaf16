"""`gatepost feedback`: interprets a bounce, a complaint or a provider's payload. Nothing is recorded."""

from pathlib import Path
from typing import Annotated

import typer

from relay.cli.errors import BadUsage, Refused
from relay.cli.options import UnneededConfigFile, group
from relay.cli.output import print_json
from relay.cli.values import content_of

app = group("Read bounces, complaints and provider events.")


@app.callback()
def _group() -> None: ...


@app.command()
def parse(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A message or a payload; - is standard input")],
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="postmark, resend, ses, …. Default: worked out from the file")
    ] = "",
    _config: UnneededConfigFile = None,
) -> None:
    """Print the normalised events as JSON. Exit 1 if the file contains none."""
    from relay.feedback.parse import UnknownProviderError, parse_feedback

    try:
        events = parse_feedback(content_of(file), provider or None)
    except UnknownProviderError as error:
        raise BadUsage(str(error)) from None
    print_json([event.as_json() for event in events])
    if not events:
        raise Refused(f"{file} is not a bounce, a complaint or a provider's payload")
