"""The parameters of the history: its size, its time span, its people, and counts made while it is written."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

HOUR = 3_600_000
DAY = 24 * HOUR
SPAN = 29 * DAY  # within the 30 days for which messages are kept


@dataclass(slots=True)
class Past:
    """What is written, and what has to be remembered for the counters that belong to it."""

    messages: int
    now: int
    chance: random.Random = field(default_factory=lambda: random.Random(6409))
    mailboxes: list[Any] = field(default_factory=list)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    volumes: Counter[tuple[str, int, str, str, str]] = field(default_factory=Counter)
    tallies: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """How many addresses were ever written to."""
        return max(10, self.messages // 5)

    def sometime(self) -> int:
        """A random time within it."""
        return self.now - self.chance.randrange(SPAN)


def address_of(person: int) -> str:
    """The address of a person, by number."""
    return f"person{person}@d{person % 997}.example.com"
