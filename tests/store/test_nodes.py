"""Who lives among the processes of a store, and what the dead leave behind."""

from sqlalchemy import insert, select

from relay.store import schema as t
from relay.store.engine import Database
from relay.store.nodes import SILENT, bury, heartbeat, register_node
from relay.store.queue import LEASE

NOON = 1_774_353_600_000


def known(database: Database, node: str) -> None:
    with database.transaction() as connection:
        register_node(connection, node=node, instance="i", slot=0, pid=1, host="h", now=NOON)


def leased(database: Database, node: str, at: int) -> None:
    row = {"send_id": "send_1", "n": 1, "tenant_id": "t", "mailbox_id": "m", "recipient": "a@x.test", "state": "active"}
    lease = {"recipient_key": "a@x.test", "domain": "x.test", "lease_node": node, "lease_until": at + LEASE, "began": 1}
    with database.transaction() as connection:
        connection.execute(insert(t.deliveries), row | lease)


def state(database: Database) -> tuple[str, str]:
    with database.asking.connect() as connection:
        row = connection.execute(select(t.deliveries.c.state, t.deliveries.c.lease_node)).one()
    return row.state, row.lease_node


def test_one_that_was_taken_for_dead_is_told_so(database: Database):
    known(database, "n1")
    with database.transaction() as connection:
        assert heartbeat(connection, "n1", NOON)
        bury(connection, ["n1"], now=NOON, uncertain_until=NOON)
        assert not heartbeat(connection, "n1", NOON)


def test_what_a_process_took_after_it_was_taken_for_dead_is_freed_when_it_dies_unheard(database: Database):
    leased(database, "nobody", NOON)
    with database.transaction() as connection:
        bury(connection, [], now=NOON + SILENT, uncertain_until=0)
    assert state(database) == ("active", "nobody")  # it may be about to say that it lives
    with database.transaction() as connection:
        bury(connection, [], now=NOON + SILENT + 1, uncertain_until=0)
    assert state(database) == ("uncertain", "")


def test_what_a_living_process_holds_is_left_to_it(database: Database):
    known(database, "n1")
    leased(database, "n1", NOON)
    with database.transaction() as connection:
        bury(connection, [], now=NOON + LEASE // 2, uncertain_until=0)
    assert state(database) == ("active", "n1")
