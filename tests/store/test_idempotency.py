"""A key for repeats belongs to one request at a time, on however many machines."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from relay.store.engine import Database
from relay.store.idempotency import claim, mark
from tests.support.waiting import until_one_waits

NOW = 1_800_000_000_000


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
            until_one_waits(one, second.done)
        assert second.result(20) == "busy"
    one.close_now()
    two.close_now()
