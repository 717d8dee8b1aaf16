"""`python -m benchmarks.simulation`: a model of how much one PostgreSQL can carry, given the costs.

A message costs its process CPU (each process has one core) and passes the writer of its process three times:
intake, begin, settle. A round of the writer takes everything that waits, up to 256 items. It costs PostgreSQL a
fixed amount plus an amount for each item, on one of its cores, and ends a fixed time later (round trips and the
flush of the log). Rounds with mail of the same mailbox wait for each other from intake to commit; `hot` is the
share of all mail that comes from one mailbox.

Each row is the highest rate at which 99 in 100 messages are answered within half a second and no core is busy
for more than nine tenths of the time.
"""

import argparse
import heapq
import random
from collections import deque
from dataclasses import dataclass, field

from msgspec.structs import replace

ROUND = 256
ANSWERED = 0.5  # seconds
BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds. The defaults are assumptions: measure with `benchmarks.machines` and pass the results."""

    process: float = 2.2  # CPU of a message in its process
    item: float = 0.35  # CPU of PostgreSQL for one item of a round
    fixed: float = 1.2  # CPU of PostgreSQL for a round, whatever its content
    latency: float = 4.0  # round trips and flush, during which no CPU is used


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is modelled."""

    processes: int
    database_cores: int
    databases: int = 1
    hot: float = 0.0


@dataclass
class Process:
    """One process: its core and its writer's queue. An item is (arrival of the message, step, whether of the
    hot mailbox).
    """

    free_at: float = 0.0
    line: deque[tuple[float, int, bool]] = field(default_factory=deque)
    is_writing: bool = False


class Run:
    """One simulation of a few seconds."""

    def __init__(self, fleet: Fleet, costs: Costs, rate: float, seconds: float, seed: int = 1) -> None:
        self._fleet, self._costs, self._seconds = fleet, costs, seconds
        self._chance = random.Random(seed)
        self._processes = [Process() for _ in range(fleet.processes)]
        self._cores = [[0.0] * fleet.database_cores for _ in range(fleet.databases)]
        self._mailbox_free_at = [0.0] * fleet.databases
        self._events: list[tuple[float, int, str, int, tuple[tuple[float, int, bool], ...]]] = []
        self._number = 0
        self._rate = rate
        self.waits: list[float] = []

    def p99(self) -> float:
        """The seconds within which 99 in 100 were answered; infinite if the queue only grew."""
        now = 0.0
        while (now := now + self._chance.expovariate(self._rate)) < self._seconds:
            self._compute(now, self._chance.randrange(len(self._processes)), now, 0)
        arrived = self._number
        while self._events:
            at, _, kind, index, items = heapq.heappop(self._events)
            if at > self._seconds * 2:
                break
            if kind == "computed":
                self._processes[index].line.extend(items)
            else:
                self._processes[index].is_writing = False
                self._committed(at, index, items)
            self._write(at, index)
        if len(self.waits) < arrived * 0.99:
            return float("inf")
        return sorted(self.waits)[int(len(self.waits) * 0.99)]

    def _at(self, at: float, kind: str, index: int, items: tuple[tuple[float, int, bool], ...]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, kind, index, items))

    def _compute(self, at: float, index: int, arrived: float, step: int) -> None:
        """Charge a third of the message's CPU before each of its three steps."""
        process = self._processes[index]
        process.free_at = max(at, process.free_at) + self._costs.process / 3000
        is_hot = self._chance.random() < self._fleet.hot
        self._at(process.free_at, "computed", index, ((arrived, step, is_hot),))

    def _write(self, at: float, index: int) -> None:
        process, costs = self._processes[index], self._costs
        if process.is_writing or not process.line:
            return
        process.is_writing = True
        items = tuple(process.line.popleft() for _ in range(min(ROUND, len(process.line))))
        database = index % self._fleet.databases
        begins = at
        is_hot = any(hot and step == 0 for _, step, hot in items)
        if is_hot:
            begins = max(begins, self._mailbox_free_at[database])
        core = heapq.heappop(self._cores[database])
        computed = max(begins, core) + (costs.fixed + costs.item * len(items)) / 1000
        heapq.heappush(self._cores[database], computed)
        ends = computed + costs.latency / 1000
        if is_hot:
            self._mailbox_free_at[database] = ends
        self._at(ends, "committed", index, items)

    def _committed(self, at: float, index: int, items: tuple[tuple[float, int, bool], ...]) -> None:
        for arrived, step, _ in items:
            if step == 0:
                self.waits.append(at - arrived)
            if step < 2:
                self._compute(at, index, arrived, step + 1)


def capacity(fleet: Fleet, costs: Costs, seconds: float) -> int:
    """The highest rate in messages a second that is answered in time, with no core busier than nine tenths."""
    cores = fleet.databases * fleet.database_cores
    low, high = 1.0, BUSY * 1000 * min(fleet.processes / costs.process, cores / (3 * costs.item))
    if Run(fleet, costs, high, seconds).p99() <= ANSWERED:
        return round(high)
    while high - low > 0.05 * high:
        middle = (low + high) / 2
        if Run(fleet, costs, middle, seconds).p99() <= ANSWERED:
            low = middle
        else:
            high = middle
    return round(low)


FLEETS = (
    Fleet(1, 4),
    Fleet(4, 4),
    Fleet(8, 4),
    Fleet(16, 4),
    Fleet(16, 8),
    Fleet(16, 4, databases=2),
    Fleet(4, 4, hot=0.5),
    Fleet(4, 4, hot=1.0),
    Fleet(8, 4, hot=1.0),
)


def main() -> None:
    """A table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    costs = Costs()
    for name in ("process", "item", "fixed", "latency"):
        parser.add_argument(f"--{name}", type=float, default=getattr(costs, name))
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    costs = replace(costs, process=given.process, item=given.item, fixed=given.fixed, latency=given.latency)
    print(f"{costs}\n")
    print("| processes | databases | cores each | share of one mailbox | messages a second | a process |")
    print("|---|---|---|---|---|---|")
    for fleet in FLEETS:
        rate = capacity(fleet, costs, given.seconds)
        shape = f"| {fleet.processes} | {fleet.databases} | {fleet.database_cores} | {fleet.hot:.0%} "
        print(f"{shape}| {rate} | {rate / fleet.processes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
