"""The rates of reputation: counts over a day, a week and a month, per mailbox, tenant or sending domain."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from policy.state import Rates
from policy.usage import HOUR
from relay.store import schema as t

TTL = 10 * 1000  # milliseconds a reading is believed

_TALLIES = select(t.tallies).where(t.tallies.c.scope == bindparam("scope"), t.tallies.c.hour >= bindparam("hour"))


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
    hour = now // HOUR
    rows = connection.execute(_TALLIES, {"scope": scope, "hour": hour - 30 * 24}).all()
    return tuple(_sum(name, [r for r in rows if r.hour > hour - hours]) for name, hours in _RATE_WINDOWS)


_RATE_WINDOWS = (("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24))


def _sum(window: str, rows: Sequence[Any]) -> Rates:
    return Rates(
        window,
        sent=sum(r.sent for r in rows),
        delivered=sum(r.delivered for r in rows),
        bounced=sum(r.bounced for r in rows),
        complained=sum(r.complained for r in rows),
        refused=sum(r.refused for r in rows),
    )
