"""Volumes: what a span says is what was counted in its hours, however it is put together."""

import pytest

from policy.usage import DAY, HOUR
from relay.store import tallies, volumes
from relay.store.engine import Database
from relay.store.rates import read_rates

NOON = 1_774_353_600_000
AGO = [0, 1, 11, 12, 13, 23, 24, 36, 37, 24 * 29, 24 * 30, 24 * 31]  # hours


@pytest.mark.parametrize("back", [1, 12, 13, 24, 36, 24 * 30])
def test_hours_and_days_add_up_to_every_hour_of_the_span(database: Database, back: int) -> None:
    with database.transaction() as connection:
        for hours in AGO:
            sent = [("ten_1", NOON - hours * HOUR, "mbx_1", "primary", "")] * (hours + 1)
            volumes.add(connection, [*sent, ("ten_2", NOON - hours * HOUR, "mbx_2", "primary", "")])
        found = volumes.sent_between(connection, "ten_1", NOON - back * HOUR, NOON, "mailbox")
    assert found == {"mbx_1": {"primary": sum(hours + 1 for hours in AGO if hours <= back)}}


@pytest.mark.parametrize(("days", "window"), [(1, "24h"), (7, "7d"), (30, "30d")])
def test_a_rate_is_of_the_whole_span_as_a_report_of_it_is(database: Database, days: int, window: str) -> None:
    now = NOON + HOUR // 2
    with database.transaction() as connection:
        for sent_at in (now, now - days * DAY, now - days * DAY - HOUR):  # the last lies before the oldest hour
            tallies.add(connection, [(("mailbox:mbx_1",), sent_at, {"sent": 1})])
            volumes.add(connection, [("ten_1", sent_at, "mbx_1", "primary", "")])
        told = {rates.window: rates.sent for rates in read_rates(connection, "mailbox:mbx_1", now)}
        reported = volumes.sent_between(connection, "ten_1", now - days * DAY, now, "mailbox")["mbx_1"].total()
    assert (told[window], reported) == (2, 2)


def test_a_trend_compares_the_day_so_far_with_the_same_weekday_of_weeks_that_saw_mail(database: Database) -> None:
    with database.transaction() as connection:
        for days, sent in ((0, 5), (7, 40), (14, 60), (3, 99)):
            tallies.add(connection, [(("mailbox:a",), NOON - days * DAY, {"sent": sent})])
        tallies.add(connection, [(("lifted:mailbox:a",), NOON - 7 * DAY + HOUR, {"sent": 7})])  # after the hour it is
        found = volumes.today_and_before(connection, ["mailbox:a", "mailbox:b"], NOON)
    assert found == {"mailbox:a": (5, [40]), "mailbox:b": (0, [])}
