"""`gatepost db`: the store as a whole. `serve` upgrades it by itself; `upgrade` does so separately."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.errors import EXIT_REFUSED, Refused
from relay.cli.options import AsJson, ConfigFile, group
from relay.cli.output import how_many, print_json, say
from relay.cli.progress import Progress
from relay.cli.values import settings_of

if TYPE_CHECKING:
    from config.settings import Settings

app = group("Back up, move or upgrade the store.")


@app.command()
def upgrade(config: ConfigFile = None) -> None:
    """Upgrade the store to this program's revision. What the file declares is applied, too."""
    from relay.app.instance import Instance
    from relay.app.setup import prepare_alone
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

    _, settings = settings_of(config)
    prepare_alone(settings, Instance(settings.server.data_dir), restored=True)
    say("Mail that was due now waits: see `gatepost queue list`, then `queue retry`, `cancel` or `flush`.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE.db", help="a new file")],
    config: ConfigFile = None,
) -> None:
    """Copy a SQLite store as it is now, beside the running server."""
    from relay.store.backup import back_up

    _, settings = settings_of(config)
    store = settings.storage.path
    if store is None:
        raise Refused("the store is PostgreSQL: back it up with pg_dump")
    if not store.is_file():
        raise Refused(f"{store}: there is no such file")
    if file.exists():
        raise Refused(f"{file} exists already: name another file")
    with Progress("Copying", None) as progress:
        back_up(store, file, progress.reached)
    say(f"{file} is complete. Keep gatepost.yaml, its keys and the secret key with it: without them it is of no use.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.db", help="the SQLite file of the installation so far")],
    config: ConfigFile = None,
) -> None:
    """Move to PostgreSQL: fill the configured, empty store.

    The server has to be stopped.
    """
    from relay.app.instance import Instance
    from relay.app.moving import stores
    from relay.store.takeover import size, take_over

    _, settings = settings_of(config)
    with stores(settings, Instance(settings.server.data_dir), file) as (source, target):
        rows = size(source)
        with Progress("Copying", rows) as progress:
            take_over(source, target, progress.add)
    say(f"Copied {how_many(rows, 'row')}. Start the server; keep {file} as a backup, and serve from it no more.")


@app.command()
def current(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Print the store's revision; exit 1 if it is not this program's."""
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
