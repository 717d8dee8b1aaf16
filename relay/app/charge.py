"""What a supervisor is in charge of, and how a process that forked workers becomes one (`relay.app.supervisor`)."""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, NoReturn

ENDING = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDING, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Charge(NamedTuple):  # not a dataclass: what those import would be a fifth of this process
    """What the supervisor watches over, and all that a worker replacing a dead one needs."""

    config: str
    smtp: list[int]  # descriptors of the listening sockets
    inbound: list[int]
    http: int
    board: int  # what the workers share (`relay.delivery.crew`); `inboxes`: both ends of each inbox
    inboxes: list[list[int]]
    tally: int  # their common counters (`relay.submission.tally`)
    slate: int  # their common records (`relay.submission.slate`)
    standing: int  # descriptor of the settings that hold until a restart
    store: str  # the mark of the store's file
    workers: dict[str, int]  # slots by process id
    json_logs: bool

    @property
    def doors(self) -> list[int]:
        """All listening sockets."""
        return [*self.smtp, *self.inbound, self.http]

    @property
    def descriptors(self) -> list[int]:
        """All descriptors that workers inherit."""
        inboxes = [end for inbox in self.inboxes for end in inbox]
        return [*self.doors, self.board, *inboxes, self.tally, self.slate, self.standing]


def fork_workers(count: int, life: Callable[[int], int]) -> dict[str, int]:
    """Fork one worker per slot; returns the slots by process id.

    `life` is what a worker does; it returns the exit code. From here on, signals to this process are blocked until it
    is the supervisor.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    return {str(fork(partial(life, slot))): slot for slot in range(count)}


def fork(life: Callable[[], int]) -> int:
    """Fork a worker and return its process id. The worker resets its signals and never returns from `life`.

    SIGHUP stays blocked until it serves: the configuration it has read may be older.
    """
    parent, pid = os.getpid(), os.fork()
    if pid:
        return pid
    code = os.EX_SOFTWARE
    try:
        signal.set_wakeup_fd(-1)
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        _end_with(parent)
        code = life()
    except BaseException:  # noqa: BLE001 - nothing may unwind into a second supervisor
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """Get SIGTERM when the parent dies: without it no worker is replaced and no signal arrives."""
    if sys.platform != "linux":
        return  # other systems do not offer this
    import ctypes  # not imported at the top, as the supervisor does without it

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def turn_into(charge: Charge, *kept: int) -> NoReturn:
    """Replace this process by the supervisor; sockets and descriptors in `kept` stay open, workers stay children."""
    for descriptor in (*charge.descriptors, *kept):
        os.set_inheritable(descriptor, True)
    # -P: import nothing from the working directory.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "relay.app.supervisor", json.dumps(charge._asdict())])  # noqa: S606 - no shell is wanted
