"""`python -m benchmarks.strain`: memory use, and how long a bystander waits, under extraordinary loads.

Three loads, one after another on one server: a thousand idle connections, a message of 25 MiB, and a backlog of
a hundred thousand messages whose provider is down. Meanwhile a bystander on a connection of its own says NOOP
every few milliseconds. A control, an echo server of ten lines beside it, shows how long this machine makes
anybody wait: delays that both have are due to the machine.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.load import Generator, Job
from benchmarks.measure import Memory
from benchmarks.measure import Tree as Descendants
from benchmarks.message import DOMAIN, SENDER, new_name
from benchmarks.report import quantile
from tests.support.door import Door
from tests.support.ledger import Ledger
from tests.support.provider import Provider
from tests.support.server import Server
from tests.support.settings import HOST, PASSWORD, USER, Tree, mailbox, settings

_SPAWN = get_context("spawn")
MIB = 1024 * 1024
BETWEEN = 0.01  # seconds between two NOOPs
MANY_NOOPS = 50  # on one connection, which is closed after a hundred commands without a message
_ECHO = """
import asyncio
async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Bystander:
    """Asks again and again, and records how long each answer took, in milliseconds."""

    def __init__(self, ask: Callable[[], None], before: Callable[[], None] = lambda: None) -> None:
        self._ask, self._before = ask, before  # `before` runs before each question and is not timed
        self.waits: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(BETWEEN):
            self._before()
            began = time.perf_counter()
            self._ask()
            self.waits.append((time.perf_counter() - began) * 1000)

    def told(self) -> dict[str, float]:
        """Stop, and return a summary."""
        self._end.set()
        self._thread.join(30)
        waits = self.waits or [0.0]
        return {
            "asked": len(self.waits),
            "p50_ms": round(statistics.median(waits), 2),
            "p99_ms": round(quantile(waits, 0.99), 2),
            "max_ms": round(max(waits), 1),
        }


