"""What is not declared of providers: pauses by hand, kept over restarts."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from relay.store import schema as t
from relay.store.accounts import Unknown
from relay.store.events import Event, record

_p = t.providers.c


def declare_providers(connection: Connection, names: Sequence[str], now: int) -> None:
    """See that each declared provider has its row; one that vanished from the file is gone, not forgotten."""
    known = {row.name: row.status for row in connection.execute(select(_p.name, _p.status))}
    if new := [name for name in names if name not in known]:
        connection.execute(insert(t.providers), [{"name": name, "updated_at": now} for name in new])
    for name, status in known.items():
        wanted = "gone" if name not in names else "active" if status == "gone" else status
        if wanted != status:
            connection.execute(update(t.providers).where(_p.name == name).values(status=wanted, updated_at=now))


def paused_providers(connection: Connection) -> frozenset[str]:
    """The providers that get nothing until somebody resumes them."""
    return frozenset(connection.execute(select(_p.name).where(_p.status == "paused")).scalars())


def set_provider(connection: Connection, name: str, *, paused: bool, cause: str, now: int) -> bool:
    """Pause or resume by hand; False when nothing changed. Raises Unknown."""
    status = connection.execute(select(_p.status).where(_p.name == name)).scalar_one_or_none()
    if status is None or status == "gone":
        raise Unknown(f"there is no provider {name}")
    wanted = "paused" if paused else "active"
    if status == wanted:
        return False
    values = {"status": wanted, "cause": cause if paused else "", "updated_at": now}
    connection.execute(update(t.providers).where(_p.name == name).values(**values))
    kind = "provider.paused" if paused else "provider.resumed"
    record(connection, [Event(kind, now, data={"provider": name, "cause": cause})])
    return True
