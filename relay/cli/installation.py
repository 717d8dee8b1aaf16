"""The store on which a command works: the same as a running server's, opened beside it.

A store that does not exist yet is created, so that `gatepost credential create` works right after `gatepost
init`. A store of an older or newer version is left alone and reported; an unusable one is reported with what to
do. If the secret key is not the store's, it is not used for anything. Writes wait their turn like the server's
own; the server notices them within a second.
"""

import getpass
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection

from config.settings import Settings
from relay.app.instance import AlreadyRunning, Instance, recognise
from relay.cli.errors import Refused
from relay.cli.values import settings_of
from relay.mail.ids import Ids
from relay.store.audit import standing
from relay.store.clock import StoreClock
from relay.store.engine import Database
from relay.store.migrate import HEAD, check_not_newer, current, is_empty
from relay.store.vault import Vault

PATIENCE = 15.0  # seconds to wait for a store that somebody else is creating


class Installation:
    """Settings, store and keys of one installation, as commands need them."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.instance = Instance(settings.server.data_dir)
        self.database = Database(settings.storage.dsn)
        self.now = StoreClock()
        self.new_id = Ids(self.now, os.urandom).new

    @cached_property
    def vault(self) -> Vault:
        """The keys of the installation, read when needed. Raises StoreUnusable if the store was made with others."""
        vault = self.instance.vault(self.settings)
        with self.reading() as connection:
            recognise(connection, vault)
        return vault

    @cached_property
    def operator(self) -> str:
        """Who gives the command, for the record: `cli:` and the user's name on this machine."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):  # a user in a container may have no name
            return "cli"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot of the store, for reading."""
        with standing(self.database) as connection:
            self.now.put_right(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction."""
        with self.database.transaction() as connection:
            self.now.put_right(connection)
            yield connection


@contextmanager
def opened(config: Path | None) -> Iterator[Installation]:
    """The installation's store, ready for use. Raises ConfigError, StoreUnusable, Refused."""
    with at(config) as here:
        ready(here)
        yield here


@contextmanager
def at(config: Path | None) -> Iterator[Installation]:
    """The installation, in whatever state its store is. Raises ConfigError, StoreUnusable."""
    path, settings = settings_of(config)
    here = Installation(path, settings)
    try:
        with here.database.usable():
            yield here
    finally:
        here.database.close_now()


def ready(here: Installation) -> None:
    """Make sure that the store can be used. Raises StoreUnusable, Refused, AlreadyRunning."""
    here.instance.check_not_lost(here.database)
    deadline = time.monotonic() + PATIENCE
    while not _is_made(here.database):
        from relay.app.setup import prepare_alone

        try:
            prepare_alone(here.settings, here.instance)
        except AlreadyRunning:  # a starting server, or another command, is creating it
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _is_made(database: Database) -> bool:
    """Whether the store exists, with everything the file declared when it was created. Raises
    StoreUnusable, Refused.
    """
    if database.file is not None and not database.file.exists():
        return False
    revision = current(database)
    check_not_newer(revision)
    if is_empty(database):  # whatever its revision: somebody may be creating it right now
        return False
    if revision != HEAD:
        raise Refused(f"the store is at revision {revision}, this program at {HEAD}: run gatepost db upgrade")
    return True
