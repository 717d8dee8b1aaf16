"""Decisions read back in order, from any time on, without reading what is older."""

import pytest

from relay.store import audit, decisions
from relay.store.engine import Database

DAY = 86_400_000


@pytest.fixture
def filled(database: Database) -> Database:
    """A hundred days of decisions, fifty a day."""
    records = [
        audit.Record("ten:a", f"send_{n}", (n // 50 + 1) * DAY, {"sendId": f"send_{n}", "decision": "approved"})
        for n in range(5000)
    ]
    with database.transaction() as connection:
        audit.append(connection, records)
    return database


@pytest.mark.parametrize(
    ("since", "count"), [(0, 5000), (DAY, 5000), (71 * DAY, 1500), (100 * DAY, 50), (101 * DAY, 0)]
)
def test_all_since_then_are_given_in_order_and_counted(filled: Database, since: int, count: int) -> None:
    with filled.writing.connect() as connection:
        seen = [row.send_id for page in decisions.pages(connection, since) for row in page]
        assert seen == [f"send_{n}" for n in range(5000 - count, 5000)]
        assert decisions.counted(connection, since) == count


def test_what_is_older_is_stepped_over(filled: Database) -> None:
    with filled.writing.connect() as connection:
        assert 3000 < decisions._before(connection, 90 * DAY) < 4450
        assert decisions._before(connection, 0) == 0
