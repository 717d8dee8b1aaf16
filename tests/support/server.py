"""Gatepost as an operator runs it: one or several processes on loopback, killed and started again at will.

The process gets a session of its own, so `kill9` ends its workers as well and nothing outlives the test. A
traceback in the log fails the test at its end unless the test expects one.
"""

import contextlib
import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.child import Child
from tests.support.door import Door
from tests.support.migrated import begin
from tests.support.provider import Provider
from tests.support.settings import Tree, merged, settings, write

PROGRAM = Path(sys.executable).with_name("gatepost")


class Server(Door):
    """One `gatepost serve` with its configuration file and its log."""

    def __init__(self, folder: Path, tree: Tree) -> None:
        super().__init__(tree)
        self.folder = folder
        self.config = write(folder, tree)
        begin(tree)
        self.tracebacks_expected = False
        self._log = folder / "serve.log"
        self._process: Child | subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True, environment: Mapping[str, str] | None = None) -> "Server":
        """Start it (again), and wait until it says that it is ready. With an `environment` it is started as by a shell.

        That is for what libraries read from the environment or do at the very end of a process, which a fork
        cannot show.
        """
        arguments = ["serve", "--config", str(self.config)]
        begin = Child if environment is None else _by_a_shell
        self._process = begin(arguments, self.folder, self._log, _environment() | dict(environment or {}))
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait for /readyz; fails with the log."""
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(0.02)
                raise AssertionError(f"gatepost serve ended with {code}:\n{self.logs()[-4000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"gatepost serve was not ready in {timeout:g} s:\n{self.logs()[-4000:]}")

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        connection = http.client.HTTPConnection(self.http.removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):  # nobody is there yet, or something that does not speak HTTP
            return False
        finally:
            connection.close()

    @property
    def process(self) -> Child | subprocess.Popen[bytes]:
        """The parent process."""
        assert self._process is not None, "the server was never started"
        return self._process

    def workers(self) -> set[int]:
        """The process ids of its live workers, if it has several."""
        parent = self.process.pid
        return set(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))

    def kill9(self) -> None:
        """Kill it and its workers, as a power loss would."""
        self._signal(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self, timeout: float = 20.0) -> int:
        """Ask it to drain and end; returns its exit code."""
        self.process.terminate()
        return self.process.wait(timeout)

    def reload(self) -> None:
        """Send SIGHUP, so that it reads the configuration file again."""
        self.process.send_signal(signal.SIGHUP)

    def rewrite(self, changes: Mapping[str, Any]) -> None:
        """Change its configuration file while it runs."""
        self.tree = merged(self.tree, changes)
        write(self.folder, self.tree)

    def is_running(self) -> bool:
        """Whether the parent process is alive."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Kill whatever is left of it."""
        if self._process is None:
            return
        if self.is_running():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.terminate()
        self._signal(signal.SIGKILL)  # workers that outlived their parent
        self.process.wait(10)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def logs(self) -> str:
        """Everything it has logged, over all its starts."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def rows(self, question: str) -> list[Any]:
        """What its store says now."""
        with contextlib.closing(sqlite3.connect(self.folder / "gatepost.db")) as connection:
            return connection.execute(question).fetchall()

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `gatepost` command beside the running server, with the same configuration."""
        command = [*arguments, "--config", str(self.config)]
        with TemporaryDirectory(dir=self.folder) as said:
            out, errors = Path(said, "out"), Path(said, "errors")
            child = Child(command, self.folder, out, _environment(), errors=errors)
            try:
                code = child.wait(60)
            finally:
                child.send_signal(signal.SIGKILL)
            return subprocess.CompletedProcess(command, code, out.read_text("utf-8"), errors.read_text("utf-8"))


def _by_a_shell(
    arguments: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "relay.cli.main", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """Our environment without anything that could configure Gatepost unnoticed by the test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
    return kept | {"PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1"}


MakeServer = Callable[..., Server]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Makes servers: `make_server(changes, providers=[provider.settings()])`; they end with the test."""
    made: list[Server] = []

    def make(changes: Mapping[str, Any] | None = None, *, providers: Sequence[Tree] = (), start: bool = True) -> Server:
        folder = tmp_path / f"server{len(made)}"
        folder.mkdir()
        made.append(Server(folder, settings(folder, changes, providers=providers)))
        return made[-1].start() if start else made[-1]

    yield make
    for server in made:
        server.close()
    for server in made:
        if not server.tracebacks_expected and "Traceback (most recent call last)" in server.logs():
            pytest.fail(f"a traceback in the log:\n{server.logs()[-4000:]}")


@pytest.fixture
def server(make_server: MakeServer, provider: Provider) -> Server:
    """A running Gatepost that delivers to the `provider` fixture."""
    return make_server(providers=[provider.settings()])
