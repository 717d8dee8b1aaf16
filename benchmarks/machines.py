"""`python -m benchmarks.machines`: how much more several processes on one PostgreSQL deliver than one.

Each process is an installation of its own with one worker, as if on a machine of its own, and a control group
gives it a fixed share of one core. So even a small machine shows whether two processes on the shared store do
twice the work of one, as long as all shares together with PostgreSQL, the sink and the load fit into it.
Reported are the rate, the processor time for a message here and in PostgreSQL, transactions for a message, and
deadlocks.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.__main__ import Sink
from benchmarks.measure import Tree, proportional
from benchmarks.message import DOMAIN, SENDER, new_name
from tests.support.ports import free_port
from tests.support.postgres import Postgres, running
from tests.support.server import Server
from tests.support.settings import PASSWORD, USER, mailbox, settings
from tests.support.settings import Tree as Settings

ROOT = Path(__file__).resolve().parents[1]
PERIOD = 100_000  # microseconds


class Share:
    """A control group that limits its processes to this share of one core."""

    def __init__(self, name: str, cores: float) -> None:
        base = Path("/sys/fs/cgroup")
        self._two = (base / "cgroup.controllers").exists()
        self.path = (base if self._two else base / "cpu") / f"gatepost-machines-{os.getpid()}-{name}"
        self.path.mkdir()
        quota = int(PERIOD * cores)
        if self._two:
            (self.path / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))

    def take(self, pid: int) -> None:
        """Put this process, with all its threads, into the group."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """Remove the group, once it is empty."""
        with suppress(OSError):
            self.path.rmdir()


def node(folder: Path, url: str, sink: Sink) -> Server:
    """One machine."""
    provider: Settings = {"name": "sink", "provider": "smtp", "host": "127.0.0.1", "port": sink.port, "tls": "none"}
    changes = {
        "storage": {"url": url},
        "server": {"secret_key": "a-key-many-machines-share-0123456789"},
        "domains": [{"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St"}],
        "mailboxes": [mailbox(fromAddress=SENDER)],
    }
    folder.mkdir()
    server = Server(folder, settings(folder, changes, providers=[provider])).start(wait=False, environment={})
    server.wait_ready(300)
    return server


def load(servers: list[Server], messages: int) -> list[dict[str, Any]]:
    """Put load on all machines at the same time; returns the result of each generator."""
    run, made = new_name(), []
    for index, server in enumerate(servers):
        job = {"port": server.smtp[1], "run": f"{run}{index}", "sessions": 10, "per_connection": 20, "size": 4096}
        job |= {"first": 0, "messages": messages // len(servers), "user": USER, "password": PASSWORD}
        command = [sys.executable, "-m", "benchmarks.load"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        made.append((process, json.dumps(job)))
    told = []
    for process, order in made:
        assert process.stdin is not None
        process.stdin.write(order)
        process.stdin.close()
    for process, _ in made:
        assert process.stdout is not None
        with process:
            told.append(json.loads(process.stdout.read()))
    return told


def measure(postgres: Postgres, count: int, messages: int, cores: float) -> dict[str, Any]:
    """Measure so many machines on a fresh database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatepost-machines-", dir="/var/tmp")))
        sink = Sink(free_port())
        stack.callback(sink.close)
        database = postgres.create()
        stack.callback(postgres.drop, database)
        servers = []
        for number in range(count):
            share = Share(f"{count}-{number}", cores)
            stack.callback(share.close)  # after its processes have ended
            server = node(folder / str(number), postgres.url(database), sink)
            stack.callback(server.close)
            share.take(server.process.pid)
            servers.append(server)
        warm = sum(one["accepted"] for one in load(servers, 50 * count))
        sink.ask(f"wait {warm} 120")
        trees = [_tree(server.process.pid) for server in servers]
        there = _tree(postgres._process.pid)
        sink.ask("reset")
        before = [tree.cpu() for tree in trees], there.cpu(), _counts(postgres, database)
        told = load(servers, messages)
        accepted = sum(one["accepted"] for one in told)
        taken = sink.ask(f"wait {accepted} 300")
        after = [tree.cpu() for tree in trees], there.cpu(), _counts(postgres, database)
        started = min(one["started"] for one in told)
        return {
            "machines": count,
            "cores_each": cores,
            "accepted": accepted,
            "delivered": taken["unique"],
            "duplicates": taken["duplicates"],
            "delivered_s": round(taken["unique"] / max(1e-9, taken["last"] - started), 1),
            "cpu_ms_here": round((sum(after[0]) - sum(before[0])) * 1000 / max(1, accepted), 3),
            "cpu_ms_postgresql": round((after[1] - before[1]) * 1000 / max(1, accepted), 3),
            "commits_a_message": round((after[2][0] - before[2][0]) / max(1, accepted), 3),
            "deadlocks": after[2][1] - before[2][1],
            "pss_mb": round(sum(proportional(server.process.pid) for server in servers) / 1e6, 1),
        }


def _tree(pid: int) -> Tree:
    tree = Tree()
    tree.root = pid
    return tree


def _counts(postgres: Postgres, database: str) -> tuple[int, int]:
    query = f"SELECT xact_commit, deadlocks FROM pg_stat_database WHERE datname = '{database}'"
    commits, deadlocks = postgres.run(query)[0]
    return int(str(commits)), int(str(deadlocks))


def main() -> None:
    """Print one line of JSON for each measurement, and the ratios to one machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machines", description=__doc__)
    parser.add_argument("--machines", default="1,2")
    parser.add_argument("--messages", type=int, default=2000, help="a machine")
    parser.add_argument("--cores", type=float, default=0.2, help="share of one core a machine gets")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with running(durable=True) as postgres:
        for _ in range(given.rounds):
            one = 0.0
            for count in map(int, given.machines.split(",")):
                row = measure(postgres, count, given.messages * count, given.cores)
                one = one or row["delivered_s"]
                print(json.dumps(row | {"times_one": round(row["delivered_s"] / max(one, 0.1), 2)}), flush=True)


if __name__ == "__main__":
    main()
