"""The state of providers: a person pauses and resumes them, whatever the configuration says."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from relay.store import schema as t
from relay.store.acts import enact
from relay.store.declaring import cause_kept, status_back
from relay.store.events import Event
from relay.store.queue import let_go

NO_PROVIDER = "no_provider"  # why mail waits if no provider may be used for it


def set_provider_status(connection: Connection, name: str, *, status: str, cause: str, by: str, now: int) -> bool:
    """Pause (`paused`) or resume (`active`) a provider; False if nothing changed.

    Mail that found no provider meanwhile does not wait for its next retry: it is due at once.
    """
    p = t.providers.c
    if connection.execute(select(p.name).where(p.name == name)).first() is None:
        connection.execute(insert(t.providers), {"name": name, "updated_at": now})
    changed = connection.execute(
        update(t.providers).where(p.name == name, p.status != status).values(status=status, cause=cause, updated_at=now)
    ).rowcount
    if changed:
        if status == "active":
            look_again(connection, now)
        kind = "provider.paused" if status == "paused" else "provider.resumed"
        enact(connection, Event(kind, now, data={"provider": name, "cause": cause}), by=by)
    return bool(changed)


def declare_providers(connection: Connection, names: Sequence[str], now: int) -> None:
    """Ensure that each declared provider has a row; one that left the file is marked as gone.

    A provider that comes back has the status it left with: the file never resumes what was paused.
    """
    p = t.providers.c
    known = {row.name: row for row in connection.execute(select(p.name, p.status, p.cause))}
    if new := [name for name in names if name not in known]:
        connection.execute(insert(t.providers), [{"name": name, "updated_at": now} for name in new])
    for name, row in known.items():
        if (values := _coming_or_going(row, is_declared=name in names)) is not None:
            connection.execute(update(t.providers).where(p.name == name).values(**values, updated_at=now))


def _coming_or_going(row: Any, *, is_declared: bool) -> dict[str, str] | None:
    """The changes to a provider that leaves the file or comes back to it; None if it does neither."""
    if is_declared and row.status == "gone":
        return {"status": status_back(row)}
    if not is_declared and row.status != "gone":
        return {"status": "gone", "cause": cause_kept(row)}
    return None


def by_name(connection: Connection) -> dict[str, Any]:
    """The rows of all providers, by name."""
    return {row.name: row for row in connection.execute(select(t.providers))}


def look_again(connection: Connection, now: int) -> None:
    """Make mail that found no provider due at once: there may be one now."""
    let_go(connection, {NO_PROVIDER}, now)


def paused_providers(connection: Connection) -> frozenset[str]:
    """The providers that get no mail until a person resumes them, even if gone from the file: workers may know them."""
    p = t.providers.c
    is_paused = (p.status == "paused") | (p.status == "gone") & (p.cause != "")
    return frozenset(connection.execute(select(p.name).where(is_paused)).scalars())
