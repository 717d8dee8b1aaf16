"""`gatepost db`: the schema revision of the store. `serve` upgrades by itself; this is for upgrading separately."""

from typing import TYPE_CHECKING

from relay.cli.errors import EXIT_REFUSED
from relay.cli.options import AsJson, ConfigFile, group

if TYPE_CHECKING:
    from config.settings import Settings

app = group("Upgrade the store, or show its revision.")


@app.command()
def upgrade(config: ConfigFile = None) -> None:
    """Upgrade the store to this program's revision. What the file declares is applied, too."""
    from relay.app.instance import Instance
    from relay.app.setup import prepare_alone
    from relay.cli.output import say
    from relay.cli.values import settings_of
    from relay.store.migrate import HEAD

    _, settings = settings_of(config)
    if _revision(settings) != HEAD:  # nothing is upgraded while a server is running
        prepare_alone(settings, Instance(settings.server.data_dir))
    say(f"The store is at revision {HEAD}.")


@app.command()
def restored(config: ConfigFile = None) -> None:
    """Mark the store as restored from a backup. What it would send now waits for a person."""
    from relay.app.instance import Instance
    from relay.app.setup import prepare_alone
    from relay.cli.output import say
    from relay.cli.values import settings_of

    _, settings = settings_of(config)
    prepare_alone(settings, Instance(settings.server.data_dir), restored=True)
    say("Mail that was due now waits: see `gatepost queue list`, then `queue retry`, `cancel` or `flush`.")


@app.command()
def current(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Print the store's revision; exit 1 if it is not this program's."""
    from relay.cli.output import print_json, say
    from relay.cli.values import settings_of
    from relay.store.migrate import HEAD

    _, settings = settings_of(config)
    revision = _revision(settings)
    if as_json:
        print_json({"revision": revision or None, "head": HEAD, "upToDate": revision == HEAD})
    else:
        say(f"{revision or 'none'} ({'up to date' if revision == HEAD else f'this program needs {HEAD}'})")
    return 0 if revision == HEAD else EXIT_REFUSED


def _revision(settings: "Settings") -> str:
    """The store's revision, "" if there is none yet; asking creates nothing."""
    from relay.store.engine import Database
    from relay.store.migrate import current as revision_of

    database = Database(settings.storage.dsn)
    try:
        absent = database.file is not None and not database.file.exists()
        with database.usable():
            return "" if absent else revision_of(database)
    finally:
        database.close_now()
