"""`python -m benchmarks.stages`: where the CPU time of one message goes, stage by stage, without sockets.

Each stage runs alone in this process on the messages of the job and is charged all CPU time spent meanwhile.
Intake, begin and settle are measured in batches, as they run in production; a batch of one is what a single
client pays. Signing is reported separately from the rest of dressing. A yardstick (RSA-2048 with the same
library) shows how fast the machine is.
"""

import argparse
import asyncio
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.house import agent, closed, configuration, opened, submission
from benchmarks.message import body, header, recipient
from config.loader import load_text
from relay.delivery.dress import dressed
from relay.mail import footer, footer_text, mime
from relay.mail.dkim_key import generate_rsa
from relay.mail.unsubscribe import PATH
from relay.store.attempts import Begin, Settle, Tried
from relay.submission.intake import Judged, Prepared
from relay.submission.submission import Principal, Submission

BATCHES = (1, 10, 50)


class Stopwatch:
    """CPU milliseconds of this process with all its threads, by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    @contextmanager
    def of(self, stage: str, messages: int) -> Iterator[None]:
        """Charge the block to `stage`, divided by so many messages."""
        start = time.process_time()
        yield
        self.spent.setdefault(stage, []).append((time.process_time() - start) * 1000 / messages)

    def medians(self) -> dict[str, float]:
        """The median of each stage, in milliseconds for a message."""
        return {stage: round(sorted(times)[len(times) // 2], 4) for stage, times in self.spent.items()}


def yardstick(watch: Stopwatch) -> None:
    """The machine's current speed: one signature by the library that makes ours."""
    key = generate_rsa()
    for _ in range(50):
        with watch.of("yardstick: one RSA-2048 signature", 1):
            key.sign(os.urandom(300))


class Bench:
    """One installation in a folder, without sockets."""

    def __init__(self, folder: Path, size: int, count: int) -> None:
        self.app = opened(load_text(configuration(folder), "benchmark", folder, {}).settings)
        self.size, self.count = size, count
        self.watch = Stopwatch()

    async def run(self) -> dict[str, float]:
        """Every stage in the order of the flow."""
        await self.app.reader.call(lambda c: self.app.signers.load(c, self.app.clock()))
        who = await agent(self.app)
        gc.collect()
        gc.freeze()  # as a worker does after starting
        made = 0
        for batch in BATCHES:
            submissions = [self._submission(who, made + n) for n in range(self.count)]
            made += self.count
            prepared = [await self._prepare(s) for s in submissions]
            for start in range(0, self.count, batch):
                self._through(prepared[start : start + batch], batch)
        self._reading(self._submission(who, made).data)
        yardstick(self.watch)
        await closed(self.app)
        return self.watch.medians()

    def _submission(self, who: Principal, number: int) -> Submission:
        return submission(self.app, who, [recipient("stages", number)], header("stages", number) + body(self.size))

    async def _prepare(self, submission: Submission) -> Prepared:
        with self.watch.of("read, judge text, plan", 1):
            return await self.app.desk.prepare(submission)

    def _through(self, items: Sequence[Prepared], batch: int) -> None:
        """Take one batch through intake, begin, dress and settle."""
        judged: Sequence[Judged] = self._write(f"intake ×{batch}", self.app.intake, items)
        parcels = [j.parcel for j in judged if j.parcel is not None]
        assert len(parcels) == len(items), "the policy refused a message of the benchmark"
        at, node = self.app.clock(), self.app.node
        begins = [Begin(p, p.due, "sink", node, at) for p in parcels]
        self._write(f"begin ×{batch}", self.app.worker.means.begin, begins)
        self._dress(parcels)
        settles = [settled(p, node, at) for p in parcels]
        self._write(f"settle ×{batch}", self.app.worker.means.settle, settles)

    def _write(self, stage: str, handler: Callable[..., Any], items: Sequence[Any]) -> Any:
        with (
            self.app.database.writing.connect() as connection,
            self.watch.of(stage, len(items)),
            connection.begin(),
        ):
            return handler(connection, items)

    def _dress(self, parcels: Sequence[Any]) -> None:
        provider, wardrobe = self.app.settings.providers[0], self.app.worker.means.wardrobe
        unsigned = replace(wardrobe, signers=lambda _domain: wardrobe.signers("bench.example")[1:])
        for parcel in parcels:
            with self.watch.of("edit and sign (both keys)", 1):
                bytes(dressed(parcel.data, parcel, parcel.due, provider, wardrobe))
            with self.watch.of("edit and sign (Ed25519 alone)", 1):
                bytes(dressed(parcel.data, parcel, parcel.due, provider, unsigned))

    def _reading(self, data: bytes) -> None:
        links = self.app.links
        given = footer_text.render("The Bench", "1 Main St", f"{links.public_url}{PATH}{'A' * 90}")
        for _ in range(self.count):
            with self.watch.of("the MIME view alone", 1):
                seen = mime.view(data)
            with self.watch.of("the footer's plan alone", 1):
                footer.plan(seen, given, lambda url: links.subscription(url) is not None, links.host)


def settled(parcel: Any, node: str, at: int) -> Settle:
    """The first attempt at its only recipient, accepted by the provider."""
    due = replace(parcel.due[0], attempts=1)
    tried = Tried(due.n, 1, "delivered", phase="FINAL", code=250, reply="250 2.0.0 Ok", provider="sink", ended=at)
    return Settle(parcel, due, "delivered", node, at, tried=tried)


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--size", type=int, default=4096, help="octets a message (default 4096)")
    parser.add_argument("--count", type=int, default=200, help="messages a batch size (default 200)")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatepost-stages-") as folder:
        spent = asyncio.run(Bench(Path(folder), chosen.size, chosen.count).run())
    if chosen.json:
        print(json.dumps(spent))
        return
    print(f"CPU milliseconds a message, {chosen.size} octets, median")
    for stage, milliseconds in spent.items():
        print(f"  {stage:<36}{milliseconds:8.3f}")


if __name__ == "__main__":
    main()
