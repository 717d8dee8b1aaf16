"""What a provider may still be given: its rate and daily limit, counted for all processes in one row.

In every sliding window of `window` milliseconds no more than `most` recipients reach the
provider, whatever the delays between counting and sending: a recipient takes its place before
the attempt, in the transaction that begins it, keeps it while the attempt is under way, and
from its end on for one window more. Windows are counted in buckets whose oldest counts whole,
so the rate falls short of the limit by up to a twentieth and never exceeds it. A crash gives
nothing back: what a dead process had under way counts from its burial. Where several machines
share the store its clock is the one that counts. A clock set back frees nothing, and keeps
nothing shut for more than two windows.
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

SPAN = 20  # buckets of a window
PREFIX = "provider:"
SOONEST = 50  # milliseconds until a place taken may be asked for again


class Quota(Struct, frozen=True):
    """The limits of one account. `most` of 0: no rate; `daily` of 0: no daily limit."""

    name: str
    most: int = 0  # recipients in any window
    window: int = 1000  # milliseconds
    daily: int = 0

    @property
    def scope(self) -> str:
        """Its row in `usage`."""
        return PREFIX + self.name


class Account(Struct):
    """What one account has been given: under way by process, and done lately."""

    under_way: dict[str, int] = field(default_factory=dict)
    lately: Window = field(default_factory=lambda: Window(50, SPAN))
    today: Window = field(default_factory=daily)

    @classmethod
    def from_json(cls, told: Any) -> "Account":
        """What `as_json` wrote."""
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
        """Take `count` places and return 0, or return when they may be free."""
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
        """An attempt of `count` recipients is over; `reached` says whether the provider saw them."""
        self.under_way[node] = max(0, self.under_way.get(node, 0) - count)
        if reached:
            self.lately.add(now, count)
        else:
            self.today.take(began, count)

    def _measure(self, window: int) -> None:
        """Count in buckets of another width, each old one where its end lies: later than it was, never sooner."""
        width = max(1, window // SPAN)
        if width == self.lately.width:
            return
        before, self.lately = self.lately, Window(width, SPAN)
        for bucket in sorted(before.buckets):
            self.lately.add((bucket + 1) * before.width - 1, before.buckets[bucket])


class Taken(Struct, frozen=True):
    """Places an attempt took: `began` is when."""

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
    """The accounts of some quotas, locked for the transaction; changes are written by `keep`."""

    def __init__(self, connection: Connection, quotas: Iterable[Quota], now: int) -> None:
        self._connection = connection
        self._accounts: dict[str, Account] = {}
        scopes = sorted({quota.scope for quota in quotas})
        self.now = time_of(connection, now) if scopes else now
        if scopes:
            rows = guard.lock(connection, scopes)
            self._accounts = {row.scope: Account.from_json(loads(row.counts)) for row in rows}

    def take(self, quota: Quota, node: str, count: int) -> int:
        """Take places and return 0, or return when they may be free."""
        return self._accounts[quota.scope].take(quota, node, count, self.now)

    def done(self, taken: Taken) -> None:
        """Places of an attempt that is over."""
        account = self._accounts[taken.quota.scope]
        account.done(taken.node, taken.count, began=taken.began, now=self.now, reached=taken.reached)

    def keep(self) -> None:
        """Write them back."""
        guard.keep(self._connection, {scope: dumps(own.as_json()) for scope, own in self._accounts.items()})


def bury_places(connection: Connection, nodes: Iterable[str], now: int) -> None:
    """What dead processes had under way may have reached its provider: it counts from now on."""
    dead = set(nodes)
    for row in connection.execute(_OF_PROVIDERS.with_for_update()).all():
        account = Account.from_json(loads(row.counts))
        lost = sum(account.under_way.pop(node) for node in dead & account.under_way.keys())
        if lost:
            account.lately.add(time_of(connection, now), lost)
            guard.keep(connection, {row.scope: dumps(account.as_json())})
