"""What a relay costs: processor time and memory of all its processes, including those that have ended.

It is counted by a control group where this machine allows one (root; version 1 or 2), otherwise over the tree
of processes descending from the one we started, which misses daemons that leave the tree. Memory is the
proportional set size: pages shared by several processes count once.
"""

import os
import resource
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu() -> float:
    """Seconds of processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Group:
    """A control group in which the relay is started."""

    def __init__(self, name: str) -> None:
        self._two = (_ROOT / "cgroup.controllers").exists()
        self.path = (_ROOT if self._two else _ROOT / "cpuacct") / f"gatepost-bench-{name}"
        self.path.mkdir(exist_ok=True)

    def within(self, *command: str) -> list[str]:
        """The command that enters the group and then becomes the given one."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.path / "cgroup.procs"), *command]

    def processes(self) -> list[int]:
        """The ids of the processes in it."""
        return [int(line) for line in (self.path / "cgroup.procs").read_text("ascii").split()]

    def cpu(self) -> float:
        """Seconds of processor time of everything that ever ran in it."""
        if self._two:
            return int((self.path / "cpu.stat").read_text("ascii").split()[1]) / 1e6
        return int((self.path / "cpuacct.usage").read_text("ascii")) / 1e9

    def remove(self) -> None:
        """Remove the group, once it is empty."""
        with suppress(OSError):
            self.path.rmdir()


class Tree:
    """The descendants of one process, for machines that allow no control group."""

    def __init__(self) -> None:
        self.root = 0

    def within(self, *command: str) -> list[str]:
        """The command unchanged."""
        return list(command)

    def processes(self) -> list[int]:
        """The process and its descendants."""
        parents = {pid: int(fields[1]) for pid, fields in _stats()}
        found = [self.root] if self.root in parents else []
        for pid in found:
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def cpu(self) -> float:
        """Seconds of processor time, including ended children once their parent has waited for them."""
        mine = set(self.processes())
        return sum(sum(map(int, fields[11:15])) for pid, fields in _stats() if pid in mine) / _TICKS

    def remove(self) -> None:
        """Nothing to remove."""


def _stats() -> Iterable[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                yield int(entry.name), (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()


def account(name: str) -> Group | Tree:
    """The most accurate kind of account that this machine allows."""
    try:
        return Group(name)
    except OSError:
        return Tree()


class Memory:
    """The highest proportional set size seen since `reset`, sampled four times a second."""

    def __init__(self, who: Group | Tree) -> None:
        self._who = who
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak = 0
        self.most_processes = 0
        self._thread.start()

    def reset(self) -> None:
        """Forgets the peak."""
        self.peak = self.most_processes = 0

    def close(self) -> None:
        """Stop sampling."""
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(0.25):
            pids = self._who.processes()
            self.peak = max(self.peak, sum(map(proportional, pids)))
            self.most_processes = max(self.most_processes, len(pids))


def proportional(pid: int) -> int:
    """The proportional set size of one process in octets; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
