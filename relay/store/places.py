"""The places that copies take in the limits of mailbox and tenant, recipient domain throttle and sending domain ramp.

Each copy counts at its delivery's `queued_at`. A copy that was to leave later but never will
gives its places back; a copy that already counts in the present or past stays counted.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from policy.usage import DAY, WINDOWS, Usage, Window
from relay.mail.address import domain_of
from relay.store import guard
from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.parcel import is_agents
from relay.store.recollection import Counts

THROTTLES_SWEPT = 500  # rows at once: about twenty milliseconds

_d, _s = t.deliveries.c, t.sends.c


class Copy(NamedTuple):
    """Whose copy it is, and its sending and recipient domains."""

    tenant: str
    mailbox: str
    sender: str
    to: str

    def scopes(self) -> dict[str, Sequence[str]]:
        """The scopes in which it counts, and in which of their windows."""
        return {
            guard.of_mailbox(self.mailbox): WINDOWS,
            guard.of_tenant(self.tenant): WINDOWS,
            guard.of_ramp(self.sender): ("monthly",),
            guard.of_throttle(self.tenant, self.to): ("hourly",),
        }


def windows(counts: Mapping[str, Counts], copy: Copy) -> Iterator[Window]:
    """The windows in which a copy counts, as far as they exist; they are marked as changed."""
    for scope, names in copy.scopes().items():
        if found := counts.get(scope):
            found.changed = True
            for name in names:
                yield found.usage.sent[name]


def lock(connection: Connection, *which: ColumnElement[bool]) -> None:
    """Lock the counts of the selected deliveries, before the deliveries themselves; creates no missing counts."""
    query = select(_d.tenant_id, _d.mailbox_id, _s.from_address, _d.domain).join(t.sends, _s.id == _d.send_id)
    rows = connection.execute(query.where(*which).distinct())
    guard.lock_known(connection, {scope for row in rows for scope in _copy(*row).scopes()})


def give_back(connection: Connection, rows: Sequence[Any], now: int) -> None:
    """Free the places of deliveries (their previous rows) that were to leave later and never will."""
    later = [row for row in rows if row.queued_at > now]
    ids = sorted({row.send_id for row in later})
    sends = connection.execute(select(_s.id, _s.from_address, _s.envelope).where(_s.id.in_(ids))) if ids else ()
    senders = {send.id: send.from_address for send in sends if is_agents(loads(send.envelope))}
    copies = [
        (_copy(row.tenant_id, row.mailbox_id, senders[row.send_id], row.domain), row.queued_at)
        for row in later
        if row.send_id in senders
    ]
    known = guard.lock_known(connection, {scope for copy, _ in copies for scope in copy.scopes()})
    counts = {row.scope: Counts.of(row) for row in known}
    for copy, then in copies:
        for window in windows(counts, copy):
            window.take(then, 1)
    guard.keep(connection, {scope: dumps(own.usage.as_json()) for scope, own in counts.items()})


def _copy(tenant: str, mailbox: str, from_address: str, to: str) -> Copy:
    return Copy(tenant, mailbox, domain_of(from_address), to)


def usage(connection: Connection, scope: str) -> Usage:
    """What was counted in a scope (`guard`) until now."""
    return usages(connection, [scope])[scope]


def usages(connection: Connection, scopes: Collection[str]) -> dict[str, Usage]:
    """What was counted in each of these scopes until now."""
    u = t.usage.c
    counts = {row.scope: row.counts for row in connection.execute(select(u.scope, u.counts).where(u.scope.in_(scopes)))}
    return {scope: Usage.from_json(loads(counts.get(scope, "{}"))) for scope in scopes}


class Throttles:
    """The counts of recipient domains, deleted once nothing has left for a domain for a day.

    Without this there would be a row for ever for each domain that was ever written to. A sweep goes through a few
    hundred rows and the next one continues there, since reading all of them would take seconds.
    """

    def __init__(self) -> None:
        self._after = ""

    def sweep(self, connection: Connection, now: int) -> None:
        """Delete the idle ones among the next rows, under their own locks."""
        rows = guard.throttles(connection, self._after, THROTTLES_SWEPT)
        self._after = rows[-1].scope if len(rows) == THROTTLES_SWEPT else ""
        idle = guard.lock_known(connection, [row.scope for row in rows if _is_idle(row, now)])
        guard.remove(connection, [row.scope for row in idle if _is_idle(row, now)])


def _is_idle(row: Any, now: int) -> bool:
    """Whether all its copies left a day ago; one that is to leave counts in the future."""
    return max(map(Window.newest, Counts.of(row).usage.sent.values())) < now - DAY
