"""What is known of the installation is known once, however many machines begin at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from relay.store.engine import Database
from relay.store.meta import remembered
from tests.support.waiting import until_one_waits


@pytest.mark.needs("postgresql")
def test_of_two_machines_that_start_with_a_new_store_the_second_learns_what_the_first_stored(
    migrated_postgres_url: str,
):
    database = Database(migrated_postgres_url)

    def second() -> str:
        with database.transaction() as connection:
            return remembered(connection, "secret_key", "of the second")

    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as connection:
            assert remembered(connection, "secret_key", "of the first") == "of the first"
            told = threads.submit(second)
            until_one_waits(database, told.done)
        assert told.result() == "of the first"
    database.close_now()
