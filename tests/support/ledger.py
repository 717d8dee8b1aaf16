"""What a provider has seen: the accounts against which every promise about loss and duplicates is checked.

A message is counted before its reply is written, so that it counts even if the client is killed while waiting
for that reply. With a journal the counts survive the provider's own death: one JSON line for each message,
appended before the reply.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One envelope with its message, as far as the client got."""

    number: int
    connection: int
    helo: str
    user: str
    tls: bool
    mail_from: str
    mail_options: tuple[str, ...]
    rcpt_to: tuple[str, ...]  # only accepted ones
    refused: tuple[str, ...]
    data: bytes = field(repr=False)  # exactly what came before the dot, unstuffed
    reply: str  # the reply to the dot; empty if there was none
    taken: bool

    def header(self, name: str) -> str | None:
        """The unfolded value of the first field of that name."""
        head = self.data.partition(b"\r\n\r\n")[0]
        found = re.search(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*((?:.*\r\n[ \t])*.*)$", head + b"\r\n")
        return re.sub(r"\r\n[ \t]+", " ", found[1].decode("utf-8", "replace")).strip() if found else None

    @property
    def message_id(self) -> str:
        """Its Message-ID; empty if it has none."""
        return self.header("Message-ID") or ""

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The keys by which its copies are counted."""
        return [(self.message_id, address) for address in self.rcpt_to]

    @property
    def body(self) -> bytes:
        """What follows the first empty line."""
        return self.data.partition(b"\r\n\r\n")[2]


class Ledger:
    """Counts and keeps transactions; other threads can safely read it while the provider works."""

    def __init__(self, journal: Path | None = None, *, keep: bool = True) -> None:
        self._changed = threading.Condition()
        self._keep = keep  # False for long runs: only count
        self.connections = 0
        self.commands: list[tuple[int, str]] = []
        self.transactions: list[Transaction] = []
        self.violations: list[str] = []
        self.lost: list[int] = []  # transactions after whose dot the client was not heard on that connection again
        self.copies: Counter[tuple[str, str]] = Counter()  # (Message-ID, recipient) of the messages taken
        self.lost_copies: Counter[tuple[str, str]] = Counter()  # those among them whose answer may never have been read
        self.first_taken: dict[tuple[str, str], float] = {}  # by time.monotonic() of this process
        self._numbers = 0
        self._journal: TextIO | None = None
        if journal:
            self._replay(journal)
            self._journal = journal.open("a", encoding="utf-8")

    def _replay(self, journal: Path) -> None:
        lines = journal.read_text("utf-8").splitlines() if journal.exists() else []
        for line in lines:
            entry = json.loads(line)
            keys = [(entry["message_id"], address) for address in entry["rcpt_to"]]
            if "lost" in entry:
                self.lost.append(entry["lost"])
                self.lost_copies.update(keys)
                continue
            self._numbers = entry["number"]
            if entry["taken"]:
                self.copies.update(keys)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._journal:
            self._journal.write(json.dumps(entry) + "\n")
            self._journal.flush()

    def connected(self) -> int:
        """Count a connection; returns its number."""
        with self._changed:
            self.connections += 1
            self._changed.notify_all()
            return self.connections

    def heard(self, connection: int, line: str) -> None:
        """Record a command line, without the secret after AUTH."""
        with self._changed:
            shown = " ".join(line.split(" ", 2)[:2]) if line.upper().startswith("AUTH ") else line
            if self._keep:
                self.commands.append((connection, shown))
            self._changed.notify_all()

    def number(self) -> int:
        """The next transaction's number."""
        with self._changed:
            self._numbers += 1
            return self._numbers

    def book(self, transaction: Transaction) -> None:
        """Keep a finished transaction, and whatever the client did wrong in it."""
        with self._changed:
            if self._keep:
                self.transactions.append(transaction)
            self.violations.extend(_violations(transaction))
            if transaction.taken:
                self.copies.update(transaction.keys)
                for key in transaction.keys:
                    self.first_taken.setdefault(key, time.monotonic())
            self._write(asdict(transaction) | {"message_id": transaction.message_id, "data": len(transaction.data)})
            self._changed.notify_all()

    def lose(self, transaction: Transaction) -> None:
        """Record that the client may never have read the answer to this transaction's dot."""
        with self._changed:
            self.lost.append(transaction.number)
            self.lost_copies.update(transaction.keys)
            entry = {"message_id": transaction.message_id, "rcpt_to": transaction.rcpt_to}
            self._write({"lost": transaction.number} | entry)
            self._changed.notify_all()

    def close(self) -> None:
        """Closes the journal."""
        if self._journal:
            self._journal.close()

    @property
    def taken(self) -> list[Transaction]:
        """The messages for which responsibility was taken, in the order they came."""
        return [transaction for transaction in self.transactions if transaction.taken]

    def copies_for(self, address: str) -> int:
        """How many messages this recipient got."""
        return sum(count for (_, to), count in self.copies.items() if to == address)

    def recipients(self) -> set[str]:
        """Everybody who got a message."""
        return {address for (_, address), count in self.copies.items() if count}

    def duplicates(self) -> dict[tuple[str, str], int]:
        """The (Message-ID, recipient) pairs that came more than once, with their number."""
        return {key: count for key, count in self.copies.items() if count > 1}

    def unexplained(self) -> dict[tuple[str, str], int]:
        """Duplicates not excused by lost answers: a copy may be repeated once for each answer that nobody read."""
        copies = self.copies - self.lost_copies
        return {key: count for key, count in copies.items() if count > 1}

    def wait(self, until: Callable[["Ledger"], object], timeout: float = 20.0) -> "Ledger":
        """Wait until a condition on the ledger holds; fails with the ledger's content if it never does."""
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(lambda: until(self), deadline - time.monotonic()):
                raise AssertionError(f"the provider waited {timeout:g} s in vain; it has seen {self}")
        return self

    def wait_for_taken(self, messages: int, timeout: float = 20.0) -> list[Transaction]:
        """Wait until so many messages have been taken; returns them."""
        return self.wait(lambda ledger: len(ledger.taken) >= messages, timeout).taken

    def stats(self) -> dict[str, Any]:
        """The counts in a form suitable for JSON."""
        with self._changed:
            return {
                "connections": self.connections,
                "transactions": self._numbers,
                "copies": sum(self.copies.values()),
                "unique": len(self.copies),
                "duplicates": [[*key, count] for key, count in self.duplicates().items()],
                "lost": len(self.lost),
                "violations": list(self.violations),
            }

    def __repr__(self) -> str:
        counts = f"{self.connections} connections, {self._numbers} transactions, {sum(self.copies.values())} copies"
        return f"{counts}; {_tail(self.commands)}"


def _tail(commands: Iterable[tuple[int, str]]) -> str:
    return "last commands: " + " | ".join(line for _, line in list(commands)[-6:])


def _violations(transaction: Transaction) -> list[str]:
    """What no client may do to a provider, whatever it was told (faults I3, S1, S3, S5, S28)."""
    found = []
    if _BARE.search(transaction.data):
        found.append("a bare CR or LF in the message")
    if not transaction.data.isascii() and "BODY=8BITMIME" not in map(str.upper, transaction.mail_options):
        found.append("octets above 127 without BODY=8BITMIME")
    if any(len(line) > 998 for line in transaction.data.split(b"\r\n")):
        found.append("a line of more than 998 octets")
    if len(set(transaction.rcpt_to)) != len(transaction.rcpt_to):
        found.append("a recipient named twice")
    return [f"transaction {transaction.number}: {text}" for text in found]
