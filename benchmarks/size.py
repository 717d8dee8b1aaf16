"""`python -m benchmarks.size`: what the same message costs with an empty store and with a very large one.

Two installations side by side, one empty, the other filled with suppressions, people, contacts, duplicates,
past and queued submissions. Both do the same work alternately, at the same time: intake, begin and settle in
batches, to random recipients among those remembered. Then deliveries are claimed from the queue, the server is
started as after a crash, and old data is swept. The state is written by the database itself, in bulk and
without fsync; everything measured runs as in production.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from benchmarks.__main__ import storage
from benchmarks.house import agent, closed, configuration, opened, submission
from benchmarks.message import DOMAIN, SENDER, body, new_name
from benchmarks.report import quantile
from benchmarks.stages import settled
from config.loader import load_text
from relay.app.instance import Instance
from relay.app.setup import prepare
from relay.mail.ids import first_id
from relay.store.accounts import mailbox
from relay.store.attempts import Begin
from relay.store.nodes import register_node
from relay.store.pruning import Seal
from relay.store.queue import claim, next_due
from relay.store.retention import STEP, sweeps
from relay.submission.submission import Principal, Submission

DAY = 86_400_000
BATCH = 50


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is remembered, in rows."""

    suppressions: int = 10_000_000
    past: int = 10_000_000  # rows each of people, contacts and duplicates
    history: int = 1_000_000  # ended submissions with their deliveries
    queued: int = 1_000_000
    body: int = 1024


def known(number: int) -> str:
    """The address of a remembered recipient."""
    return f"u{number:08d}@past{number % 50}.example"


# -- filling ----------------------------------------------------------------------------------


class Filler:
    """Writes the state of years in minutes, using the database's own statements."""

    def __init__(self, connection: Connection, tenant: str, box: str, now: int) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._now = now
        self._given: dict[str, Any] = {"tenant": tenant, "box": box, "now": now, "day": DAY}

    def fill(self, amounts: Amounts) -> dict[str, float]:
        """Write everything; returns the seconds that each part took."""
        spent = {}
        for name, count, statements in self._parts(amounts):
            began = time.perf_counter()
            for statement in statements:
                self._run(statement, count)
            spent[name] = round(time.perf_counter() - began, 1)
            print(f"  {count:>12,} {name} in {spent[name]} s", file=sys.stderr, flush=True)
        return spent

    def _run(self, statement: str, count: int) -> None:
        words = statement.replace("{i}", "printf('%08d', i)" if self._sqlite else "lpad(i::text, 8, '0')")
        source = (
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n) AS n"
            if self._sqlite
            else "generate_series(1, CAST(:count AS bigint)) AS n(i)"
        )
        given = {name: value for name, value in self._given.items() if f":{name}" in words}
        self._connection.execute(text(f"{words} FROM {source}"), given | {"count": count})
        self._connection.commit()

    def _parts(self, amounts: Amounts) -> Iterator[tuple[str, int, Sequence[str]]]:
        half, spread = (amounts.past + 1) // 2, (2**63 - 1) // max(1, amounts.past) * 2  # over all 64 bits
        yield "suppressions", amounts.suppressions, [_SUPPRESSIONS]
        yield "people and contacts", amounts.past, [_PEOPLE, _CONTACTS]
        yield "duplicates", amounts.past, [_DUPLICATES.format(half=half, spread=spread, i="{i}")]
        yield "submissions that ended", amounts.history, self._submissions(20 * DAY, "delivered", 0)
        yield "submissions that wait", amounts.queued, self._submissions(3_600_000, "queued", amounts.body)

    def _submissions(self, age: int, state: str, octets: int) -> Sequence[str]:
        """Submissions with their deliveries, and with bodies if `octets` is not 0."""
        # All ids are of the same moment; the number at their end makes them unique and keeps their order.
        ident = f"'{first_id('send', self._now - age)[:-8]}' || {{i}}"
        made = [words.format(ident=ident, state=state, age=age, i="{i}") for words in (_SENDS, _DELIVERIES)]
        if octets:
            data = f"zeroblob({octets})" if self._sqlite else f"convert_to(repeat('x', {octets}), 'UTF8')"
            made.append(f"INSERT INTO bodies (send_id, data) SELECT {ident}, {data}")
        return made


