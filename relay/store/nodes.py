"""The processes that share a store: who lives, and what the dead leave behind."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from relay.store import schema as t
from relay.store.queue import LEASE, release
from relay.store.states import WAITING

_d = t.deliveries.c


def register_node(
    connection: Connection, *, node: str, instance: str, slot: int, pid: int, host: str, now: int
) -> None:
    """Make this process known."""
    connection.execute(
        insert(t.nodes),
        {
            "id": node,
            "instance": instance,
            "slot": slot,
            "pid": pid,
            "host": host,
            "started_at": now,
            "heartbeat_at": now,
        },
    )


def heartbeat(connection: Connection, node: str, now: int) -> None:
    """Say that this process lives, and keep its leases."""
    connection.execute(update(t.nodes).where(t.nodes.c.id == node).values(heartbeat_at=now))
    connection.execute(
        update(t.deliveries)
        .where(_d.lease_node == node, _d.state.in_(tuple(WAITING)), _d.lease_until < now + LEASE // 2)
        .values(lease_until=now + LEASE)
    )


def bury(connection: Connection, nodes: Sequence[str], *, now: int, uncertain_until: int) -> tuple[int, int]:
    """Forget dead nodes and free what they held."""
    if not nodes:
        return 0, 0
    freed = release(connection, nodes, now=now, uncertain_until=uncertain_until)
    connection.execute(t.nodes.delete().where(t.nodes.c.id.in_(list(nodes))))
    return freed


def dead_nodes(
    connection: Connection, *, silent_since: int, instance: str = "", slots: Sequence[int] = ()
) -> list[str]:
    """Nodes whose heartbeat stopped before `silent_since`, and those of this machine's instance in `slots`,
    which cannot live since we hold the lock of their data directory."""
    n = t.nodes.c
    query = select(n.id).where((n.heartbeat_at < silent_since) | ((n.instance == instance) & n.slot.in_(list(slots))))
    return list(connection.execute(query).scalars())
