"""What a session of PostgreSQL is told, and that it stays ours."""

import pytest
from sqlalchemy import StaticPool, create_engine, text

from relay.store.engine import Database, StoreUnusable
from tests.support.postgres import Postgres

pytestmark = pytest.mark.needs("postgresql")


async def test_no_setting_of_a_role_or_database_weakens_what_250_means_or_ends_our_statements(
    postgres: Postgres, postgres_url: str
) -> None:
    name, timeouts = postgres_url.rpartition("/")[2], ("statement_timeout", "lock_timeout", "idle_session_timeout")
    for setting in (*(f"{timeout} = '1s'" for timeout in timeouts), "synchronous_commit = off"):
        postgres.run(f'ALTER DATABASE "{name}" SET {setting}')
    asked = text(f"SELECT {','.join(f'current_setting({one!r})' for one in (*timeouts, 'synchronous_commit'))}")
    for timeout, told in ((None, "0"), (7.0, "7s")):
        database = Database(postgres_url, timeout=timeout)
        for engine in (database.writing, database.asking):
            with engine.connect() as connection:
                assert connection.execute(asked).one() == (told, "0", "0", "on")
        async with database.reading.connect() as reading:
            assert (await reading.execute(asked)).one() == (told, "0", "0", "on")
        await database.close()


def test_a_pooler_in_transaction_mode_is_refused(postgres_url: str) -> None:
    database = Database(postgres_url)
    database.check_sessions()
    database.close_now()
    # As such a pooler does: one session for whoever is in a transaction.
    database.writing = database.asking = create_engine(postgres_url, poolclass=StaticPool)
    with pytest.raises(StoreUnusable, match="session mode"):
        database.check_sessions()
    database.close_now()
