"""`gatepost provider`: who delivers the mail, whether they can be reached, and the switch that pauses one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.errors import EXIT_REFUSED, Refused
from relay.cli.opening import opened
from relay.cli.options import AsJson, Cause, ConfigFile, group
from relay.cli.output import Column, listing, say
from relay.cli.values import settings_of

if TYPE_CHECKING:
    from config.providers import ProviderSettings
    from config.settings import Settings

app = group("List, test and pause the providers that deliver mail.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The provider's name in the configuration")]


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List providers in the order of the file."""
    from relay.store.providers import by_name

    with opened(config) as here, here.reading() as connection:
        rows = by_name(connection)
        shown = [_shown(provider, rows.get(provider.name)) for provider in here.settings.providers]
    columns = (
        Column("Provider", "name", "bold"),
        Column("Kind", "provider"),
        Column("Status", "status"),
        Column("Why", "cause"),
        Column("Weight", lambda row: "failover" if row["failover"] else row["weight"], right=True),
        Column("Host", lambda row: f"{row['host']}:{row['port']}" if row["host"] else ""),
        Column("TLS", "tls"),
    )
    empty = "No providers yet: accepted mail waits in the queue. Add one under delivery_config.providers."
    listing(shown, columns, as_json=as_json, empty=empty)


@app.command("test")
def try_out(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Only this one")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Log in as for a delivery, and say how far it got. Nothing is sent."""
    from relay.cli.probe import probe_all

    _, settings = settings_of(config)
    chosen = [_find(settings, name)] if name else list(settings.providers)
    found = probe_all(chosen, settings.server.hostname)
    columns = (
        Column("Provider", "name", "bold"),
        Column("Result", "status"),
        Column("Host", "host"),
        Column("TLS", "tls"),
        Column("What happened", "detail"),
        Column("Announces", lambda row: " ".join(row["features"])),
        Column("ms", "milliseconds", right=True),
    )
    listing(found, columns, as_json=as_json, empty="No providers yet. Add one under delivery_config.providers.")
    return 0 if all(f["status"] == "ok" for f in found) else EXIT_REFUSED


@app.command()
def pause(
    name: Name,
    cause: Cause = "paused by the operator",
    config: ConfigFile = None,
) -> None:
    """Give it no more mail until it is resumed. Other providers take over."""
    _set(name, "paused", cause, config)


@app.command()
def resume(name: Name, config: ConfigFile = None) -> None:
    """Give it mail again."""
    _set(name, "active", "", config)


def _set(name: str, status: str, cause: str, config: Any) -> None:
    from relay.store.providers import set_provider_status

    with opened(config) as here:
        _find(here.settings, name)
        with here.writing() as connection:
            changed = set_provider_status(
                connection, name, status=status, cause=cause, by=here.operator, now=here.now()
            )
    say(f"Provider {name} is {status}{'' if changed else ' already'}.")


def _find(settings: "Settings", name: str) -> "ProviderSettings":
    found = next((p for p in settings.providers if p.name == name), None)
    if found is None:
        known = ", ".join(p.name for p in settings.providers) or "none"
        raise Refused(f"there is no provider {name}; known: {known}")
    return found


def _shown(provider: "ProviderSettings", row: Any) -> dict[str, Any]:
    paused = row is not None and row.status == "paused"
    status = "paused" if paused else provider.status
    return {
        "name": provider.name,
        "provider": provider.preset_name,
        "status": status,
        "cause": row.cause if paused else provider.lacks,
        "weight": provider.weight,
        "failover": provider.failover,
        "host": provider.host,
        "port": provider.port,
        "tls": provider.tls,
    }
