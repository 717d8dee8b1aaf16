"""The counts behind reputation rates, over a day, a week and a month, per mailbox, tenant or sending domain."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from policy.state import Rates
from policy.usage import HOUR
from relay.store.prepared import Prepared

TTL = 10 * 1000  # milliseconds for which a reading is used


class RateBook:
    """A cache of reputation counts per mailbox, read again when older than ten seconds.

    They may lag without harm: a pause itself is written in the transaction that records the bounce.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, tuple[Rates, ...]]] = {}

    def rates(self, connection: Connection, mailbox_id: str, now: int, changed_at: int = 0) -> tuple[Rates, ...]:
        """The counts of the last day, week and month; a mailbox changed since then (resumed) is read again at once."""
        read_at, rates = self._known.get(mailbox_id, (0, ()))
        if not read_at or now - read_at > TTL or now < read_at or changed_at >= read_at:
            rates = read_rates(connection, f"mailbox:{mailbox_id}", now)
            self._known[mailbox_id] = (now, rates)
        return rates


def read_rates(connection: Connection, scope: str, now: int) -> tuple[Rates, ...]:
    """The counts of one mailbox, tenant or domain (`mailbox:ID`, `tenant:ID`, `domain:NAME`) over three windows."""
    return rates_of(connection, [scope], now)[scope]


def rates_of(connection: Connection, scopes: Sequence[str], now: int) -> dict[str, tuple[Rates, ...]]:
    """The counts of each scope over the three windows, summed by the store; the oldest hour counts in full."""
    hour, until = now // HOUR, ALWAYS
    found: dict[str, list[Rates]] = {scope: [] for scope in scopes}
    for window, hours in _WINDOWS:  # each window adds older hours to the previous one
        rows = _SUMS.all(connection, scopes=list(scopes), first=hour - hours, until=until)
        sums = {row.scope: row for row in rows}
        for scope, own in found.items():
            own.append(_with(own[-1] if own else _NOTHING, sums.get(scope), window))
        until = hour - hours
    return {scope: tuple(own) for scope, own in found.items()}


def summed(many: Iterable[Sequence[Rates]], scope: str) -> tuple[Rates, ...]:
    """The counts of several mailboxes added up per window, as the counts of a domain or tenant."""
    return tuple(_sum(own, scope) for own in zip(*many, strict=True))


def _sum(many: Sequence[Rates], scope: str) -> Rates:
    counts = {name: sum(getattr(rates, name) for rates in many) for name in _COUNTED}
    return replace(many[0], scope=scope, **counts)


def _with(newer: Rates, older: Any, window: str) -> Rates:
    counts = {name: getattr(newer, name) + int(getattr(older, name, 0)) for name in _COUNTED}
    return replace(newer, window=window, **counts)


_NOTHING = Rates("", sent=0, delivered=0, bounced=0, complained=0)
ALWAYS = 1 << 40  # later than any hour, to include the counts of a machine whose clock is ahead
_WINDOWS = (("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24))
_COUNTED = ("sent", "delivered", "bounced", "complained", "refused")
_SUMS = Prepared(
    f"SELECT scope, {', '.join(f'sum({name}) AS {name}' for name in _COUNTED)} FROM tallies"  # noqa: S608 - our own words
    " WHERE scope IN :scopes[] AND hour >= :first AND hour < :until GROUP BY scope"
)
