"""A SQLite store goes into PostgreSQL row by row: what it takes in memory does not grow with the store."""

import tracemalloc

import pytest
from sqlalchemy import func, insert, select

from relay.store import schema as t
from relay.store.engine import Database
from relay.store.takeover import size, take_over

LARGE, BODIES = 256 * 1024, 16


@pytest.mark.needs("postgresql")
def test_large_bodies_are_not_all_in_memory(migrated_sqlite_url: str, migrated_postgres_url: str) -> None:
    old, new = Database(migrated_sqlite_url), Database(migrated_postgres_url)
    told: list[int] = []
    with old.transaction() as source, new.transaction() as target:
        bodies = [{"send_id": f"send_{number:026}", "data": bytes(LARGE)} for number in range(BODIES)]
        source.execute(insert(t.bodies), bodies)
        del bodies
        expected = size(source)
        tracemalloc.start()
        take_over(source, target, told.append)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        copied = target.execute(select(func.sum(func.length(t.bodies.c.data)))).scalar_one()
    old.close_now()
    new.close_now()
    assert (copied, sum(told)) == (LARGE * BODIES, expected)
    assert peak < LARGE * BODIES
