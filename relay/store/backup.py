"""Backs up a SQLite store beside the running server: a snapshot, whatever is written meanwhile.

The copy gets its name when it is complete; until then it is beside it, as `.part`. Its owner alone may read it. A
store is copied once at a time: two copies under one name would write into each other.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from relay.store.engine import StoreUnusable


def back_up(store: Path, file: Path, told: Callable[[int, int], None], *, pages: int = 1024) -> None:
    """Copy the store to `file`; `told` is called, now and then, with how many pages are copied, and of how many.

    Raises StoreUnusable, and OSError if the file cannot be made.
    """
    part = file.with_name(f"{file.name}.part")
    with _alone(store):
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        try:
            _copy(store, part, told, pages)
            part.replace(file)
        except sqlite3.Error as error:
            raise StoreUnusable(f"{store} cannot be copied to {file}: {error}") from error
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    # The folder is locked, for closing a descriptor of the file itself would release SQLite's locks on it.
    folder = os.open(store.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreUnusable(f"another backup of {store} is being made: wait until it is complete") from None
    finally:
        os.close(folder)


def _copy(store: Path, part: Path, told: Callable[[int, int], None], pages: int) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as source, closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")  # what fails is deleted, and a full disk would leave its journal
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_schema").fetchone()  # while this is read, no write begins the copy anew
        source.backup(copy, pages=pages, progress=lambda _, left, total: told(total - left, total))
