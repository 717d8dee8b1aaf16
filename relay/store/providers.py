"""Providers as state: paused and resumed by a person, whatever the configuration says of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from relay.store import schema as t
from relay.store.declaring import cause_kept, status_back
from relay.store.events import Event, record
from relay.store.queue import let_go

NO_PROVIDER = "no_provider"  # why mail waits that no provider may be asked for


def set_provider_status(connection: Connection, name: str, *, status: str, cause: str, by: str, now: int) -> bool:
    """Pause (`paused`) or resume (`active`) a provider; False when it was so already.

    Mail that found no provider while it was paused does not wait for its next look: it is due at once.
    """
    p = t.providers.c
    if connection.execute(select(p.name).where(p.name == name)).first() is None:
        connection.execute(insert(t.providers), {"name": name, "updated_at": now})
    changed = connection.execute(
        update(t.providers).where(p.name == name, p.status != status).values(status=status, cause=cause, updated_at=now)
    ).rowcount
    if changed:
        kind = "provider.paused" if status == "paused" else "provider.resumed"
        record(connection, [Event(kind, now, data={"provider": name, "cause": cause, "by": by})])
    if changed and status == "active":
        look_again(connection, now)
    return bool(changed)


def declare_providers(connection: Connection, names: Sequence[str], now: int) -> None:
    """See that each declared provider has its row; one that vanished from the file is gone, not forgotten.

    One that comes back is as it was when it left: the file resumes nothing that was paused.
    """
    p = t.providers.c
    known = {row.name: row for row in connection.execute(select(p.name, p.status, p.cause))}
    if new := [name for name in names if name not in known]:
        connection.execute(insert(t.providers), [{"name": name, "updated_at": now} for name in new])
    for name, row in known.items():
        if (values := _coming_or_going(row, is_declared=name in names)) is not None:
            connection.execute(update(t.providers).where(p.name == name).values(**values, updated_at=now))


def _coming_or_going(row: Any, *, is_declared: bool) -> dict[str, str] | None:
    """What changes of a provider as it leaves the file or comes back to it; None where it does neither."""
    if is_declared and row.status == "gone":
        return {"status": status_back(row)}
    if not is_declared and row.status != "gone":
        return {"status": "gone", "cause": cause_kept(row)}
    return None


def look_again(connection: Connection, now: int) -> None:
    """Mail that found no provider is due at once: there may be one now."""
    let_go(connection, {NO_PROVIDER}, now)


def paused_providers(connection: Connection) -> frozenset[str]:
    """The providers that get nothing until somebody resumes them, in the file or not: a worker may still have one."""
    p = t.providers.c
    is_paused = (p.status == "paused") | (p.status == "gone") & (p.cause != "")
    return frozenset(connection.execute(select(p.name).where(is_paused)).scalars())
