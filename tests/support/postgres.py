"""A private PostgreSQL for the tests, with its own folder and port on loopback, removed with the test run.

Each worker of pytest-xdist has one cluster, made when the first test asks for it; each test gets an empty
database. If the tests run as root, it runs as an unprivileged user, which PostgreSQL insists on. Durability is
off: the tests are about Gatepost, and none of them cuts the power of PostgreSQL's disk. A shell ties the
server's life to a pipe, so that it ends even if the test run is killed.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import memory
from tests.support.needs import may_skip, missing, postgres_folder
from tests.support.ports import free_port

HOST = "127.0.0.1"
USER = "gatepost"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5min",
    "log_min_messages": "warning",
    "deadlock_timeout": "200ms",
}
# The shell reads its standard input, to which nobody writes; it gets an end of file when the test run ends.
_LIFELINE = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'


class Postgres:
    """A running server."""

    def __init__(self, binaries: Path, folder: Path, *, durable: bool = False) -> None:
        self.port = free_port()
        self.folder = folder
        self._binaries = binaries
        self._settings = SETTINGS | (
            dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on") if durable else {}
        )
        self._numbers = itertools.count(1)
        self._run_as = _unprivileged()
        if self._run_as:
            shutil.chown(folder, self._run_as)
        self._make_cluster()
        self.start()

    def _make_cluster(self) -> None:
        arguments = [
            "--pgdata",
            self.folder / "data",
            "--username",
            USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-locale",
        ]
        made = subprocess.run(
            [str(self._binaries / "initdb"), *map(str, arguments), "--no-sync"],
            user=self._run_as,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")

    def start(self) -> None:
        """Start the server (again) and wait until it answers."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        place = ["-D", self.folder / "data", "-h", HOST, "-p", str(self.port), "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _LIFELINE, "sh", str(self._binaries / "postgres"), *map(str, place), *options],
                user=self._run_as,
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _wait(self) -> None:
        probe = [str(self._binaries / "pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        for _ in range(400):
            if subprocess.run(probe, check=False).returncode == 0:
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                break
        raise RuntimeError("PostgreSQL did not start: " + (self.folder / "log").read_text("utf-8", "replace"))

    def stop(self) -> None:
        """Stop the server in fast mode: open connections are broken off."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def url(self, database: str) -> str:
        """The URL of a database for Gatepost's configuration."""
        return f"postgresql+psycopg://{USER}@{HOST}:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside any transaction; returns its rows."""
        with psycopg.connect(
            f"host={HOST} port={self.port} user={USER} dbname={database}", autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template1") -> str:
        """Create an empty database (or a copy of another one); returns its name."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, database: str) -> None:
        """Drop a database, even if somebody is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def cut_connections(self, database: str) -> int:
        """End every session in that database, as a failover does; returns how many there were."""
        found = self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        return len(found)


def _unprivileged() -> str | None:
    """The user to run as if we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _environment() -> dict[str, str]:
    # The caller's own PG… variables are not meant for this server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """A server for the duration of the block; benchmarks need it durable."""
    binaries = postgres_folder()
    if binaries is None:
        raise RuntimeError("no PostgreSQL server is installed")
    place = "/tmp" if durable else memory.folder()  # its socket path has to be short
    folder = Path(tempfile.mkdtemp(prefix="gatepost-pg-", dir=place))
    try:
        server = Postgres(binaries, folder, durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The worker's PostgreSQL; tests that use it have `@pytest.mark.needs("postgresql")`."""
    if absent := missing(("postgresql",)):
        (pytest.skip if may_skip() else pytest.fail)(f"needs {absent[0].name} ({absent[0].remedy})")
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database for this test alone."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database for this test alone, which does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'gatepost.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def storage_url(request: pytest.FixtureRequest) -> str:
    """Both kinds of storage: a test that uses this runs on each."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
