"""Dates of mail (RFC 5322 §3.3) as moments in UTC; what cannot be read is None, never a guess of now."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_date(value: str) -> datetime | None:
    """The moment a Date, Arrival-Date or Last-Attempt-Date field names."""
    if not value.strip():
        return None
    try:
        moment = parsedate_to_datetime(value.strip()[:100])
        # RFC 5322 §3.3: -0000 says the clock's zone is unknown; the time itself is UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