_SUPPRESSIONS = """INSERT INTO suppressions (id, key, alias, address, scope, tenant_id, kind, created_at)
    SELECT 'sup_' || {i}, 's' || {i} || '@gone.example', 's' || {i} || '@gone.example', 's' || {i} || '@gone.example',
    'tenant', :tenant, 'hard', :now
"""
_PEOPLE = """INSERT INTO people (tenant_id, key, token, address)
    SELECT :tenant, 'u' || {i} || '@past' || (i % 50) || '.example', 'p' || {i}, 'u' || {i}
"""
_CONTACTS = """INSERT INTO contacts (tenant_id, key, mailbox_id, first_at, last_at, delivered_at) SELECT :tenant,
    'u' || {i} || '@past' || (i % 50) || '.example', :box, :now - 2 * :day, :now - 2 * :day, :now - 2 * :day
"""
_DUPLICATES = """INSERT INTO duplicates (fingerprint, send_id, at, expires_at)
    SELECT (i - {half}) * {spread}, 'send_' || {i}, :now - :day, :now + i % 30 * :day + 3600000
"""
_SENDS = """INSERT INTO sends (id, tenant_id, mailbox_id, source, mail_from, from_address, subject, message_id, size,
    message_class, decision, received_at) SELECT {ident}, :tenant, :box, 'smtp', 'agent@bench.example',
    'agent@bench.example', 'Report ' || i, '<' || {i} || '.{age}@bench.example>', 4096, 'transactional', 'approved',
    :now - {age}
"""
_DELIVERIES = """INSERT INTO deliveries (send_id, n, tenant_id, mailbox_id, recipient, recipient_key, domain, state,
    due_at, queued_at, size, updated_at) SELECT {ident}, 1, :tenant, :box,
    'u' || {i} || '@past' || (i % 50) || '.example', 'u' || {i} || '@past' || (i % 50) || '.example',
    'past' || (i % 50) || '.example', '{state}', :now - {age} + i % 3600000, :now - {age}, 4096, :now - {age}
"""


# -- an installation --------------------------------------------------------------------------


