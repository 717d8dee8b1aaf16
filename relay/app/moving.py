"""Moves an installation from a SQLite file into the PostgreSQL store that its configuration names by now.

Nothing is changed unless everything was copied: the new store stays empty, the file as it is. Whatever forbids it
raises StoreUnusable, or AlreadyRunning, before the first row is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from config.settings import Settings
from relay.app.instance import Instance, recognise
from relay.store.clock import time_of
from relay.store.engine import Database, StoreUnusable
from relay.store.migrate import HEAD, is_empty, revision, upgrade
from relay.store.nodes import is_served


@contextmanager
def stores(settings: Settings, instance: Instance, file: Path) -> Iterator[tuple[Connection, Connection]]:
    """The file, and the empty store to fill, which is committed at the end. No server of either runs meanwhile."""
    if not file.is_file():
        raise StoreUnusable(f"{file}: there is no such file")
    old, new = Database(f"sqlite+aiosqlite:///{file.absolute()}"), Database(settings.storage.dsn)
    if new.is_sqlite:
        raise StoreUnusable("storage.url is a SQLite file: set it to the PostgreSQL store that is to be filled")
    with instance.for_owner(file):
        instance.lock()
        try:
            with old.usable(), old.transaction() as source:
                _check_source(source, settings, instance, file)
                _make_ready(new)
                with new.transaction() as target:
                    yield source, target
        finally:
            instance.unlock()
            old.close_now()
            new.close_now()


def _check_source(source: Connection, settings: Settings, instance: Instance, file: Path) -> None:
    if (found := revision(source)) != HEAD:
        raise StoreUnusable(f"{file} is at revision {found or 'none'}, not {HEAD}: run gatepost db upgrade on it first")
    recognise(source, instance.vault(settings))
    if is_served(source, besides=instance.id, now=time_of(source)):
        raise StoreUnusable(f"{file} was in use a moment ago: stop its server, or wait half a minute if it was killed")


def _make_ready(new: Database) -> None:
    new.check_sessions()
    upgrade(new)
    if not is_empty(new):
        raise StoreUnusable(f"{new.url.render_as_string()} is in use already: name a database that is empty")
