"""The configuration file: what would keep the server from starting, and what has no effect."""

from collections.abc import Iterator

from config.errors import ConfigError
from config.loader import load
from relay.app.checks import CHECKS
from relay.cli.checkup.finding import Finding, fail, warn
from relay.cli.installation import Installation
from relay.store.credentials import revoked_of_files


def configuration(here: Installation) -> Iterator[Finding]:
    """What `gatepost config check` reports about the file."""
    try:
        warnings = load(here.path, need_secrets=False, more=CHECKS).warnings
    except ConfigError as error:
        for problem in error.problems:
            yield fail("config", str(problem), "The server does not start.")
        return
    for problem in warnings:
        yield warn("config", str(problem), "")


def revoked(here: Installation) -> Iterator[Finding]:
    """Credentials that the file still declares although somebody revoked them."""
    with here.reading() as connection:
        names = revoked_of_files(connection)
    for mailbox in here.settings.mailboxes:
        for name in (one.username for one in mailbox.credentials if one.username in names):
            why = "It stays revoked whatever the file says; its logins get 525."
            yield warn(mailbox.name, f"the credential {name} was revoked", why, "Choose another username.")
