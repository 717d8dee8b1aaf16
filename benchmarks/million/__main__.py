"""`python -m benchmarks.million`: fill a store, serve it, and time every list of the API and every screen.

    python -m benchmarks.million                          build in /var/tmp/gatepost-million (once), measure, print
    python -m benchmarks.million --only /messages         only addresses that contain this
    python -m benchmarks.million --serve                  serve it and wait, to be looked at by hand
    python -m benchmarks.million --messages 100000 --folder /var/tmp/small

The store is kept and used again; the program's schema has to be the one it was made with (`--anew` makes it
again). An address's figure is the median of its rounds; beside it stand the best round, the first answer (caches
cold), and the processor time the server spent on one: on a machine that is busy otherwise only the last speaks
of us. Exit code 1 when a median is over the budget or an answer is not 200.
"""

import argparse
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import yaml

from benchmarks.million import data
from benchmarks.million.addresses import api_urls, samples, screens
from benchmarks.million.letters import PROVIDERS

BUDGET = 200.0  # milliseconds
KEY = "bench-admin-key-0123456789"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Took:
    """One address, in milliseconds: median, best and first answer, processor time for one answer."""

    url: str
    status: int
    usual: float
    best: float
    first: float
    cpu: float
    octets: int

    @property
    def is_good(self) -> bool:
        """Whether it answered within the budget."""
        return self.status == 200 and self.usual <= BUDGET


def settings(folder: Path) -> dict[str, Any]:
    """Three tenants and forty mailboxes; no mail is to be delivered to the providers."""
    tenants, boxes = ("default", "acme", "globex"), []
    domains = [{"domain": f"{t}.example.net", "tenant": t, "verification": "trusted"} for t in tenants]
    for number in range(40):
        tenant = tenants[0 if number < 30 else 1 + number % 2]
        boxes.append({"name": f"box{number}", "fromAddress": f"box{number}@{tenant}.example.net", "tenant": tenant})
    smtp, http = free_port(), free_port()
    lab = {"provider": "smtp", "host": HOST, "port": 9, "tls": "none"}
    return {
        "version": 1,
        "server": {
            "hostname": "relay.example",
            "public_url": f"http://{HOST}:{http}",
            "data_dir": str(folder / "data"),
        },
        "storage": {"url": f"sqlite+aiosqlite:///{folder / 'gatepost.db'}"},
        "smtp": {"listeners": [{"bind": f"{HOST}:{smtp}", "tls": "none"}]},
        "http": {"bind": f"{HOST}:{http}", "admin_key": KEY},
        "tenants": [{"name": name} for name in tenants[1:]],
        "domains": [d | {"physical_address": "1 Main St"} for d in domains],
        "mailboxes": boxes,
        "deliveryConfig": {"providers": [lab | {"name": n, "weight": 1} for n in PROVIDERS]},
    }


def program() -> Path:
    """The `gatepost` program beside the Python that runs this."""
    return Path(sys.executable).with_name("gatepost")


