"""`python -m benchmarks.history`: what a long history costs, without sockets, on SQLite.

Four figures: deciding with every rule on, with an empty store and with millions of suppressions and past sends;
reading the text; `policy replay` over recorded decisions, in both directions; `audit verify` over a chain. The
two commands run as for an operator, each in a process of its own, and are reported with their time and peak
memory. The records are copies of real ones to one recipient, with ids of their own, chained as intake chains
them.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.house import agent, closed, configuration, opened, submission
from benchmarks.message import body, header, recipient
from benchmarks.stages import Stopwatch, yardstick
from config.loader import load
from policy.engine import decide
from policy.moment import iso
from policy.reading import read
from policy.secrets import SecretScanner
from relay.mail.header import HeaderBlock
from relay.mail.mime import view
from relay.mail.text import content
from relay.store import audit
from relay.store.engine import loads
from relay.store.rates import RateBook
from relay.store.recollection import Asked
from relay.store.snapshot import Snapshot
from relay.submission.intake import Prepared

BATCH = 50
DAYS = 29  # the age of the oldest record; all lie within `--since 30d`
_RULES = """
  recipient_lease: {{mode: enforce}}, warmup: {{mode: enforce, ramp: [1000000000]}},
  send_window: {{mode: enforce, days: [mon, tue, wed, thu, fri, sat, sun], start: "00:00", end: "23:59"}},
  recipient_domain_throttle: {{mode: enforce, limit: 100000000}},
  recipient_allowed: {{mode: {allowing}, domains: [{domains}]}},
  consent_validation: {{profiles: [can_spam]}}, loop_detection: {{transactional_mode: enforce}},
