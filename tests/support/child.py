"""Gatepost's own process, forked from one that has already imported it.

Importing takes longer than most of what is tested, so it is done once a session, by a fork server of which each
new process is a copy. That process runs `gatepost` with its arguments, and from then on behaves as if started
by a shell.
"""

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.preloaded"])


class Child:
    """A running (or ended) process, the leader of its own group; similar to `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        *,
        errors: Path | None = None,
    ) -> None:
        """`log` gets what it says; of that `errors` gets what goes to standard error, if it is given."""
        files = log, errors or log
        self._process = _CONTEXT.Process(target=_become, args=(list(arguments), folder, files, dict(environment)))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for its end; returns the exit code. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("gatepost", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)


def _become(arguments: Sequence[str], folder: Path, files: Sequence[Path], environment: Mapping[str, str]) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    out, errors = (os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for file in files)
    for number, given in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, errors)):
        os.dup2(given, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    faulthandler.enable(2)
    from relay.cli.main import main

    main(arguments)
