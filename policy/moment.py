"""Moments as people and programs read them. Times are milliseconds since the epoch, UTC."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = 253_370_764_800_000  # start of the year 9999; no time anybody asks for may be later
_LAST_YEAR = 9998
_LAST_SECOND = 253_402_300_799  # end of the year 9999; later times are shown as this


def moment(ms: int) -> datetime:
    """The UTC datetime of `ms`, cut to whole seconds and to the years 1970 to 9999."""
    return _EPOCH + timedelta(seconds=min(max(ms // 1000, 0), _LAST_SECOND))


@lru_cache(maxsize=4096)
def iso(ms: int) -> str:
    """For example `2026-03-24T10:30:00Z`."""
    return f"{moment(ms):%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=4096)
def day(ms: int) -> str:
    """For example `2026-03-24`."""
    return f"{moment(ms):%Y-%m-%d}"


def exact(ms: int) -> str:
    """For example `2026-03-24T10:30:00.250Z`. A time out of range is shown as the nearest valid one, not an error."""
    found = datetime.fromtimestamp(min(max(ms, 0), END_OF_TIME) / 1000, UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def precise(ms: int) -> str | None:
    """The time to the millisecond, or None for 0, which means never."""
    return exact(ms) if ms else None


def milliseconds(when: datetime) -> int:
    """The milliseconds of a time somebody asked for; raises ValueError if it could not be stored and shown."""
    ms = int(when.timestamp() * 1000)
    if not 0 <= ms < END_OF_TIME:
        raise ValueError("the time is out of range (1970 to 9998)")
    return ms


def ms_of(span: timedelta) -> int:
    """The length of a time span in milliseconds."""
    return int(span.total_seconds() * 1000)


def months_after(ms: int, months: int) -> int:
    """The same day and time (UTC) `months` later; the last day of the month if that month is too short."""
    then = moment(ms)
    year, month = divmod(then.year * 12 + then.month - 1 + months, 12)
    if year > _LAST_YEAR:
        return END_OF_TIME
    last = monthrange(year, month + 1)[1]
    return milliseconds(then.replace(year=year, month=month + 1, day=min(then.day, last))) + ms % 1000


def seconds_until(then: int, now: int) -> int:
    """Whole seconds to wait, rounded up, at least one."""
    return max(1, -((now - then) // 1000))
