"""The rates of reputation: counts over a day, a week and a month, per mailbox, tenant or sending domain."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from policy.state import Rates
from policy.usage import HOUR
from relay.store import schema as t

TTL = 10 * 1000  # milliseconds a reading is believed


class RateBook:
    """Rates of reputation per mailbox, read again when they are older than ten seconds.

    They may lag: a pause itself is written in the transaction that records the bounce.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, tuple[Rates, ...]]] = {}

    def rates(self, connection: Connection, mailbox_id: str, now: int, changed_at: int = 0) -> tuple[Rates, ...]:
        """The counts of the last day, week and month; a mailbox changed since (resumed) is read again at once."""
        read_at, rates = self._known.get(mailbox_id, (0, ()))
        if not read_at or now - read_at > TTL or now < read_at or changed_at >= read_at:
            rates = read_rates(connection, f"mailbox:{mailbox_id}", now)
            self._known[mailbox_id] = (now, rates)
        return rates


def read_rates(connection: Connection, scope: str, now: int) -> tuple[Rates, ...]:
    """The counts of one mailbox, tenant or domain (`mailbox:ID`, `tenant:ID`, `domain:NAME`) over three windows."""
    return rates_of(connection, [scope], now)[scope]


def rates_of(connection: Connection, scopes: Sequence[str], now: int) -> dict[str, tuple[Rates, ...]]:
    """The counts of each of these scopes over the three windows; summed by the store, so a month costs no more."""
    hour = now // HOUR
    longest = hour - _WINDOWS[-1][1]
    sums = [_sum(name, hour - hours).label(f"{name}_{window}") for window, hours in _WINDOWS for name in _COUNTED]
    query = select(_t.scope, *sums).where(_t.scope.in_(list(scopes)), _t.hour > longest).group_by(_t.scope)
    rows = {row.scope: row._mapping for row in connection.execute(query)}
    return {scope: tuple(_rates(rows.get(scope, {}), window) for window, _ in _WINDOWS) for scope in scopes}


_t = t.tallies.c
_WINDOWS = (("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24))
_COUNTED = ("sent", "delivered", "bounced", "complained", "refused")


def _sum(column: str, after: int) -> Any:
    return func.sum(case((_t.hour > after, _t[column]), else_=0))


def _rates(sums: Any, window: str) -> Rates:
    sent, delivered, bounced, complained, refused = (int(sums.get(f"{name}_{window}", 0)) for name in _COUNTED)
    return Rates(window, sent, delivered, bounced, complained, refused=refused)
