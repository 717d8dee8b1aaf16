"""A key for repeats belongs to one request at a time, on however many machines."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from relay.store.engine import Database
from relay.store.idempotency import claim, mark

NOW = 1_800_000_000_000
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.mark.needs("postgresql")
def test_of_two_machines_that_claim_a_key_at_once_one_is_told_to_come_again(migrated_postgres_url: str):
    one, two = Database(migrated_postgres_url), Database(migrated_postgres_url)

    def claimed(database: Database) -> str:
        with database.transaction() as connection:
            return claim(connection, mark("mbx_1", "k"), digest="d", now=NOW).kind

    with ThreadPoolExecutor(1) as other:
        with one.transaction() as connection:
            assert claim(connection, mark("mbx_1", "k"), digest="d", now=NOW).kind == "new"
            second = other.submit(claimed, two)
            with one.asking.connect() as asking:
                while not second.done() and not asking.execute(WAITING).scalar():
                    asking.rollback()
        assert second.result(20) == "busy"
    one.close_now()
    two.close_now()
