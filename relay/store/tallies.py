"""Counts for reputation: the results of mail per hour, for each mailbox, tenant and sending domain.

What comes back late is counted in the hour in which its message was sent, so that a rate compares
what came back with the mail it came back from. A person who lifts a pause has considered what led
to it, so those counts are set aside (under `lifted:`), and with them what comes back of that mail
later: it must not pause again what was just resumed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from policy.usage import HOUR
from relay.mail.address import domain_of
from relay.store import meta
from relay.store.prepared import insertion

Counted = tuple[tuple[str, ...], int, Mapping[str, int]]  # scopes, time, columns

COLUMNS = ("sent", "delivered", "bounced", "complained", "deferred", "refused")

_ADD = insertion(
    "tallies",
    ("scope", "hour", *COLUMNS),
    "ON CONFLICT (scope, hour) DO UPDATE SET "
    + ", ".join(f"{name} = tallies.{name} + excluded.{name}" for name in COLUMNS),
)
_OF_SCOPE = text("SELECT * FROM tallies WHERE scope = :scope ORDER BY hour")
_FORGET = text("DELETE FROM tallies WHERE scope = :scope")


def scopes(tenant_id: str, mailbox_id: str, from_address: str) -> tuple[str, str, str]:
    """The scopes in which a message counts: mailbox, tenant, domain."""
    return f"mailbox:{mailbox_id}", f"tenant:{tenant_id}", f"domain:{domain_of(from_address).lower()}"


def add(connection: Connection, counted: Iterable[Counted]) -> None:
    """Add counts; rows are summed and sorted, so that two machines cannot deadlock."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for names, at, columns in counted:
        for scope in names:
            key = (scope, at // HOUR)
            row = rows.setdefault(key, {"scope": scope, "hour": at // HOUR, **dict.fromkeys(COLUMNS, 0)})
            for column, more in columns.items():
                row[column] += more
    _ADD.many(connection, [rows[key] for key in sorted(rows)])


def add_late(connection: Connection, counted: Sequence[Counted]) -> None:
    """Add counts of what came back of mail sent at a time, which its scopes may have set aside since."""
    began = begun_anew(connection, {scope for scopes_, _, _ in counted for scope in scopes_})

    def counting(scope: str, at: int) -> str:
        return lifted(scope) if at < began.get(scope, 0) else scope

    late = [(tuple([counting(scope, at) for scope in scopes_]), at, columns) for scopes_, at, columns in counted]
    add(connection, late)


def set_aside(connection: Connection, scope: str, now: int) -> None:
    """Start a scope anew: what was sent until now no longer counts against it."""
    meta.remember(connection, lifted(scope), str(now))
    rows = [dict(row._mapping) for row in connection.execute(_OF_SCOPE, {"scope": scope})]
    if rows:
        _ADD.many(connection, [row | {"scope": lifted(scope)} for row in rows])
        connection.execute(_FORGET, {"scope": scope})


def begun_anew(connection: Connection, scopes: Collection[str]) -> dict[str, int]:
    """When a person last started the counts of each of these scopes anew; those never started anew are missing."""
    known = meta.recalled_all(connection, {lifted(scope) for scope in scopes})
    return {scope: int(known[lifted(scope)]) for scope in scopes if lifted(scope) in known}


def lifted(scope: str) -> str:
    """Where counts of a scope are that were set aside."""
    return f"lifted:{scope}"
