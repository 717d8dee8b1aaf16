"""Dates in mail (RFC 5322 §3.3) as moments in UTC; unreadable ones are None, never a guess."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_date(value: str) -> datetime | None:
    """The moment in a Date, Arrival-Date or Last-Attempt-Date field."""
    if not value.strip():
        return None
    try:
        moment = parsedate_to_datetime(value.strip()[:100])
        # RFC 5322 §3.3: -0000 means that the local zone is unknown; the time itself is UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
