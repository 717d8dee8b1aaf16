"""The period of a report: a span up to now, or a calendar month (UTC)."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from config.durations import parse_duration
from policy.moment import ms_of
from policy.outcomes import MONTH
from policy.usage import DAY

LONGEST = 366 * DAY
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


class Span(NamedTuple):
    """From `since` to `until`, both included, in milliseconds since the epoch.

    `charged` is the share of a `MONTH` of fixed cost in it: exactly one for a calendar month, however many days
    it has.
    """

    since: int
    until: int
    charged: int


def span_of(period: str, now: int) -> Span:
    """The span that `30d` or `2026-11` means. Raises ValueError."""
    if found := _MONTH.fullmatch(period):
        return _month(int(found[1]), int(found[2]), now)
    back = ms_of(parse_duration(period))
    if not 0 < back <= LONGEST:
        raise ValueError("must be longer than 0 and at most 366d")
    return Span(now - back, now, back)


def months(now: int) -> tuple[str, str]:
    """This month and the previous one, as periods."""
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    before = today.replace(day=1) - timedelta(days=1)
    return f"{today:%Y-%m}", f"{before:%Y-%m}"


def _month(year: int, month: int, now: int) -> Span:
    first = datetime(year, month, 1, tzinfo=UTC)
    since = int(first.timestamp()) * 1000
    if since > now:
        raise ValueError("is a month that has not begun")
    end = int((first + timedelta(days=31)).replace(day=1).timestamp()) * 1000
    until = min(now, end - 1)
    return Span(since, until, MONTH * (until + 1 - since) // (end - since))
