"""The promise «nothing lost, nothing twice» under kill -9 and a provider that misbehaves at every phase.

Clients send until each of their messages has had its 250, repeating what was not answered with
the same Message-ID, as any client does. Meanwhile the server is killed and started again. In the
end every accepted message has reached the provider, none more often than is excused by an answer
nobody read or that was being noted when the server died. What is counted is counted at the
provider, before its reply is written.

`python -m tests.soak --messages 20000 --kills 100` (or `make soak ARGS=…`); the suite runs a short one.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.ledger import Ledger
from tests.support.provider import Provider
from tests.support.provider_process import shares
from tests.support.server import Server
from tests.support.settings import ADDRESS, Tree, merged, settings
from tests.support.smtp import Client

# A little of everything that ends soon. What hangs after the dot waits five minutes by right: ask for it by name.
FAULTS = (
    "greeting_421=0.03,greeting_drop=0.03,ehlo_drop=0.02,mail_421=0.02,mail_451=0.02,mail_drop=0.02,rcpt_drop=0.02,"
)
FAULTS += "rcpt_451=0.02,data_451=0.02,data_drop=0.02,body_drop=0.01,dot_451=0.02,dot_drop=0.01,dot_taken_drop=0.02"
OURS = "@soak.test>"  # what the Message-IDs of the clients' messages end with
QUICK_RETRIES: Tree = {
    "deliveryConfig": {
        "retry": ["1s"],
        "uncertain": {"wait": "1s"},
        "breaker": {"failures": 1000},
    }
}
AT_THE_LIMIT = 200  # refusals in a row after which nobody can be about to give a place back


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it."""

    messages: int = 1000
    connections: int = 20
    per_connection: int = 10
    kills: int = 10
    workers: int = 1
    machines: int = 1  # more than one share the storage, which is PostgreSQL then
    one_worker: bool = False  # killed at a time, and replaced by its supervisor; otherwise the whole machine
    replaced: bool = True  # whether a killed machine is started again; otherwise the others take over what it held
    limit: int = 0  # the hourly limit of the only mailbox; the clients go on until so many were accepted
    faults: str = ""
    storage: str = ""
    seed: int = 1
    patience: float = 120.0  # seconds that may pass without any progress

    @property
    def accepted(self) -> int:
        """How many messages are accepted in the end."""
        return self.limit or self.messages


@dataclass(slots=True)
class Account:
    """What the clients were told."""

    accepted: dict[str, str] = field(default_factory=dict)  # Message-ID to the reply
    unanswered: int = 0
    refused_for_now: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, message_id: str, reply: str) -> None:
        """Notes a 250."""
        with self.lock:
            self.accepted[message_id] = reply


def recipient(number: int) -> str:
    """Each message has a recipient of its own."""
    return f"r{number}@to{number % 40}.example.net"


def message(number: int) -> bytes:
    """A message that can be told from all others, the same at each try."""
    fields = (
        f"From: <{ADDRESS}>",
        f"To: <{recipient(number)}>",
        f"Subject: Report {number}",
        f"Message-ID: <{number}@soak.test>",
        "Date: Tue, 24 Mar 2026 10:00:00 +0000",
    )
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + b"line\r\n..dot\r\n" * 20


