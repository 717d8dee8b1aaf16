"""`python -m benchmarks`: runs the cases round by round, relay by relay, so that all relays face the same conditions.

JSON lines go to standard output (and to --json FILE), progress and the table to standard error. The exit code
is 1 if a message was lost, duplicated or left unsigned.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.cases import CASES, QUICK, WARM_UP, Case
from benchmarks.measure import Memory
from benchmarks.message import new_name
from benchmarks.relays import PORT, SINK_PORT, Choice, Gatepost, Peer, Relay, make_key, peers

ROOT = Path(__file__).resolve().parents[1]


class Sink:
    """The sink's process, controlled through its pipes."""

    def __init__(self, port: int = SINK_PORT) -> None:
        self.port = port
        command = [sys.executable, "-m", "benchmarks.sink", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()

    def ask(self, order: str) -> Any:
        """Send one order and return its answer."""
        assert self._process.stdin is not None
        print(order, file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return json.loads(line)
        raise SystemExit("the sink has ended")

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()


def load(relay: Relay, case: Case, processes: int) -> list[dict[str, Any]]:
    """Run one job, split over the load generator's processes; returns the result of each."""
    run = new_name()
    made: list[tuple[subprocess.Popen[str], str]] = []
    for index in range(processes):
        first = case.messages * index // processes
        job = {
            "port": PORT,
            "run": run,
            "sessions": max(1, case.sessions // processes),
            "per_connection": case.per_connection,
            "size": case.size,
            "first": first,
            "messages": case.messages * (index + 1) // processes - first,
            "user": relay.user,
            "password": relay.password,
        }
        command = [sys.executable, "-m", "benchmarks.load"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        made.append((process, json.dumps(job)))
    for process, order in made:
        assert process.stdin is not None
        process.stdin.write(order)
        process.stdin.close()
    return [_result(process) for process, _ in made]


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    with process:
        result: dict[str, Any] = json.loads(process.stdout.read())
        return result


def measure(relay: Relay, case: Case, sink: Sink, memory: Memory, processes: int) -> dict[str, Any]:
    """Run one case on one relay; returns the row of the report."""
    sink.ask("reset")
    memory.reset()
    before = relay.account.cpu()
    results = load(relay, case, processes)
    accepted = sum(result["accepted"] for result in results)
    taken = sink.ask(f"wait {accepted} 120")
    time.sleep(0.3)  # what the relay still writes is charged to this case
    used = relay.account.cpu() - before
    started, ended = min(result["started"] for result in results), max(result["ended"] for result in results)
    dots = [latency for result in results for latency in result["dot_ms"]]
    connects = [latency for result in results for latency in result["connect_ms"]]
    tool = taken["cpu_s"] + sum(result["cpu_s"] for result in results)
    return {
        "relay": relay.name,
        "case": case.name,
        "messages": case.messages,
        "accepted": accepted,
        "delivered": taken["unique"],
        "duplicates": taken["duplicates"],
        "signed": taken["signed"],
        "errors": sum(result["refused"] + result["broken"] for result in results),
        "first_error": next((result["first_error"] for result in results if result["first_error"]), ""),
        "accepted_s": round(accepted / max(1e-9, ended - started), 1),
        "delivered_s": round(taken["unique"] / max(1e-9, taken["last"] - started), 1) if taken["unique"] else 0.0,
        "dot_p50": round(report.quantile(dots, 0.5), 2),
        "dot_p95": round(report.quantile(dots, 0.95), 2),
        "dot_p99": round(report.quantile(dots, 0.99), 2),
        "connect_p50": round(report.quantile(connects, 0.5), 2),
        "cpu_ms": round(used / max(1, accepted) * 1e3, 3),
        "pss_mb": round(memory.peak / 1e6, 1),
        "processes": memory.most_processes,
        "sink_connections": taken["connections"],
        "tool_cpu_ms": round(tool / max(1, accepted) * 1e3, 3),
    }


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[Memory]:
    """The relay, started, with its memory watched."""
    try:
        relay.start()
        memory = Memory(relay.account)
        try:
            yield memory
        finally:
            memory.close()
    finally:
        relay.stop()


def arguments() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Gatepost measured beside other relays.")
    parser.add_argument("--cases", default=",".join(QUICK), help="comma-separated, or all: " + ", ".join(CASES))
    parser.add_argument("--relays", help="comma-separated; default: gatepost and the peers installed here")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", default="2", help="Gatepost's processes")
    parser.add_argument("--storage", default="", help="Gatepost's storage URL; «postgresql» starts a private server")
    parser.add_argument("--load-processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the relays' files go; default: a temporary one")
    parser.add_argument("--json", type=Path, help="append the lines here too")
    return parser.parse_args()


def relays(given: argparse.Namespace, folder: Path, key: Path, storage: str) -> Iterator[Relay]:
    """The relays of one round."""
    names = given.relays.split(",") if given.relays else ["gatepost", *peers()]
    for name in names:
        yield Gatepost(folder, key, Choice(given.workers, storage)) if name == "gatepost" else Peer(name, folder, key)


@contextlib.contextmanager
def storage(wanted: str) -> Iterator[str]:
    """The storage URL; for PostgreSQL a durable server is started behind it."""
    if wanted != "postgresql":
        yield wanted
        return
    from tests.support.postgres import running as postgres

    with postgres(durable=True) as server:
        yield server.url(server.create())


def main() -> int:
    """Run all measurements that were requested."""
    given = arguments()
    cases = list(CASES.values()) if given.cases == "all" else [CASES[name] for name in given.cases.split(",")]
    rows: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        base = given.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="gatepost-bench-", dir="/var/tmp"))
        )
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)
        key = make_key(base)
        sink = Sink()
        stack.callback(sink.close)
        for round_ in range(given.rounds):
            url = stack.enter_context(storage(given.storage))
            for relay in relays(given, base, key, url):
                with running(relay) as memory:
                    load(relay, WARM_UP, 1)
                    for case in cases:
                        row = {"round": round_, **measure(relay, case, sink, memory, given.load_processes)}
                        rows.append(row)
                        say(row, given.json)
    print(f"\n{os.cpu_count()} cores, {given.rounds} rounds\n\n" + report.table(rows), file=sys.stderr)
    sound = all(row["messages"] == row["delivered"] == row["signed"] and not row["duplicates"] for row in rows)
    return 0 if sound else 1


def say(row: dict[str, Any], also: Path | None) -> None:
    """Print a row as one line of JSON."""
    line = json.dumps(row)
    print(line, flush=True)
    if also:
        with also.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
