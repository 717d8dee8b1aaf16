"""The data directory: one running installation per directory, its identity, and its secret key.

A lock that ends with its process prevents a second start on the same directory. If the store of
an existing installation is gone or empty, it is not silently replaced by a new one.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from config.settings import Settings
from relay.store.engine import Database, StoreUnusable
from relay.store.meta import recalled
from relay.store.migrate import is_empty
from relay.store.vault import Vault, read_or_make


class AlreadyRunning(Exception):
    """Another process is serving from this data directory."""


class Instance:
    """One installation on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock_descriptor = -1  # -1 while not locked

    @property
    def id(self) -> str:
        """The installation's id, made once and kept in the data directory."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _kept(self.folder / "instance", lambda: secrets.token_hex(8))

    def files(self, database: Path | None) -> list[Path]:
        """The existing files that a server of this directory uses, including its SQLite files."""
        own = [self.folder / name for name in ("lock", "instance", "store", "tide", "secret.key", "admin.key")]
        store = [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm", ".turn")] if database else []
        return [file for file in (*own, *store) if file.exists()]

    @contextlib.contextmanager
    def for_owner(self, database: Path | None) -> Iterator[None]:
        """Give files that root creates meanwhile to the directory's owner (the server's user), for it alone to read.

        Ownership is changed afterwards; creating them as that user could fail, as it may lack access to the path:
        /var/lib/private belongs to root (systemd's DynamicUser), and so do the keys named in a configuration.
        """
        before, mask = self._there(database), os.umask(0o077)
        try:
            yield
        finally:
            os.umask(mask)
            if os.geteuid() == 0:
                for made in self._there(database) - before:
                    owner = self.folder.stat()
                    with contextlib.suppress(FileNotFoundError):  # SQLite's log disappears with its last user
                        os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _there(self, database: Path | None) -> set[Path]:
        folders = [database.parent] if database else []
        return {*self.files(database), *(folder for folder in folders if folder.exists())}

    def lock(self, patience: float = 0.0) -> None:
        """Become the only server of this directory, until the process ends or `unlock`; raises AlreadyRunning.

        `patience` is how many seconds to wait for a command that is just preparing the store.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        while not _locked(handle):
            if time.monotonic() >= deadline:
                os.close(handle)
                raise AlreadyRunning(f"another gatepost is serving from {self.folder}; stop it first")
            time.sleep(0.05)
        self.lock_descriptor = handle

    def unlock(self) -> None:
        """Release the lock."""
        os.close(self.lock_descriptor)
        self.lock_descriptor = -1

    def vault(self, settings: Settings) -> Vault:
        """The keys of the installation, from the configured secret or the data directory."""
        configured = settings.server.secret_key
        if configured is not None:
            words = configured.reveal().strip()
            return Vault(bytes.fromhex(words) if _is_hex(words) else words.encode())
        return read_or_make(self.folder / "secret.key")

    def admin_key(self, settings: Settings) -> str:
        """The operator's key: the configured one, or one made at first start, readable by its owner alone."""
        if settings.http.admin_key is not None:
            return settings.http.admin_key.reveal()
        return _kept(self.folder / "admin.key", lambda: f"gp_admin_{secrets.token_urlsafe(32)}")

    def check_not_lost(self, database: Database) -> None:
        """Raise StoreUnusable if this installation had a store, and now there is none or an empty one (faults R7).

        If no earlier store is on record, an empty store is fine, and any noted tide is dropped.
        """
        file = database.file
        missing = file is not None and not file.exists()
        if not missing and not (self.tide and is_empty(database)):
            return
        marker = self.folder / ("tide" if file is None else "store")
        if marker.exists() and (self.tide or marker.read_text().strip() == str(file)):
            what = f"{file or database.url.render_as_string()} is {'gone' if missing else 'empty'}"
            ways = "restore it from a backup" + ("" if file else ", fill it with gatepost db import")
            raise StoreUnusable(f"{what}: {ways}, or delete {marker} to start with an empty store")
        (self.folder / "tide").unlink(missing_ok=True)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)

    @property
    def tide(self) -> int:
        """The highest tide of the store that this machine has noted, 0 if none (`relay.store.restored`)."""
        try:
            return int((self.folder / "tide").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def note_tide(self, tide: int) -> None:
        """Note the store's tide, atomically."""
        beside = self.folder / "tide.new"
        beside.write_text(f"{tide}\n")
        beside.replace(self.folder / "tide")

    def remember_store(self, database: Database) -> None:
        """Note that this installation now has a store."""
        if database.file is not None:
            (self.folder / "store").write_text(f"{database.file}\n")


def recognise(connection: Connection, vault: Vault) -> None:
    """Raise StoreUnusable if the store was made under another secret key.

    With another key nothing could be opened, and what it signs could not be verified.
    """
    if recalled(connection, "secret_key") not in ("", vault.fingerprint):
        raise StoreUnusable(
            "the store was made with another secret key; copy the first machine's secret.key or set server.secret_key"
        )


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_hex(words: str) -> bool:
    return len(words) >= 64 and len(words) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in words)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The content of a file; if it is missing, or was left empty by a crash, the first caller creates it.

    The file is accessible to its owner alone, and is never read half written.
    """
    with contextlib.suppress(FileNotFoundError):
        if words := path.read_text().strip():
            return words
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:  # noqa: PTH123 - by its descriptor
        fcntl.flock(file, fcntl.LOCK_EX)
        if words := file.read().strip():
            return words
        os.fchmod(file.fileno(), 0o600)
        words = make()
        file.write(f"{words}\n")
        file.flush()
        os.fsync(file.fileno())
        return words
