"""What a supervisor is charged with, and how a process that forked workers becomes one (`relay.app.supervisor`)."""

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


class Charge(NamedTuple):  # no dataclass: what those import is a fifth of this process
    """What there is to watch over; everything a worker needs that takes over from one that died."""

    config: str
    smtp: list[int]  # descriptors of the listening sockets
    inbound: list[int]
    http: int
    board: int  # what the workers share (`relay.delivery.crew`), and the two ends of each one's inbox
    inboxes: list[list[int]]
    tally: int  # what they count together (`relay.submission.tally`)
    slate: int  # and what they write down (`relay.submission.slate`)
    standing: int  # descriptor of what stands until a restart
    store: str  # the mark of its file
    workers: dict[str, int]  # slots by process id
    json_logs: bool

    @property
    def doors(self) -> list[int]:
        """Every socket that somebody outside may knock at."""
        return [*self.smtp, *self.inbound, self.http]

    @property
    def descriptors(self) -> list[int]:
        """Everything that is handed down to workers."""
        inboxes = [end for inbox in self.inboxes for end in inbox]
        return [*self.doors, self.board, *inboxes, self.tally, self.slate, self.standing]


def fork_workers(count: int, life: Callable[[int], int]) -> dict[str, int]:
    """Workers of this very program, one a slot; the slots by process id.

    `life` is what a worker does, and gives its exit code. From here on signals to this process wait for the supervisor.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    return {str(fork(partial(life, slot))): slot for slot in range(count)}


def fork(life: Callable[[], int]) -> int:
    """A worker's process id. It has signals of its own, and never comes back from its life.

    SIGHUP waits until it serves: what it has read of the configuration may be older.
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
    except BaseException:  # noqa: BLE001 - whatever it is, it must not unwind into a second supervisor
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """Be told to end when the parent is gone: without it nobody is replaced, and no signal arrives."""
    if sys.platform != "linux":
        return  # nowhere else does the system tell
    import ctypes  # the supervisor does without

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def turn_into(charge: Charge, *kept: int) -> NoReturn:
    """Become the supervisor; the sockets and the descriptors in `kept` stay open, the workers stay children."""
    for descriptor in (*charge.descriptors, *kept):
        os.set_inheritable(descriptor, True)
    # -P: nothing that happens to lie in the working directory is imported.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "relay.app.supervisor", json.dumps(charge._asdict())])  # noqa: S606 - no shell is wanted
