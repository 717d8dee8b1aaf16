"""Counts for reputation: the results of mail per hour, for each mailbox, tenant and sending domain.

A person who lifts a pause has considered what led to it, so those counts are set aside (under
`lifted:`): a single new bounce must not pause again what was just resumed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from policy.usage import HOUR
from relay.store.prepared import Prepared

COLUMNS = ("sent", "delivered", "bounced", "complained", "deferred", "refused")

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


def scopes(tenant_id: str, mailbox_id: str, from_address: str) -> tuple[str, str, str]:
    """The scopes in which a message counts: mailbox, tenant, domain."""
    return f"mailbox:{mailbox_id}", f"tenant:{tenant_id}", f"domain:{from_address.rpartition('@')[2].lower()}"


def add(connection: Connection, counted: Iterable[tuple[tuple[str, ...], int, Mapping[str, int]]]) -> None:
    """Add counts of (scopes, time, columns); rows are summed and sorted, so that two machines cannot deadlock."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for names, at, columns in counted:
        for scope in names:
            key = (scope, at // HOUR)
            row = rows.setdefault(key, {"scope": scope, "hour": at // HOUR, **dict.fromkeys(COLUMNS, 0)})
            for column, more in columns.items():
                row[column] += more
    _ADD.many(connection, [rows[key] for key in sorted(rows)])


def set_aside(connection: Connection, scope: str) -> None:
    """Start a scope anew: what was counted so far no longer counts against it."""
    rows = [dict(row._mapping) for row in connection.execute(_OF_SCOPE, {"scope": scope})]
    if rows:
        _ADD.many(connection, [row | {"scope": f"lifted:{scope}"} for row in rows])
        connection.execute(_FORGET, {"scope": scope})
