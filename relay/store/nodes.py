"""The processes that share a store: which are alive, and what dead ones leave behind."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, insert, select, text, update

from relay.store import schema as t
from relay.store.queue import LEASE, release

SILENT = 30_000  # milliseconds without a heartbeat after which a node counts as dead


def register_node(
    connection: Connection, *, node: str, instance: str, slot: int, pid: int, host: str, now: int
) -> None:
    """Register this process."""
    row = {"id": node, "instance": instance, "slot": slot, "pid": pid, "host": host, "heartbeat_at": now}
    connection.execute(insert(t.nodes), row)


def heartbeat(connection: Connection, node: str, now: int, figures: str = "") -> bool:
    """Report that this process is alive, with its counters; its leases are valid as long as it does so.

    False if it was taken for dead and removed: it must register again.
    """
    beat = update(t.nodes).where(t.nodes.c.id == node).values(heartbeat_at=now, figures=figures)
    return connection.execute(beat).rowcount == 1


def figures_beside(connection: Connection, node: str, instance: str) -> list[str]:
    """The counters of the installation's other processes as of their last heartbeat."""
    n = t.nodes.c
    query = select(n.figures).where(n.instance == instance, n.id != node, n.figures != "")
    return list(connection.execute(query).scalars())


def bury(
    connection: Connection,
    nodes: Sequence[str],
    *,
    now: int,
    uncertain_until: int,
    idempotent: Collection[str] = (),
) -> tuple[int, int]:
    """Remove dead nodes and free the leases they held, and those held by unknown nodes."""
    nodes = [*nodes, *stranded(connection, now)]
    if not nodes:
        return 0, 0
    freed = release(connection, nodes, now=now, uncertain_until=uncertain_until, idempotent=idempotent)
    connection.execute(t.nodes.delete().where(t.nodes.c.id.in_(list(nodes))))
    return freed


def dead_nodes(
    connection: Connection, *, silent_since: int, instance: str = "", slots: Sequence[int] | None = None
) -> list[str]:
    """Nodes whose last heartbeat was before `silent_since`, and the nodes of `instance`, which cannot be alive.

    `slots` restricts the latter to some of the installation's processes; None means all of them.
    """
    n = t.nodes.c
    own = n.instance == instance if slots is None else (n.instance == instance) & n.slot.in_(list(slots))
    return list(connection.execute(select(n.id).where((n.heartbeat_at < silent_since) | own)).scalars())


def is_served(connection: Connection, *, besides: str, now: int) -> bool:
    """Whether a process of another installation than `besides` is alive."""
    n = t.nodes.c
    alive = (n.instance != besides) & (n.heartbeat_at >= now - SILENT)
    return connection.execute(select(n.id).where(alive).limit(1)).first() is not None


def stranded(connection: Connection, now: int) -> list[str]:
    """Unknown nodes that hold leases: taken for dead, they died before they could register again."""
    return list(connection.execute(_STRANDED, {"until": now + LEASE - SILENT}).scalars())


_d = t.deliveries.c
_STRANDED = (
    select(_d.lease_node)
    .distinct()
    .where(
        text(f"deliveries.{t.OPEN_CONDITION}"),
        _d.lease_node > "",
        _d.lease_until < bindparam("until"),  # a live process registers again within seconds
        _d.lease_node.not_in(select(t.nodes.c.id)),
    )
)

LOCK = 0x6761_7463  # advisory lock for chores that one process does for all
_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")


def wait_alone(connection: Connection, lock: int) -> None:
    """Wait for this lock until the end of the transaction; on SQLite there is only one writer at a time anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK, {"lock": lock})


def try_alone(connection: Connection, lock: int = LOCK) -> bool:
    """Whether this transaction got the lock for work that one process does for all; on SQLite the caller ensures it."""
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.execute(_TRY_LOCK, {"lock": lock}).scalar_one())
