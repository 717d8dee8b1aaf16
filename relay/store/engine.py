"""Opens the store: SQLite for one machine, PostgreSQL for several.

SQLite's settings are read back after they are set, and a store that does not accept them is not
opened: without WAL and `synchronous=FULL` a 250 would not survive a power loss. Write transactions
begin with BEGIN IMMEDIATE, because a deferred one that starts to write fails at once with
SQLITE_BUSY_SNAPSHOT, whatever the busy timeout. PostgreSQL runs READ COMMITTED: rows are locked
first and then read, in the same order everywhere; SQLAlchemy omits FOR UPDATE on SQLite, which has
one writer at a time. A database not in UTF-8 is not opened; `synchronous_commit=off` and timeouts
set for the role have no effect.
"""

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from relay.store.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

BUSY = 10.0  # seconds that SQLite waits for a lock by default
# Page cache per connection: the writer touches every index, a reader a few rows. Writes by other workers empty the
# caches, and behind them is the system's own cache: doubling them was no faster.
WRITER_CACHE, READER_CACHE, LIST_CACHE = 8_192, 4_096, 2_048  # KiB


Unreachable = OperationalError  # raised to a reader if the store cannot be reached


class StoreUnusable(Exception):
    """The store cannot be opened safely; the message says what to do."""


_USELESS = {
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "is not a database: restore it from a backup",
    sqlite3.SQLITE_READONLY: "is read-only: check who owns it and its folder, and how the disk is mounted",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check who owns it and its folder, and how the disk is mounted",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk is failing",
    sqlite3.SQLITE_FULL: "cannot grow: free space on the disk, or raise its quota",
    sqlite3.SQLITE_BUSY: "is locked by another program: stop it, or wait until it has finished",
}
_NOT_WRITTEN = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def uselessness(error: DBAPIError, file: Path | None = None) -> str:
    """What is wrong with the store's file, and what to do; empty if the error has another cause."""
    return _USELESS.get(sqlite_code(error, file), "")


def sqlite_code(error: DBAPIError, file: Path | None) -> int:
    """SQLite's primary error code, 0 if none. A used-up quota, which SQLite reports as I/O error, counts as full."""
    code = int(getattr(error.orig, "sqlite_errorcode", 0) or 0)
    if code in _NOT_WRITTEN and file is not None and _is_full(file.parent):
        return sqlite3.SQLITE_FULL
    return code & 0xFF


def _is_full(folder: Path) -> bool:
    """Whether there is no room even for a megabyte: SQLite does not say why a write failed, so one is tried here."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(1 << 20))
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return False


def mark_of(file: Path | None) -> str:
    """The identity of the file at this path (device and inode), which another file would not have; empty if none."""
    try:
        found = file.stat() if file else None
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}" if found else ""


def dumps(value: Any) -> str:
    """JSON text for a column."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def is_storable(value: Any) -> bool:
    """Whether a client's value can be stored: no number beyond 64 bits, no lone surrogate, not nested too deeply."""
    try:
        kept = loads(dumps([[[[value]]]]))  # it is stored inside other values
    except TypeError:  # orjson's error
        return False
    return bool(kept == [[[[value]]]])  # what is not a number in JSON, such as 1e999, would be stored as null


