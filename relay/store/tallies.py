"""Counts for reputation: what became of mail, per mailbox, tenant and sending domain and hour.

A person who lifts a pause has judged what led to it: those counts are set aside (under
`lifted:`), so that the next bounce alone does not pause again what was just resumed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from policy.state import Rates
from policy.usage import HOUR
from relay.store.prepared import Prepared

COLUMNS = ("sent", "delivered", "bounced", "complained", "deferred", "refused")
WINDOWS = (("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24))

_ADD = Prepared(
    "INSERT INTO tallies (scope, hour, sent, delivered, bounced, complained, deferred, refused)"
    " VALUES (:scope, :hour, :sent, :delivered, :bounced, :complained, :deferred, :refused)"
    " ON CONFLICT (scope, hour) DO UPDATE SET sent = tallies.sent + excluded.sent,"
    " delivered = tallies.delivered + excluded.delivered, bounced = tallies.bounced + excluded.bounced,"
    " complained = tallies.complained + excluded.complained, deferred = tallies.deferred + excluded.deferred,"
    " refused = tallies.refused + excluded.refused"
)
_OF_SCOPE = text("SELECT * FROM tallies WHERE scope = :scope ORDER BY hour")
_FORGET = text("DELETE FROM tallies WHERE scope = :scope")
_OF_ACTIVE = (
    "SELECT hour, sum(sent) AS sent, sum(delivered) AS delivered, sum(bounced) AS bounced,"
    " sum(complained) AS complained FROM tallies JOIN mailboxes ON tallies.scope = 'mailbox:' || mailboxes.id"
    " WHERE hour > :hour AND mailboxes.status = 'active' AND "
)
_OF_ACTIVE_IN = {
    "tenant": text(_OF_ACTIVE + "mailboxes.tenant_id = :name GROUP BY hour"),
    "domain": text(_OF_ACTIVE + "mailboxes.address_key LIKE :name ESCAPE '!' GROUP BY hour"),
}


def scopes(tenant_id: str, mailbox_id: str, from_address: str) -> tuple[str, str, str]:
    """Under which names a message counts."""
    return f"mailbox:{mailbox_id}", f"tenant:{tenant_id}", f"domain:{from_address.rpartition('@')[2].lower()}"


def add(connection: Connection, counted: Iterable[tuple[tuple[str, ...], int, Mapping[str, int]]]) -> None:
    """Add counts: of (scopes, time, columns), summed and in one order, so that two machines do not wait crosswise."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for names, at, columns in counted:
        for scope in names:
            key = (scope, at // HOUR)
            row = rows.setdefault(key, {"scope": scope, "hour": at // HOUR, **dict.fromkeys(COLUMNS, 0)})
            for column, more in columns.items():
                row[column] += more
    _ADD.many(connection, [rows[key] for key in sorted(rows)])


def rates_of_active(connection: Connection, kind: str, name: str, now: int) -> tuple[Rates, ...]:
    """The rates of a tenant's or domain's mailboxes that may send: what paused ones did is dealt with."""
    since = now // HOUR - WINDOWS[-1][1]
    asked = name if kind == "tenant" else "%@" + "".join(f"!{c}" if c in "!%_" else c for c in name)
    rows = connection.execute(_OF_ACTIVE_IN[kind], {"name": asked, "hour": since}).all()
    return _windows(rows, now, kind)


def _windows(rows: Sequence[Any], now: int, kind: str) -> tuple[Rates, ...]:
    hour = now // HOUR
    return tuple(
        Rates(
            name,
            sent=sum(int(r.sent) for r in rows if r.hour > hour - hours),
            delivered=sum(int(r.delivered) for r in rows if r.hour > hour - hours),
            bounced=sum(int(r.bounced) for r in rows if r.hour > hour - hours),
            complained=sum(int(r.complained) for r in rows if r.hour > hour - hours),
            scope=kind,
        )
        for name, hours in WINDOWS
    )


def set_aside(connection: Connection, scope: str) -> None:
    """Begin anew: what was counted so far does not speak against this scope any more."""
    rows = [dict(row._mapping) for row in connection.execute(_OF_SCOPE, {"scope": scope})]
    if rows:
        _ADD.many(connection, [row | {"scope": f"lifted:{scope}"} for row in rows])
        connection.execute(_FORGET, {"scope": scope})
