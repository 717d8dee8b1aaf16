"""The span of a report: months of the calendar stand side by side without a gap, and each bears one month of cost."""

from datetime import UTC, datetime

import pytest

from policy.outcomes import MONTH
from policy.usage import DAY
from relay.http.spans import months, span_of


def at(*when: int) -> int:
    """Milliseconds of a moment in UTC."""
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1000


NOW = at(2026, 3, 16, 12)


def test_a_month_ends_where_the_next_begins_and_bears_its_cost_whole():
    january, february = span_of("2026-01", NOW), span_of("2026-02", NOW)
    assert january.until + 1 == february.since == at(2026, 2, 1)
    assert (january.charged, february.charged) == (MONTH, MONTH)


def test_the_month_that_runs_ends_now_and_bears_what_is_over_of_it():
    assert span_of("2026-03", NOW) == (at(2026, 3, 1), NOW, MONTH * (NOW + 1 - at(2026, 3, 1)) // (31 * DAY))


def test_this_month_and_the_one_before_are_known_across_a_year():
    assert months(at(2026, 1, 31)) == ("2026-01", "2025-12")


@pytest.mark.parametrize("period", ["2026-04", "9999-12", "2026-13", "2026-00", "0000-01", "2026-3", "2026-03-01"])
def test_what_is_no_month_or_has_not_begun_is_refused(period):
    with pytest.raises(ValueError, match=r".+"):
        span_of(period, NOW)