class House:
    """One installation without sockets."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        text = configuration(folder, url, rules='cooldown: {mode: "off"},')
        self.settings = load_text(text, "benchmark", folder, {}).settings
        self.app = opened(self.settings)
        self.spent: dict[str, list[tuple[float, float]]] = {}

    def fill(self, amounts: Amounts) -> dict[str, float]:
        """Fill the store with so many rows."""
        with self.app.database.writing.connect() as connection:
            if self.app.database.is_sqlite:
                driver: Any = connection.connection.driver_connection  # before SQLAlchemy begins a transaction
                for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-262144"):
                    driver.execute(f"PRAGMA {pragma}")
            row: Any = mailbox(connection, "agent")
            spent = Filler(connection, row.tenant_id, row.id, self.app.clock()).fill(amounts)
            if not self.app.database.is_sqlite:
                connection.exec_driver_sql("ANALYZE")
            connection.commit()
        self.app.database.writing.dispose()  # so that the next connection is set to be durable again
        return spent

    @contextmanager
    def timed(self, stage: str, messages: int) -> Iterator[None]:
        """Charge the CPU and wall milliseconds of the block to a stage, divided by the number of messages."""
        wall, used = time.perf_counter(), time.thread_time()
        yield
        used, wall = time.thread_time() - used, time.perf_counter() - wall
        self.spent.setdefault(stage, []).append((used * 1000 / messages, wall * 1000 / messages))

    async def work(self, numbers: Sequence[int], octets: bytes) -> None:
        """Take one batch through intake, begin and settle."""
        who = await agent(self.app)
        prepared = [await self.app.desk.prepare(self._submission(who, n, octets)) for n in numbers]
        judged = self._write("intake", self.app.intake, prepared)
        parcels = [j.parcel for j in judged if j.parcel is not None]
        assert len(parcels) == len(numbers), "the policy refused a message of the benchmark"
        means, at = self.app.worker.means, self.app.clock()
        self._write("begin", means.begin, [Begin(p, p.due, "sink", self.app.node, at) for p in parcels])
        self._write("settle", means.settle, [settled(p, self.app.node, at) for p in parcels])

    def _submission(self, who: Principal, number: int, octets: bytes) -> Submission:
        name = new_name()
        head = f"From: <{SENDER}>\r\nTo: <{known(number)}>\r\nSubject: Report {name}\r\n"
        head += f"Message-ID: <{name}@{DOMAIN}>\r\nDate: Tue, 24 Mar 2026 10:00:00 +0000\r\n"
        return submission(self.app, who, [known(number)], head.encode() + octets)

    def _write(self, stage: str, handler: Any, items: Sequence[Any]) -> Any:
        with (
            self.app.database.turn(),
            self.app.database.writing.connect() as connection,
            self.timed(stage, len(items)),
            connection.begin(),
        ):
            return handler(connection, items)

    def claims(self, times: int) -> None:
        """Look and claim as a worker does, then return everything as when a dead node's deliveries are released."""
        app = self.app
        for _ in range(times):
            with self.timed("look for what is due", 1), app.database.asking.connect() as connection:
                next_due(connection)
            with app.database.transaction() as connection, self.timed("claim 200", 1):
                claim(connection, node="bench.0.claims", now=app.clock(), limit=200)

    def recover(self) -> None:
        """Start as after a crash: schema, declarations, keys, and releasing what the dead process held."""
        with self.app.database.transaction() as connection:
            own, now = self.app.instance, self.app.clock()
            register_node(connection, node="bench.0.claims", instance=own, slot=0, pid=1, host="bench", now=now)
        instance = Instance(self.settings.server.data_dir)
        with self.timed("start after a crash", 1):
            prepare(self.settings, instance)

    def sweep(self) -> dict[str, Any]:
        """One day's retention; rows a second and the longest step, by kind."""
        app = self.app
        told: dict[str, Any] = {}
        seal = Seal(app.vault.sign, app.vault.public_key)
        kept = self.settings.retention.model_copy(update={"messages": timedelta(days=10), "events": timedelta(days=10)})
        for one in sweeps(kept, app.clock() + 2 * DAY, seal, cut=not app.database.is_sqlite):
            rows, steps = 0, list[float]()
            while len(steps) < 40:
                began = time.perf_counter()
                with app.database.transaction() as connection:
                    gone = one.step(connection)
                steps.append(time.perf_counter() - began)
                rows += gone
                if gone < STEP:
                    break
            told[one.name] = {
                "rows": rows,
                "rows_a_second": round(rows / sum(steps)),
                "longest_step_ms": round(max(steps) * 1000, 1),
            }
        return told

    def octets(self) -> dict[str, int]:
        """The size of the files, in MB."""
        file = self.app.database.file
        if file is None:
            return {}
        return {p.name: p.stat().st_size // 1_000_000 for p in sorted(file.parent.glob("gatepost.db*")) if p.is_file()}

    def medians(self) -> dict[str, dict[str, float]]:
        """For each stage: CPU and wall milliseconds, and the wall time's 99th percentile."""
        return {
            stage: {
                "cpu_ms": round(quantile([cpu for cpu, _ in times], 0.5), 3),
                "wall_ms": round(quantile([wall for _, wall in times], 0.5), 3),
                "wall_p99_ms": round(quantile([wall for _, wall in times], 0.99), 3),
            }
            for stage, times in self.spent.items()
        }


async def compare(empty: House, large: House, amounts: Amounts, batches: int) -> dict[str, Any]:
    """Both alternately, then what only the large one can show."""
    chance, octets = random.Random(7), body(4096)
    for _ in range(batches):
        numbers = chance.sample(range(1, max(amounts.past, BATCH) + 1), BATCH)
        for house in (empty, large):
            await house.work(numbers, octets)
    for house in (empty, large):
        house.claims(20)
        house.recover()
    told, very = empty.medians(), large.medians()
    result = {
        "amounts": asdict(amounts),
        "messages": batches * BATCH,
        "empty": told,
        "large": very,
        "cpu_large_to_empty": {
            stage: round(very[stage]["cpu_ms"] / max(1e-6, told[stage]["cpu_ms"]), 3) for stage in told
        },
        "files_mb": large.octets(),
        "retention": large.sweep(),
        "files_mb_after": large.octets(),
    }
    await closed(empty.app)
    await closed(large.app)
    return result


def main() -> None:
    """Fill, compare, print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    for name, value in asdict(Amounts()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batches", type=int, default=100, help=f"of {BATCH} messages each, on both")
    parser.add_argument("--storage", default="", help="«postgresql» starts a private server; default: SQLite")
    parser.add_argument("--folder", type=Path, help="where the large state goes, and is found again")
    given = parser.parse_args()
    amounts = Amounts(**{name: getattr(given, name) for name in asdict(Amounts())})
    with tempfile.TemporaryDirectory(prefix="gatepost-size-", dir="/var/tmp") as temporary:
        base = given.folder or Path(temporary)
        with storage(given.storage) as one, storage(given.storage) as other:
            empty, large = House(Path(temporary) / "empty", one), House(base / "large", other)
            marker = base / "large" / "filled"
            if not marker.exists():
                large.fill(amounts)
                marker.write_text(json.dumps(asdict(amounts)))
            print(json.dumps(asyncio.run(compare(empty, large, amounts, given.batches)), indent=1))


if __name__ == "__main__":
    main()
