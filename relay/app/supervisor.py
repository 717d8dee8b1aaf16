"""Watches over the workers of an installation, in a process of a few megabytes.

The process that prepared everything and forked the workers becomes this one (`relay.app.charge`),
without what it had loaded for them. It replaces workers that die, passes SIGHUP on, drains all
workers on SIGTERM, and ends with the last one. All that it imports is of the standard library; a
replacement worker loads the program and the configuration itself, in their current version except
for settings that hold until a restart (`relay.app.handover`). If it cannot, or keeps dying at once,
the other workers continue, and the installation gives up only when none is left.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import FrameType

from relay.app.charge import ENDING, SIGNALS, Charge, fork
from relay.app.journald import is_journal, prioritised

QUICK = 10.0  # seconds; a worker that dies sooner has not served
QUICK_DEATHS = 5  # consecutive quick deaths after which the longer wait applies
RESPAWN_WAIT = 1.0  # seconds before a dead worker is replaced, so that a crash loop is not a busy loop
HOPELESS_WAIT = 10.0  # seconds after too many quick deaths, while others serve
COULD_NOT = (os.EX_CONFIG, os.EX_UNAVAILABLE)  # exit codes of a worker that never served, however long it lived


class Supervisor:
    """The supervisor. `take_over` is the life of a replacement worker in its own process; it returns the exit code."""

    def __init__(self, charge: Charge, take_over: Callable[[Charge, int], int]) -> None:
        self._charge = charge
        self._take_over = take_over
        now = time.monotonic()
        self._workers = {int(pid): slot for pid, slot in charge.workers.items()}
        self._began = dict.fromkeys(self._workers, now)
        self._quick_deaths = 0
        self._stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """Watch until the last worker has ended; returns the exit code."""
        self._waking, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)  # a signal ends a pause
        for number in ENDING:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        while self._workers:
            pid, status = os.wait()
            if pid in self._workers:
                self._ended(pid, os.waitstatus_to_exitcode(status))
        return self._exit_code

    def _ended(self, pid: int, code: int) -> None:
        slot, lived = self._workers.pop(pid), time.monotonic() - self._began.pop(pid)
        if self._stopping:
            self._exit_code = self._exit_code or max(code, 0)
        elif code == os.EX_IOERR:  # the store's file failed; no worker may continue writing to it
            self._give_up(code)
        else:
            self._quick_deaths = self._quick_deaths + 1 if lived < QUICK or code in COULD_NOT else 0
            self._replace(slot, code)

    def _replace(self, slot: int, code: int) -> None:
        nobody_serves = all(time.monotonic() - began < QUICK for began in self._began.values())
        if self._quick_deaths >= QUICK_DEATHS and nobody_serves:
            self._say("critical", "workers keep dying right after their start; giving up", code=code)
            self._give_up(max(code, 1))
            return
        self._say("error", "worker died; replacing it", slot=slot, code=code)
        self._pause(RESPAWN_WAIT if self._quick_deaths < QUICK_DEATHS else HOPELESS_WAIT)
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # so that a signal to stop reaches the new worker too
        if not self._stopping:
            pid = fork(partial(self._take_over, self._charge, slot))
            self._workers[pid], self._began[pid] = slot, time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _give_up(self, code: int) -> None:
        self._exit_code = code
        self._stop(signal.SIGTERM, None)

    def _pause(self, seconds: float) -> None:
        """Wait, unless a signal has come or comes."""
        if not self._stopping and select.select([self._waking], [], [], seconds)[0]:
            os.read(self._waking, 512)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            for descriptor in self._charge.doors:
                os.close(descriptor)  # so that no client waits for workers that no longer accept
        self._stopping = True
        self._pass_on(signal.SIGTERM, None)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        for pid in list(self._workers):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)

    def _say(self, level: str, event: str, **more: object) -> None:
        """Log in the workers' format; never blocks."""
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if self._charge.json_logs:
            line = json.dumps({**more, "event": event, "level": level, "timestamp": at}, separators=(",", ":"))
        else:
            line = " ".join([f"{at} [{level}] {event}", *(f"{name}={value}" for name, value in more.items())])
        if is_journal(2):
            line = prioritised(line, level)
        with contextlib.suppress(OSError):
            if select.select([], [2], [], 0)[1]:
                os.write(2, f"{line}\n".encode())


def _take_over(charge: Charge, slot: int) -> int:
    from relay.app.serve import take_over

    return take_over(charge, slot)


if __name__ == "__main__":
    sys.exit(Supervisor(Charge(**json.loads(sys.argv[1])), _take_over).run())
