"""Providers as state: paused and resumed by a person, whatever the configuration says of them."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from relay.store import schema as t
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
        let_go(connection, {NO_PROVIDER}, now)
    return bool(changed)


def declare_providers(connection: Connection, names: Sequence[str], now: int) -> None:
    """See that each declared provider has its row; one that vanished from the file is gone, not forgotten."""
    p = t.providers.c
    known = {row.name: row.status for row in connection.execute(select(p.name, p.status))}
    if new := [name for name in names if name not in known]:
        connection.execute(insert(t.providers), [{"name": name, "updated_at": now} for name in new])
    for name, status in known.items():
        wanted = "gone" if name not in names else "active" if status == "gone" else status
        if wanted != status:
            connection.execute(update(t.providers).where(p.name == name).values(status=wanted, updated_at=now))


def paused_providers(connection: Connection) -> frozenset[str]:
    """The providers that get nothing until somebody resumes them."""
    p = t.providers.c
    return frozenset(connection.execute(select(p.name).where(p.status == "paused")).scalars())