def canonical(value: Any) -> str:
    """JSON text with sorted keys, so that the same value gives the same bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def loads(text: str) -> Any:
    """The value of a JSON column."""
    return orjson.loads(text)


class Database:
    """Where the state is stored: one way to write it, several to read it.

    `timeout`, in seconds, is how long to wait for a lock on SQLite, and for any statement on PostgreSQL,
    where None means no limit; after it the client gets 451. `pool_size` is how many PostgreSQL
    connections there are for reading, besides those of the reader and the writer.
    """

    def __init__(self, url: str, *, timeout: float | None = None, pool_size: int = 5) -> None:
        self._timeout = timeout
        self._pool_size = pool_size
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite and self.url.get_backend_name() != "postgresql":
            raise StoreUnusable(
                f"storage.url: {self.url.get_backend_name()} is not supported; use sqlite or postgresql"
            )
        self._line = f"{self.file}.turn" if self.file else ""  # lock file for processes that share the store's file
        self.writing: Engine = self._writing()
        self.asking: Engine = self._asking()

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None for PostgreSQL."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    def _writing(self) -> Engine:
        if self.is_sqlite:
            url = self.url.set(drivername="sqlite")
            # One connection, used only by the writer thread; commands open their own Database.
            engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=2, connect_args=_SQLITE_ARGS)
            _obey(engine, self.patience, WRITER_CACHE)
            event.listen(engine, "begin", _BEGIN_IMMEDIATE.once)
            return engine
        engine = create_engine(
            self.url.set(drivername="postgresql+psycopg"),
            pool_size=2,
            max_overflow=2,
            pool_pre_ping=False,
            isolation_level="READ COMMITTED",
            connect_args=self._postgresql_args,
        )
        self._tell(engine, _HURRY.format(int(self._timeout * 1000) // 2) if self._timeout else "")
        event.listen(engine, "connect", _check_encoding, insert=True)  # SQLAlchemy's first query fails in others
        return engine

    @property
    def patience(self) -> float:
        """Seconds to wait for others that write to the same file."""
        return BUSY if self._timeout is None else self._timeout

    @property
    def _postgresql_args(self) -> dict[str, Any]:
        return {name: value for name, value in _POSTGRESQL_ARGS.items() if name not in self.url.query}

    @property
    def postgresql(self) -> dict[str, Any]:
        """Arguments for opening a separate connection; unlike libpq's, our URL may name several hosts."""
        return {**self.asking.dialect.create_connect_args(self.url)[1], **self._postgresql_args}

    def _tell(self, engine: Engine, more: str = "") -> None:
        """Set the session options of each new connection; not as startup parameters, which PgBouncer refuses."""
        options = _SESSION.format(int((self._timeout or 0) * 1000)) + more

        @event.listens_for(engine, "connect", insert=True)  # before SQLAlchemy's own queries
        def told(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(options)
            cursor.close()
            connection.commit()

    def _asking(self) -> Engine:
        """The engine for the reader thread: short synchronous questions while mail comes in."""
        if self.is_sqlite:
            engine = create_engine(self.url.set(drivername="sqlite"), pool_size=1, connect_args=_SQLITE_ARGS)
            _obey(engine, self.patience, READER_CACHE)
            event.listen(engine, "begin", _BEGIN.once)
            return engine
        engine = create_engine(
            self.url.set(drivername="postgresql+psycopg"), pool_size=1, connect_args=self._postgresql_args
        )
        self._tell(engine)
        return engine

    @cached_property
    def reading(self) -> "AsyncEngine":
        """The engine for lists and pages. It is made when needed: commands are quicker without its libraries."""
        from sqlalchemy.ext.asyncio import create_async_engine

        if self.is_sqlite:
            engine = create_async_engine(
                self.url.set(drivername="sqlite+aiosqlite"), pool_size=4, max_overflow=4, connect_args=_SQLITE_ARGS
            )
            _obey(engine.sync_engine, self.patience, LIST_CACHE)
            event.listen(engine.sync_engine, "begin", _BEGIN.once)
            return engine
        engine = create_async_engine(
            self.url.set(drivername="postgresql+psycopg"),
            pool_size=self._pool_size,
            max_overflow=5,
            pool_pre_ping=True,
            connect_args=self._postgresql_args,
        )
        self._tell(engine.sync_engine)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One write transaction, for commands and chores; the server's other writes go through the writer."""
        with self.turn(), self.writing.begin() as connection:
            yield connection

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold this process's turn to write.

        Processes that share a SQLite file queue at a file lock first: SQLite's own waiting polls, and
        its longest wait was measured at 329 ms, compared with 19 ms here.
        """
        if not self._line:
            yield
            return
        handle = os.open(self._line, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Raise StoreUnusable if the file itself turns out to be unusable."""
        try:
            yield
        except DBAPIError as error:
            if what := uselessness(error, self.file):
                raise StoreUnusable(f"{self.file} {what}") from error
            raise

    def check_sessions(self) -> None:
        """Raise StoreUnusable if a pooler gives our session to others between our transactions."""
        if self.is_sqlite:
            return
        with self.writing.connect() as one, self.asking.connect() as other:
            session = one.execute(_PID).scalar_one()
            one.commit()
            if other.execute(_PID).scalar_one() == session:
                raise StoreUnusable("storage.url points to a pooler in transaction mode; set it to session mode")

    async def close(self) -> None:
        """Close all connections; an engine left open would keep its threads and the process alive."""
        await self.reading.dispose()
        self.asking.dispose()
        self.writing.dispose()

    def close_now(self) -> None:
        """As `close`, for commands that never read asynchronously."""
        self.asking.dispose()
        self.writing.dispose()


def cause(error: DBAPIError) -> str:
    """The driver's message, in one line."""
    return next(iter(str(error.orig).splitlines()), "") or type(error.orig).__name__


def unsafe_settings(connection: Connection) -> list[str]:
    """The names of PostgreSQL's durability settings that are off, which our session cannot override."""
    return list(connection.execute(_UNSAFE).scalars())


# A server that vanishes silently is noticed within half a minute, not only after the system's own timeouts.
_POSTGRESQL_ARGS = {
    "client_encoding": "utf8",  # overrides role, database and PGCLIENTENCODING
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Without flushing at commit a 250 would not survive a power loss; settings that also wait for a standby are kept.
# Our own timeout is the only one: under another, a machine that waits for its turn would answer 451 at once.
_SESSION = """SELECT set_config('statement_timeout', '{}', false), set_config('lock_timeout', '0', false),
    set_config('idle_session_timeout', '0', false), CASE WHEN current_setting('transaction_timeout', true) <> '0'
        THEN set_config('transaction_timeout', '0', false) END,
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"""
# A machine that is frozen or cut off in the middle of a transaction must not keep its locks: all others wait for them.
_HURRY = ", set_config('idle_in_transaction_session_timeout', '{}', false)"
_UNSAFE = text("SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'")
_PID = text("SELECT pg_backend_pid()")
_SQLITE_ARGS: dict[str, Any] = {"check_same_thread": False, "timeout": BUSY, "cached_statements": 256}


def _obey(engine: Engine, patience: float, cache_kib: int) -> None:
    milliseconds = int(patience * 1000)
    pragmas = (
        ("busy_timeout", str(milliseconds), milliseconds),  # first, as the next one may have to wait for a lock
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", 2),
        ("cache_size", str(-cache_kib), -cache_kib),
        ("secure_delete", "ON", 1),  # so that erased data is gone from the file too; the default of some builds only
    )

    @event.listens_for(engine, "connect")
    def told(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, not the driver
        cursor = connection.cursor()
        for name, wanted, reads in pragmas:
            _patiently(partial(cursor.execute, f"PRAGMA {name}={wanted}"), patience)
            cursor.execute(f"PRAGMA {name}")
            answer = cursor.fetchone()[0]  # from the cursor itself, as execute of an adapted one returns nothing
            if answer != reads:
                raise StoreUnusable(f"SQLite refuses {name}={wanted} and keeps {answer}; put the file on a local disk")
        cursor.close()


def _check_encoding(connection: Any, _record: Any) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":  # characters it cannot store would be answered 451 forever
        raise StoreUnusable(
            f"the database is encoded in {encoding}; make another: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'"
        )


def _patiently(ask: Callable[[], Any], patience: float) -> None:
    """Retry on SQLITE_BUSY: SQLite itself does not wait while another connection switches a new file to WAL."""
    deadline = time.monotonic() + patience
    while True:
        try:
            ask()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


_BEGIN_IMMEDIATE, _BEGIN = Prepared("BEGIN IMMEDIATE"), Prepared("BEGIN")