class Clients:
    """Threads that send, each on one connection after the other, until all is accepted."""

    def __init__(self, servers: Sequence[Server], plan: Plan) -> None:
        self.account = Account()
        self._servers, self._plan = servers, plan
        self._turns = itertools.count()
        self._todo = list(range(plan.messages))
        self._lost: dict[int, int] = {}  # messages whose answer never came: how often they were put off since
        self._end = threading.Event()
        self.is_up = threading.Event()
        self.is_up.set()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(plan.connections)]
        for thread in self._threads:
            thread.start()

    def are_busy(self) -> bool:
        """Whether anything is left to send."""
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Sends no more."""
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def _work(self) -> None:
        todo: list[int] = []
        while not self._is_over() and (todo or (todo := self._take())):
            try:
                self._send(todo)
            except (ConnectionError, TimeoutError, EOFError, ValueError):
                with self.account.lock:
                    self.account.unanswered += 1
                self._end.wait(0.02)
                self.is_up.wait(30)

    def _is_over(self) -> bool:
        return self._end.is_set() or len(self.account.accepted) >= self._plan.accepted

    def _take(self) -> list[int]:
        with self.account.lock:
            mine, self._todo = self._todo[: self._plan.per_connection], self._todo[self._plan.per_connection :]
        return mine

    def _send(self, todo: list[int]) -> None:
        with self._servers[next(self._turns) % len(self._servers)].connect() as client:
            while todo and not self._is_over():
                self._submit(client, todo)

    def _submit(self, client: Client, todo: list[int]) -> None:
        try:
            reply = client.submit(ADDRESS, [recipient(todo[0])], message(todo[0]))
        except (ConnectionError, TimeoutError, EOFError, ValueError):
            self._lost[todo[0]] = 0
            raise
        if reply.code == 250:
            self.account.accept(f"<{todo.pop(0)}@soak.test>", reply.text)
        elif 400 <= reply.code < 500:
            with self.account.lock:
                self.account.refused_for_now += 1
            if self._holds_a_place(todo[0]):
                self.account.accept(f"<{todo.pop(0)}@soak.test>", reply.text)
            if client.command("RSET").code == 421:  # it has had its share of them: no answer to a message is lost
                raise ConnectionError
            self._end.wait(0.05)
        else:
            raise AssertionError(f"refused for good: {reply}")

    def _holds_a_place(self, number: int) -> bool:
        """Whether a message was taken though its answer was lost: at the limit it is put off at RCPT, for ever.

        Nobody can know at RCPT that it is the same message; what came of it the provider tells in the end.
        """
        if not self._plan.limit or number not in self._lost:
            return False
        self._lost[number] += 1
        return self._lost[number] > AT_THE_LIMIT


def soak(plan: Plan, folder: Path) -> dict[str, Any]:
    """Runs it; the accounts, with everything that is wrong under `wrong`."""
    folder.mkdir(parents=True, exist_ok=True)
    provider = Provider(ledger=Ledger(keep=False))
    servers = [_machine(plan, folder / str(number), provider) for number in range(plan.machines)]
    if plan.faults:
        provider.script = shares(dict(pair.split("=", 1) for pair in plan.faults.split(",")) | {"seed": str(plan.seed)})
    try:
        for server in servers:
            server.start()
        kills, account = _storm(plan, servers, provider)
        _settle(plan, provider, account)
        alive = next(server for server in servers if server.is_running())
        undelivered = _undelivered(alive, provider, account)
        tracebacks = sum(server.logs().count("Traceback") for server in servers)
        unexcused = _unexcused(alive, provider)
        return _balance(plan, kills, account, provider, undelivered, unexcused) | {"tracebacks": tracebacks}
    finally:
        for server in servers:
            server.close()
        provider.close()


def _machine(plan: Plan, folder: Path, provider: Provider) -> Server:
    """One installation with its own data directory; several share the storage and the secret key."""
    folder.mkdir()
    own = {"workers": plan.workers, "secret_key": "a-key-many-machines-share-0123456789"}
    changes = merged(QUICK_RETRIES, {"server": own})
    if plan.storage:
        changes = merged(changes, {"storage": {"url": plan.storage}})
    if plan.limit:
        changes = merged(changes, {"policies": {"default": {"rateLimits": {"hourly": plan.limit}}}})
    quick = provider.settings(timeouts={"connect": "2s", "command": "2s"})
    return Server(folder, settings(folder, changes, providers=[quick]))


def _storm(plan: Plan, servers: Sequence[Server], provider: Provider) -> tuple[int, Account]:
    """Sending and killing; how often somebody was killed and what the clients were told."""
    chance = random.Random(plan.seed)
    moments = sorted(chance.randrange(plan.accepted) for _ in range(plan.kills))
    clients, kills = Clients(servers, plan), 0
    progress = _Progress(plan.patience)
    pause = threading.Event()
    while clients.are_busy():
        pause.wait(0.01)
        logs = "\n".join(server.logs()[-4000:] for server in servers)
        progress.see((len(clients.account.accepted), kills), f"the clients, {provider.ledger}\n{logs}")
        if moments and len(clients.account.accepted) >= moments[0]:
            moments.pop(0)
            pause.wait(chance.random() * 0.2)
            kills += 1
            victim = chance.choice([server for server in servers if server.is_running()])
            _kill(plan, victim, clients)
    clients.end()
    return kills, clients.account


def _kill(plan: Plan, victim: Server, clients: Clients) -> None:
    if plan.one_worker:
        os.kill(max(victim.workers()), signal.SIGKILL)
        return
    if plan.machines == 1:
        clients.is_up.clear()
    victim.kill9()
    if plan.replaced:
        victim.start()
    clients.is_up.set()


def ours(provider: Provider) -> Counter[tuple[str, str]]:
    """The copies of what the clients sent; a notice that an outcome stayed unknown is the server's own."""
    return Counter({key: n for key, n in list(provider.ledger.copies.items()) if key[0].endswith(OURS)})


def _settle(plan: Plan, provider: Provider, account: Account) -> None:
    """Waits until the provider has everything, or nothing more comes."""
    wanted = len(account.accepted)
    last, deadline = -1, 0.0
    quiet = min(plan.patience, 20.0) if plan.replaced else plan.patience  # a dead machine is missed after a while
    while (arrived := len(ours(provider))) < wanted:
        if arrived != last:
            last, deadline = arrived, time.monotonic() + quiet
        elif time.monotonic() > deadline:
            return
        with contextlib.suppress(AssertionError):
            provider.ledger.wait(lambda _: len(ours(provider)) >= wanted, 1.0)


