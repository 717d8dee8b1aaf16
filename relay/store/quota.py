"""How much a provider may still be given: its rate and daily limit, counted in one row for all processes.

In every sliding window of `window` milliseconds at most `most` recipients reach the provider,
whatever the delay between counting and sending: a recipient takes its place before the attempt,
in the transaction that begins it, keeps it while the attempt is under way, and for one window
after its end. Windows consist of buckets, of which the oldest counts in full, so the rate stays
below the limit by up to a twentieth and never exceeds it. A crash gives nothing back: what a
dead process had under way counts from the time its node is removed. Machines that share a store
use its clock. A clock set back frees no places, and blocks none for more than two windows.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, select

from policy.usage import Window, daily
from relay.store import guard
from relay.store import schema as t
from relay.store.clock import time_of
from relay.store.engine import dumps, loads

SPAN = 20  # buckets per window
PREFIX = "provider:"
SOONEST = 50  # milliseconds after which to ask again for a place in use


class Quota(Struct, frozen=True):
    """The limits of one provider account. A `most` of 0 means no rate limit, a `daily` of 0 no daily limit."""

    name: str
    most: int = 0  # recipients in any window
    window: int = 1000  # milliseconds
    daily: int = 0

    @property
    def scope(self) -> str:
        """The key of its row in `usage`."""
        return PREFIX + self.name


class Account(Struct):
    """What one account has been given: recipients under way, by process, and those recently completed."""

    under_way: dict[str, int] = field(default_factory=dict)
    lately: Window = field(default_factory=lambda: Window(50, SPAN))
    today: Window = field(default_factory=daily)

    @classmethod
    def from_json(cls, told: Any) -> "Account":
        """The account that `as_json` wrote."""
        account = cls(dict(told.get("under_way", {})))
        account.lately = Window(told.get("width", 50), SPAN)
        account.lately.load(told.get("lately", {}))
        account.today.load(told.get("today", {}))
        return account

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "under_way": {node: count for node, count in self.under_way.items() if count},
            "width": self.lately.width,
            "lately": self.lately.as_json(),
            "today": self.today.as_json(),
        }

    def take(self, quota: Quota, node: str, count: int, now: int) -> int:
        """Take `count` places and return 0, or take none and return when they may be free."""
        self.today.set_back(now)
        if quota.most:
            self._measure(quota.window)
            self.lately.set_back(now)
            busy = sum(self.under_way.values()) + count
            if self.lately.count(now) + busy > quota.most:
                return max(self.lately.frees_at(now, busy, quota.most) or now + quota.window, now + SOONEST)
        if quota.daily and self.today.count(now) + count > quota.daily:
            return self.today.frees_at(now, count, quota.daily) or now + self.today.width
        self.under_way[node] = self.under_way.get(node, 0) + count
        self.today.add(now, count)
        return 0

    def done(self, node: str, count: int, *, began: int, now: int, reached: bool) -> None:
        """Count an attempt with `count` recipients that is over; `reached` says whether the provider saw them."""
        self.under_way[node] = max(0, self.under_way.get(node, 0) - count)
        if reached:
            self.lately.add(now, count)
        else:
            self.today.take(began, count)

    def _measure(self, window: int) -> None:
        """Change the bucket width; each count moves to the end of its old bucket: later than it was, never earlier."""
        width = max(1, window // SPAN)
        if width == self.lately.width:
            return
        before, self.lately = self.lately, Window(width, SPAN)
        for bucket in sorted(before.buckets):
            self.lately.add((bucket + 1) * before.width - 1, before.buckets[bucket])


class Taken(Struct, frozen=True):
    """The places taken by an attempt, at the time `began`."""

    quota: Quota
    node: str
    count: int
    began: int
    reached: bool = True


_OF_PROVIDERS = (
    select(t.usage)
    .where(t.usage.c.scope >= PREFIX, t.usage.c.scope < PREFIX[:-1] + chr(ord(":") + 1))
    .order_by(t.usage.c.scope)
)


class Accounts:
    """The accounts of some quotas, locked during the transaction; `keep` writes changes."""

    def __init__(self, connection: Connection, quotas: Iterable[Quota], now: int) -> None:
        self._connection = connection
        self._accounts: dict[str, Account] = {}
        scopes = sorted({quota.scope for quota in quotas})
        self.now = time_of(connection, now) if scopes else now
        if scopes:
            rows = guard.lock(connection, scopes)
            self._accounts = {row.scope: Account.from_json(loads(row.counts)) for row in rows}

    def take(self, quota: Quota, node: str, count: int) -> int:
        """Take places and return 0, or take none and return when they may be free."""
        return self._accounts[quota.scope].take(quota, node, count, self.now)

    def done(self, taken: Taken) -> None:
        """Release the places of an attempt that is over."""
        account = self._accounts[taken.quota.scope]
        account.done(taken.node, taken.count, began=taken.began, now=self.now, reached=taken.reached)

    def keep(self) -> None:
        """Write the accounts back."""
        guard.keep(self._connection, {scope: dumps(own.as_json()) for scope, own in self._accounts.items()})


def bury_places(connection: Connection, nodes: Iterable[str], now: int) -> None:
    """Count what dead processes had under way as sent now, since it may have reached the provider."""
    dead = set(nodes)
    for row in connection.execute(_OF_PROVIDERS.with_for_update()).all():
        account = Account.from_json(loads(row.counts))
        lost = sum(account.under_way.pop(node) for node in dead & account.under_way.keys())
        if lost:
            account.lately.add(time_of(connection, now), lost)
            guard.keep(connection, {row.scope: dumps(account.as_json())})
