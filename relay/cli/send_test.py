"""`gatepost send-test`: sends one message through the running server by SMTP, as an agent would."""

from typing import Annotated

import typer

from relay.cli.errors import EXIT_REFUSED
from relay.cli.opening import opened
from relay.cli.options import AsJson, ConfigFile, InTenant
from relay.cli.output import print_json, say
from relay.cli.values import plain_address


def send_test(
    mailbox: Annotated[str, typer.Option(metavar="NAME", help="The mailbox to send as")],
    to: Annotated[str, typer.Option(metavar="ADDR", help="The recipient")],
    subject: Annotated[str, typer.Option(help="The subject")] = "A test from Gatepost",
    tenant: InTenant = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Send a test message through the running server."""
    from relay.cli.submitting import harmless, submit, temporary_login

    recipient = plain_address(to)
    with opened(config) as here, temporary_login(here, mailbox, tenant) as login:
        message = harmless(login, recipient.wire, subject)
        code, text = submit(here.settings, login, recipient.wire, message)
    if as_json:
        print_json({"code": code, "reply": text})
    else:
        say(f"{code} {text}")
    return 0 if code == 250 else EXIT_REFUSED