def _undelivered(server: Server, provider: Provider, account: Account) -> dict[str, str]:
    """The accepted messages the provider never took, each with the state Gatepost reports."""
    delivered = {message_id for message_id, _ in provider.ledger.copies}
    missing = {}
    with server.api() as api:
        for message_id in account.accepted.keys() - delivered:
            found = api.get("/v1/sends", params={"messageId": message_id}).json()["data"]
            missing[message_id] = " ".join(api.get(f"/v1/sends/{send['sendId']}").text for send in found)
    return missing


def _unexcused(server: Server, provider: Provider) -> dict[tuple[str, str], object]:
    """What Gatepost says of what came too often.

    Excused are answers nobody read, and attempts that were under way when somebody was killed. Of those Gatepost
    itself says that it does not know: an event `delivery.uncertain`, reason `crashed` (faults R4).
    """
    found = {}
    copies = ours(provider)
    with server.api() as api:
        for key, count in provider.ledger.unexplained().items():
            if key not in copies:
                continue
            sends = api.get("/v1/sends", params={"messageId": key[0]}).json()["data"]
            told = [api.get(f"/v1/sends/{send['sendId']}").text for send in sends]
            if count > 1 + sum(text.count('"crashed"') for text in told):
                found[key] = {"copies": copies[key], "answers lost": provider.ledger.lost_copies[key], "sends": told}
    return found


def _balance(
    plan: Plan,
    kills: int,
    account: Account,
    provider: Provider,
    undelivered: Mapping[str, str],
    twice: Mapping[tuple[str, str], object],
) -> dict[str, Any]:
    ledger, copies = provider.ledger, ours(provider)
    # Cut off twice between MAIL and the noted answer, nobody can know: the one way to end without having arrived.
    lost = {name: state for name, state in undelivered.items() if "outcome_unknown" not in state}
    wrong = {
        "not accepted": plan.accepted - len(account.accepted),
        "over the limit": max(0, len(copies) - plan.accepted),
        "lost": lost,
        "twice": {" ".join(key): what for key, what in twice.items()},
        "never accepted, yet delivered": [name for name, _ in copies if name not in account.accepted],
        "malformed at the provider": ledger.violations[:5],
    }
    return {
        "messages": plan.messages,
        "kills": kills,
        "accepted": len(account.accepted),
        "unanswered, sent again": account.unanswered,
        "refused for now, sent again": account.refused_for_now,
        "delivered": len(copies),
        "copies": copies.total(),
        "copied twice": sum(n > 1 for n in copies.values()),
        "answers lost": sum(ledger.lost_copies.values()),
        "outcome unknown": len(undelivered) - len(lost),
        "wrong": {name: what for name, what in wrong.items() if what},
    }


class _Progress:
    """Fails when nothing moves for too long."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: object = None
        self._since = time.monotonic()

    def see(self, now: object, who: str) -> None:
        """Takes note of where things stand."""
        if now != self._last:
            self._last, self._since = now, time.monotonic()
        elif time.monotonic() - self._since > self._patience:
            raise AssertionError(f"no progress for {self._patience:g} s at {now}: {who}")


def rounds(given: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """One run a seed, until the time is over."""
    deadline = time.monotonic() + given.minutes * 60
    seed = given.seed
    while True:
        names = ("messages", "connections", "kills", "workers", "machines", "limit", "faults", "storage")
        plan = Plan(**{name: getattr(given, name) for name in names}, seed=seed)
        yield {"seed": seed} | soak(plan, folder / str(seed))
        seed += 1
        if time.monotonic() > deadline:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it as the command line says; exit code 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="soak", description="Nothing lost, nothing twice, under kill -9 and faults.")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--machines", type=int, default=1, help="share the storage, which has to be PostgreSQL")
    parser.add_argument("--limit", type=int, default=0, help="the mailbox's hourly limit, below --messages")
    parser.add_argument("--faults", default=FAULTS, help="NAME=SHARE,… of tests/support/script.py; empty: none")
    parser.add_argument("--storage", default="", help="storage URL; default: SQLite")
    parser.add_argument("--minutes", type=float, default=0, help="repeat with new seeds for so long")
    parser.add_argument("--seed", type=int, default=1)
    sound = True
    with tempfile.TemporaryDirectory(prefix="gatepost-soak-") as folder:
        for result in rounds(parser.parse_args(arguments), Path(folder)):
            print(json.dumps(result, indent=1), flush=True)
            sound = sound and not result["wrong"]
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