class Noops:
    """A client that says only NOOP, and reconnects before it would be disconnected for that."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._client = door.connect()
        self._said = 0

    def __enter__(self) -> "Noops":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def say(self) -> None:
        """One NOOP, answered."""
        assert self._client.command("NOOP").code == 250
        self._said += 1

    def renew(self) -> None:
        """Reconnect between two questions, so that no handshake is timed."""
        if self._said >= MANY_NOOPS:
            self._client.close()
            self._client, self._said = self._door.connect(), 0


def stand_by(tree: Tree, control: int, told: Connection) -> None:
    """Run the bystander and the control in a process that does nothing else, until their results are requested."""
    with Noops(Door(tree)) as noops, socket.create_connection((HOST, control)) as echo:
        answers = echo.makefile("rb")

        def ask() -> None:
            echo.sendall(b"NOOP\r\n")
            answers.readline()

        bystander, beside = Bystander(noops.say, noops.renew), Bystander(ask)
        told.send("ready")
        told.recv()
        told.send({"noop": bystander.told(), "control": beside.told()})


class Ground:
    """A server, its provider, the control, and the measurement of memory."""

    def __init__(self, folder: Path, workers: int, storage: str) -> None:
        self.provider = Provider(ledger=Ledger(keep=False))
        changes: dict[str, Any] = {
            "server": {"workers": workers},
            "domains": [{"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St"}],
            "mailboxes": [mailbox(fromAddress=SENDER)],
            "smtp": {"connections": {"total": 2000, "per_credential": 1500}},
        }
        if storage:
            changes["storage"] = {"url": storage}
        tree = settings(folder, changes, providers=[self.provider.settings()])
        # Started as by a shell: a fork would share the memory of its parent.
        self.server = Server(folder, tree).start(wait=False, environment={})
        self.server.wait_ready(300)
        self.used = Descendants()
        self.used.root = self.server.process.pid
        self.memory = Memory(self.used)
        self._echo = subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True)
        assert self._echo.stdout is not None
        self._echo_port = int(self._echo.stdout.readline())

    @contextmanager
    def watched(self, told: dict[str, Any]) -> Iterator[None]:
        """Records within the block how long a bystander and the control wait, and the peak memory."""
        self.memory.reset()
        here, there = _SPAWN.Pipe()
        watch = _SPAWN.Process(target=stand_by, args=(self.server.tree, self._echo_port, there), daemon=True)
        watch.start()
        here.recv()
        used = self.used.cpu()
        yield
        told["cpu_s"] = round(self.used.cpu() - used, 2)
        here.send("enough")
        told |= here.recv()
        watch.join()
        time.sleep(0.5)  # one more sample of memory
        told["pss_peak_mb"] = round(self.memory.peak / 1e6, 1)

    def resting(self) -> float:
        """The current memory, in MB."""
        self.memory.reset()
        time.sleep(1)
        return round(self.memory.peak / 1e6, 1)

    def close(self) -> None:
        """Stop everything."""
        self.memory.close()
        self._echo.kill()
        self._echo.wait()
        self.server.close()
        self.provider.close()


def idle(ground: Ground, connections: int) -> dict[str, Any]:
    """So many clients log in and then stay silent."""
    told: dict[str, Any] = {"connections": connections, "pss_before_mb": ground.resting()}
    with contextlib.ExitStack() as stack, ground.watched(told):
        for _ in range(connections):
            stack.enter_context(ground.server.connect())
        time.sleep(2)
    told["kb_a_connection"] = round((told["pss_peak_mb"] - told["pss_before_mb"]) * 1000 / connections, 1)
    return told


def large(ground: Ground, size: int) -> dict[str, Any]:
    """One message of the largest size accepted."""
    told: dict[str, Any] = {"octets": size, "pss_before_mb": ground.resting()}
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    name = new_name()
    head = (
        f"From: <{SENDER}>\r\nTo: <bob@example.net>\r\nSubject: large\r\nMessage-ID: <{name}@{DOMAIN}>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    data = head + line * ((size - len(head)) // len(line))
    with ground.watched(told):
        began = time.perf_counter()
        assert ground.server.submit(["bob@example.net"], data, SENDER).code == 250
        told["accepted_s"] = round(time.perf_counter() - began, 2)
        ground.provider.ledger.wait(lambda ledger: ledger.copies_for("bob@example.net"), 120)
        told["delivered_s"] = round(time.perf_counter() - began, 2)
    told["times_its_size"] = round((told["pss_peak_mb"] - told["pss_before_mb"]) * 1e6 / size, 2)
    return told


def backlog(ground: Ground, messages: int) -> dict[str, Any]:
    """So many messages are accepted while no provider answers, and leave once one does."""
    told: dict[str, Any] = {"messages": messages, "pss_before_mb": ground.resting()}
    ground.provider.refuse()
    before = len(ground.provider.ledger.copies)
    port = ground.server.smtp[1]
    job = Job(port, new_name(), 10, 20, 4096, 0, messages, USER, PASSWORD)
    with ground.watched(told):
        began = time.perf_counter()
        result = asyncio.run(Generator(job).run())
        told["accepted"] = result.accepted
        told["accepted_a_second"] = round(result.accepted / (time.perf_counter() - began))
    draining: dict[str, Any] = {}
    ground.provider.listen()
    with ground.watched(draining):
        began = time.perf_counter()
        ground.provider.ledger.wait(lambda ledger: len(ledger.copies) - before >= result.accepted, 3600)
        draining["delivered_a_second"] = round(result.accepted / (time.perf_counter() - began))
    return told | {"draining": draining, "pss_after_mb": ground.resting()}


def main() -> None:
    """Run all loads; print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strain", description=__doc__)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--size", type=int, default=25 * MIB - 4096)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--storage", default="", help="storage URL; default: SQLite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatepost-strain-", dir="/var/tmp") as folder:
        ground = Ground(Path(folder), given.workers, given.storage)
        try:
            print(json.dumps({"idle": idle(ground, given.connections)}), flush=True)
            print(json.dumps({"large": large(ground, given.size)}), flush=True)
            print(json.dumps({"backlog": backlog(ground, given.backlog)}), flush=True)
        finally:
            ground.close()


if __name__ == "__main__":
    main()
