"""The brief's three providers, 80 and 20 and a backup, with real messages counted at three real sinks.

First all are well, and each gets its share. Then the first two are gone: everything goes by the
backup, in the round it began. Then they are back, and the first one is not overrun: it gets one
message, and while that is on its way no other, then two at once, four and eight, however many
wait. At the end the shares are what they were.

`python -m tests.split --messages 5000` (or `make soak`); the suite runs a short one.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.ledger import Ledger
from tests.support.provider import Provider
from tests.support.script import Asked, Hold, Script
from tests.support.server import Server
from tests.support.settings import ADDRESS, Tree, settings
from tests.support.waiting import until

BREAKER: Tree = {"deliveryConfig": {"breaker": {"open_for": "1s", "open_at_most": "1s"}}}
CONNECTIONS = 10
WAVE = 20  # messages that come while the provider that is back has others in hand
PATIENCE = 30.0  # seconds without what must come


class Sluice:
    """A provider's script: each message waits at its dot until it is let through, and it is counted how many do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._gates: list[threading.Event] = []
        self._inside = self._through = 0
        self.at_once: list[int] = []  # at each MAIL, how many there were
        self.overrun: list[str] = []  # the times when there were more than one more than had been taken
        self.script = Script().on(mail=self._comes, dot=self._waits)

    def _comes(self, _: Asked) -> None:
        with self._changed:
            self._inside += 1
            self.at_once.append(self._inside)
            if self._inside > self._through + 1:
                self.overrun.append(f"{self._inside} at once after {self._through}")

    def _waits(self, _: Asked) -> Hold:
        with self._changed:
            self._gates.append(threading.Event())
            self._changed.notify_all()
            return Hold(self._gates[-1])

    def let_through(self, messages: int) -> None:
        """Takes so many, once they are all there."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._gates) >= messages, PATIENCE), self.at_once
            gates, self._gates = self._gates[:messages], self._gates[messages:]
            self._inside -= messages
            self._through += messages
        for gate in gates:
            gate.set()

    def empty(self) -> None:
        """Takes whatever is there."""
        self.let_through(len(self._gates))


class Stage:
    """A server and its three providers."""

    def __init__(self, folder: Path) -> None:
        self.primary, self.secondary, self.backup = (Provider(ledger=Ledger(keep=False)) for _ in range(3))
        entries = [
            self.primary.settings("primary", weight=80),
            self.secondary.settings("secondary", weight=20),
            self.backup.settings("backup", weight=0, failover=True),
        ]
        self.server = Server(folder, settings(folder, BREAKER, providers=entries))
        self._numbers = count()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """In the order of the file."""
        return self.primary, self.secondary, self.backup

    @property
    def counts(self) -> tuple[int, ...]:
        """The copies each sink has."""
        return tuple(provider.ledger.copies.total() for provider in self.providers)

    def send(self, messages: int) -> None:
        """Submits so many; all of them are accepted."""
        numbers = [next(self._numbers) for _ in range(messages)]
        with ThreadPoolExecutor(CONNECTIONS) as clients:
            list(clients.map(self._submit, [part for i in range(CONNECTIONS) if (part := numbers[i::CONNECTIONS])]))

    def _submit(self, numbers: Sequence[int]) -> None:
        with self.server.connect() as client:
            for number in numbers:
                reply = client.submit(ADDRESS, [f"r{number}@to{number % 40}.example.net"], message(number))
                assert reply.code == 250, reply

    def shares(self, messages: int) -> tuple[int, ...]:
        """Sends so many and waits until all have arrived; how many of them each sink got."""
        before = self.counts
        self.send(messages)
        self.arrived()
        return tuple(now - then for now, then in zip(self.counts, before, strict=True))

    def is_done(self) -> bool:
        """Whether everything that was accepted is delivered."""
        return not self.ask("SELECT count(*) FROM deliveries WHERE state <> 'delivered'")

    def arrived(self) -> None:
        """Waits until everything that was accepted is delivered, and once."""
        until(self.is_done, PATIENCE)
        assert sum(self.counts) == self.ask("SELECT count(*) FROM deliveries"), self.counts

    def ask(self, question: str) -> int:
        """A number from the store."""
        return int(self.server.rows(question)[0][0])

    def close(self) -> None:
        """Ends everything."""
        self.server.close()
        for provider in self.providers:
            provider.close()


def message(number: int) -> bytes:
    """A message that can be told from all others."""
    return (
        f"From: <{ADDRESS}>\r\nSubject: Report {number}\r\nMessage-ID: <{number}@split.test>\r\n\r\nhello\r\n".encode()
    )


def split(messages: int, folder: Path) -> dict[str, Any]:
    """Plays it; the counts, with everything that is wrong under `wrong`."""
    with closing(Stage(folder)) as stage:
        stage.server.start()
        well = stage.shares(messages)
        down = _without_two(stage, messages // 5)
        sluice = _back(stage)
        again = stage.shares(messages // 5)
        wrong = {
            "shares": _off(well, messages),
            "not by the backup at once": [] if down["shares"][:2] == (0, 0) and not down["put off"] else down,
            "overrun": sluice.overrun,
            "shares afterwards": _off(again, messages // 5),
            "more than once": [key for provider in stage.providers for key in provider.ledger.duplicates()],
        }
        counts = {"messages": messages, "shares": well, "two down": down, "afterwards": again}
        return counts | {"at once": sluice.at_once, "wrong": {name: what for name, what in wrong.items() if what}}


def _off(shares: tuple[int, ...], messages: int) -> tuple[int, ...]:
    """The shares, if one of them is off by more than 2 % of itself (or two messages, where that is more)."""
    wanted = (0.8 * messages, 0.2 * messages, 0)
    good = all(abs(got - want) <= max(0.02 * want, 2) for got, want in zip(shares[:2], wanted, strict=False))
    return () if good and shares[2] == 0 else shares


def _without_two(stage: Stage, messages: int) -> dict[str, Any]:
    """Primary and secondary are gone; how the backup does, and how many deliveries it took more than a round."""
    for provider in stage.providers[:2]:
        provider.refuse()
        provider.hang_up()
    shares = stage.shares(messages)
    return {"shares": shares, "put off": stage.ask("SELECT count(*) FROM attempts WHERE result = 'deferred'")}


def _back(stage: Stage) -> Sluice:
    """Both are back, and the first takes what it gets as slowly as it likes, while more comes and waits for it."""
    sluice = Sluice()
    stage.primary.script = sluice.script
    stage.primary.listen()
    stage.secondary.listen()
    _send_until(stage, lambda: sluice.at_once)
    for at_once in (1, 2, 4, 8):
        stage.send(WAVE)
        sluice.let_through(at_once)
    stage.primary.script = Script()
    until(lambda: sluice.empty() or stage.is_done(), PATIENCE)
    before = stage.counts[1]
    _send_until(stage, lambda: stage.counts[1] > before)
    stage.arrived()
    return sluice


def _send_until(stage: Stage, true: Callable[[], object]) -> None:
    """Only a message shows that a provider is back."""
    while not true():
        stage.send(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it as the command line says; exit code 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="split", description="80, 20 and a backup, counted at three sinks.")
    parser.add_argument("--messages", type=int, default=5000)
    with tempfile.TemporaryDirectory(prefix="gatepost-split-") as folder:
        result = split(parser.parse_args(arguments).messages, Path(folder))
    print(json.dumps(result, indent=1))
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
