"""The providers: whether there is one, whether it can be reached, and whether it accepts our login."""

from collections.abc import Iterator

from config.settings import Settings
from relay.cli.checkup.finding import Finding, fail, info, ok, warn
from relay.cli.installation import Installation
from relay.store.providers import by_name


def providers(settings: Settings, *, with_network: bool) -> Iterator[Finding]:
    """Each provider of the configuration."""
    declared = settings.providers
    if not declared:
        yield fail("providers", "there is none", "Accepted mail waits in the queue.", "Add one under delivery_config.")
        return
    for provider in declared:
        if not provider.is_ready:
            yield warn(provider.name, f"it is unconfigured: {provider.lacks}", "It is skipped.")
    if with_network:
        yield from _probed(settings)
    if sum(p.is_ready for p in declared) == 1:
        yield info(
            "providers", "there is only one provider", "While it is down, mail waits; a second one would take over."
        )


def paused(here: Installation) -> Iterator[Finding]:
    """The paused ones."""
    with here.reading() as connection:
        rows = by_name(connection)
    for provider in here.settings.providers:
        row = rows.get(provider.name)
        if row is not None and row.status == "paused":
            yield warn(provider.name, "it is paused", row.cause, f"gatepost provider resume {provider.name}")


def _probed(settings: Settings) -> Iterator[Finding]:
    from relay.cli.probe import probe_all

    ready = [p for p in settings.providers if p.is_ready]
    for found in probe_all(ready, settings.server.hostname):
        if found["status"] == "ok":
            yield ok(found["name"], f"{found['host']}: {found['detail']} in {found['milliseconds']} ms")
        else:
            why = "Mail goes through the other providers, or waits."
            yield fail(
                found["name"], f"{found['host']}: {found['detail']}", why, f"gatepost provider test {found['name']}"
            )
    for provider in ready:
        if provider.tls == "none" and not provider.host.startswith(("127.", "::1", "localhost")):
            why = "Mail, and the password if there is one, cross the network unencrypted."
            yield warn(provider.name, "it is reached without TLS", why, "Set tls: starttls or implicit.")