"""
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_SUPPRESSIONS = (
    "INSERT INTO suppressions (id, key, alias, address, scope, tenant_id, kind, created_at, expires_at)"
    f" {_NUMBERS} SELECT printf('sup_%08d', i), printf('gone%08d@example.net', i), printf('gone%08d@example.net', i),"
    " printf('gone%08d@example.net', i), 'tenant', :tenant, 'hard_bounce', 1, 0 FROM n"
)
_PEOPLE = (
    "INSERT INTO people (tenant_id, key, token, address)"
    f" {_NUMBERS} SELECT :tenant, printf('p%08d@example.org', i), printf('%016x', i), '' FROM n"
)
_CONTACTS = (
    "INSERT INTO contacts (tenant_id, key, mailbox_id, first_at, last_at, last_commercial_at, delivered_at)"
    f" {_NUMBERS} SELECT :tenant, printf('p%08d@example.org', i), :mailbox, 1, 1, 0, 1 FROM n"
)
_DUPLICATES = (
    "INSERT INTO duplicates (fingerprint, send_id, at, expires_at)"
    f" {_NUMBERS} SELECT i * 900000000000 - 4500000000000000000, 'send_past', 1, 9000000000000 FROM n"
)


class History:
    """One installation in a folder, and the operations on its history."""

    def __init__(self, folder: Path) -> None:
        self.config = self._configured(folder, "gatepost.yaml", hourly=100_000_000)
        self.app = opened(load(self.config).settings)
        self.database = self.app.database
        self.stricter = self._configured(folder, "stricter.yaml", hourly=1)
        self.looser = self._configured(folder, "looser.yaml", hourly=100_000_000, allowing="off")
        self.submitted = 0

    @staticmethod
    def _configured(folder: Path, name: str, *, hourly: int, allowing: str = "enforce") -> Path:
        rules = _RULES.format(allowing=allowing, domains=", ".join(f"rcpt{n}.example" for n in range(50)))
        path = folder / name
        path.write_text(configuration(folder, hourly=hourly, rules=rules), "utf-8")
        return path

    async def open(self) -> None:
        """Read everything with which submissions are judged."""
        await self.app.reader.call(lambda c: self.app.signers.load(c, self.app.clock()))
        self.principal = await agent(self.app)

    async def prepared(self, size: int, count: int, recipients: int = 1, beyond: str = "") -> list[Prepared]:
        """So many submissions, each to people never written to before; `beyond` is appended to their addresses."""
        made = []
        for _ in range(count):
            self.submitted += 1
            number = self.submitted
            to = [recipient(f"history{n}", number) + beyond for n in range(recipients)]
            sent = submission(self.app, self.principal, to, header("history", number) + body(size))
            made.append(await self.app.desk.prepare(sent))
        return made

    async def deciding(self, watch: Stopwatch, when: str, size: int, count: int) -> None:
        """What a decision costs for a recipient: reading the state, deciding, the whole intake."""
        for recipients in (1, BATCH):
            items = await self.prepared(size, count if recipients == 1 else 4, recipients)
            for start in range(0, len(items), BATCH // recipients):
                self._decide(watch, f"{when}, {recipients} a message", items[start : start + BATCH // recipients])

    async def refused(self, size: int, count: int) -> None:
        """Some submissions refused by the list of allowed domains, which a candidate would let through."""
        items = await self.prepared(size, count, beyond=".elsewhere")
        with self.database.transaction() as connection:
            assert not any(judged.answer.decision.accepted() for judged in self.app.intake(connection, items))

    def _decide(self, watch: Stopwatch, when: str, items: Sequence[Prepared]) -> None:
        people = sum(len(item.facts.recipients) for item in items)
        asked = [Asked.of(item.facts, item.policy) for item in items]
        with self.database.writing.connect() as connection:
            with connection.begin() as undone, watch.of(f"remember ({when})", people):
                snapshot = Snapshot.look(connection, asked, now=self.app.clock(), rates=RateBook())
                undone.rollback()
            states = [snapshot.state(a) for a in asked]
            with watch.of(f"decide ({when})", people):
                decisions = [decide(i.policy, i.facts, s) for i, s in zip(items, states, strict=True)]
            assert all(d.decision == "approved" for d in decisions), decisions[0].refusal
            with connection.begin(), watch.of(f"intake ({when})", people):
                self.app.intake(connection, items)

    def fill(self, suppressions: int, past: int) -> None:
        """A long history: suppressions, people, contacts and fingerprints of what was sent."""
        given = {"tenant": self.principal.tenant_id, "mailbox": self.principal.mailbox_id}
        with self.database.transaction() as connection:
            connection.execute(text(_SUPPRESSIONS), given | {"count": suppressions})
            for statement in (_PEOPLE, _CONTACTS, _DUPLICATES):
                connection.execute(text(statement), given | {"count": past})
        with self.database.writing.connect() as connection:  # so that later reads do not go through the log
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def chain(self, count: int) -> None:
        """Add records to the chain until there are so many: copies of real ones, spread over the past days."""
        with self.database.writing.connect() as connection:
            rows = (
                connection.execute(text("SELECT record FROM decisions WHERE length(record) < 20000 LIMIT 500"))
                .scalars()
                .all()
            )
            there = int(connection.execute(text("SELECT count(*) FROM decisions")).scalar_one())
        real = [loads(row) for row in rows]
        now, missing = self.app.clock(), count - there
        step = DAYS * 86_400_000 / max(1, missing)
        for start in range(0, missing, 1000):
            with self.database.transaction() as connection:
                numbers = range(start, min(start + 1000, missing))
                audit.append(connection, [_copy(real[n % len(real)], there + n, now - int(n * step)) for n in numbers])


def _copy(content: dict[str, Any], number: int, at: int) -> audit.Record:
    send_id = f"send_copy{number:012d}"
    own = {"sendId": send_id, "timestamp": iso(at)}
    return audit.Record(f"{content['tenant']}:benchmark", send_id, at, {**content, **own})


def read_text(watch: Stopwatch, size: int, count: int) -> None:
    """What reading the text once costs for a message: class, sketch and secrets."""
    scanner = SecretScanner.of(b"benchmark")
    for number in range(count):
        data = header("text", number) + body(size)
        shown = content(view(data, HeaderBlock.parse(data)))
        with watch.of("read the text", 1):
            read(shown, scanner)


def command(config: Path, *words: str) -> dict[str, Any]:
    """Run a command as an operator does; returns its output, seconds, CPU seconds and peak memory."""
    start = time.monotonic()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-m", "relay.cli.main", *words, "--json", "--config", str(config)], stdout=said
        ) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} failed")
        said.seek(0)
        found = _counts(json.load(said))
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    return found | {"seconds": round(time.monotonic() - start, 1), "cpu_seconds": round(cpu, 1), "rss_mib": memory}


def _counts(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("records", "holds", "decisions", "changed", "byRule") if name in answer}


async def measured(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Every figure, in the order in which the history grows."""
    history, watch = History(folder), Stopwatch()
    found: dict[str, Any] = {}
    await history.open()
    read_text(watch, chosen.size, chosen.count)
    await history.deciding(watch, "empty store", chosen.size, chosen.count)
    await history.refused(chosen.size, 20)
    history.chain(chosen.replayed)
    found["replay, stricter"] = command(history.config, "policy", "replay", "--with", str(history.stricter))
    found["replay, looser"] = command(history.config, "policy", "replay", "--with", str(history.looser))
    history.chain(chosen.records)
    found["audit verify"] = command(history.config, "audit", "verify")
    history.fill(chosen.suppressions, chosen.past)
    await history.deciding(watch, "full store", chosen.size, chosen.count)
    yardstick(watch)
    await closed(history.app)
    return {"cpu_milliseconds": watch.medians()} | found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--size", type=int, default=4096, help="octets a message (default 4096)")
    parser.add_argument("--count", type=int, default=500, help="messages decided (default 500)")
    parser.add_argument("--replayed", type=int, default=100_000, help="recorded decisions that are replayed")
    parser.add_argument("--records", type=int, default=1_000_000, help="recorded decisions that are verified")
    parser.add_argument("--suppressions", type=int, default=1_000_000)
    parser.add_argument("--past", type=int, default=10_000_000, help="past sends")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatepost-history-") as folder:
        print(json.dumps(asyncio.run(measured(Path(folder), chosen)), indent=1))


if __name__ == "__main__":
    main()