def free_port() -> int:
    """A port nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def built(folder: Path, messages: int, *, anew: bool) -> Path:
    """The configuration of a store with so many messages, which is built if it does not exist yet."""
    from config.loader import load
    from relay.app.instance import Instance
    from relay.app.setup import prepare

    mark, file = folder / "messages", folder / "gatepost.yaml"
    is_there = mark.exists() and mark.read_text() == str(messages) and not anew
    if not is_there:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    file.write_text(yaml.safe_dump(settings(folder), sort_keys=False), "utf-8")
    if not is_there:
        started = time.perf_counter()
        loaded = load(file).settings
        prepare(loaded, Instance(loaded.server.data_dir))
        data.write(folder / "gatepost.db", messages)
        subprocess.run([program(), "report", "outcomes", "--config", file], check=True, stdout=subprocess.DEVNULL)
        mark.write_text(str(messages))
        size = (folder / "gatepost.db").stat().st_size
        say(f"built {messages:,} messages, {size / 1e9:.1f} GB, in {time.perf_counter() - started:.0f} s")
    return file


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    base: str
    pid: int

    def cpu(self) -> float:
        """Milliseconds of processor time of all its threads so far."""
        stats = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(stat.read_text("ascii").split()[0]) for stat in stats) / 1e6


@contextlib.contextmanager
def serving(file: Path) -> Iterator[Served]:
    """A server on that configuration."""
    base: str = yaml.safe_load(file.read_text("utf-8"))["server"]["public_url"]
    with (file.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen([program(), "serve", "--config", file], stdout=log, stderr=log, cwd=file.parent)
    try:
        while not is_ready(base):
            if process.poll() is not None:
                raise SystemExit(f"gatepost serve ended; see {file.parent / 'serve.log'}")
            time.sleep(0.1)
        yield Served(base, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def is_ready(base: str) -> bool:
    """Whether /readyz says so."""
    try:
        return httpx2.get(f"{base}/readyz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def signed_in(base: str) -> httpx2.Client:
    """A client signed in as the operator, both by key and by session."""
    api = httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {KEY}"}, timeout=120)
    answered = api.post("/sign-in", data={"key": KEY}, headers={"Origin": base})
    if answered.status_code != 303:
        raise SystemExit(f"signing in was answered with {answered.status_code}")
    return api


# -- measuring ------------------------------------------------------------------------------


def measure(api: httpx2.Client, served: Served, url: str, rounds: int) -> Took:
    """How long an address takes, measured by a client on this machine."""
    spent, before = [], served.cpu()
    for _ in range(rounds + 1):
        started = time.perf_counter()
        answered = api.get(url)
        spent.append((time.perf_counter() - started) * 1000)
    cpu = (served.cpu() - before) / len(spent)
    return Took(url, answered.status_code, median(spent[1:]), min(spent[1:]), spent[0], cpu, len(answered.content))


def say(words: str) -> None:
    """Print a line of progress."""
    print(words, file=sys.stderr, flush=True)


HEAD = f"{'median':>9} {'best':>9} {'first':>9} {'cpu':>9} {'octets':>9}  address (milliseconds)"


def line(row: Took) -> str:
    """One row of the table."""
    mark = "" if row.is_good else f"   <- {row.status if row.status != 200 else 'slow'}"
    times = " ".join(f"{value:9.1f}" for value in (row.usual, row.best, row.first, row.cpu))
    return f"{times} {row.octets:9}  {row.url}{mark}"


def table(rows: list[Took]) -> str:
    """The table, slowest first."""
    return "\n".join([HEAD, *map(line, sorted(rows, key=lambda row: -row.usual))])


def arguments() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="benchmarks.million", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/gatepost-million"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only addresses that contain this")
    parser.add_argument("--anew", action="store_true", help="make the store again")
    parser.add_argument("--serve", action="store_true", help="serve it until Ctrl-C instead of measuring")
    parser.add_argument("--json", action="store_true", help="a line of JSON an address on standard output")
    return parser.parse_args()


def main() -> int:
    """Build, serve, measure."""
    given = arguments()
    file = built(given.folder, given.messages, anew=given.anew)
    with serving(file) as served:
        if given.serve:
            say(f"{served.base}  key {KEY}  (Ctrl-C ends it)")
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
            return 0
        with contextlib.closing(signed_in(served.base)) as api:
            known = samples(api)
            urls = [url for url in (*api_urls(api, known), *screens(api, known)) if given.only in url]
            rows = []
            for url in urls:
                rows.append(measure(api, served, url, given.rounds))
                say(line(rows[-1]))
    for row in rows if given.json else ():
        print(json.dumps(asdict(row)))
    slow = [row for row in rows if not row.is_good]
    say(f"\n{table(rows)}\n\n{len(rows)} addresses, {len(slow)} over {BUDGET:.0f} ms or not answered")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
