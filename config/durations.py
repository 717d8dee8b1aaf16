"""Sizes and durations as people write them: `25MiB`, `24h`, `7_days`, `1h30m`.

A duration without a unit is refused, since nobody can tell whether 30 means seconds or days; a size without one
is in bytes. `parse_duration` reads what `show_duration` writes.
"""

import re
from datetime import timedelta

_SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
}
_BYTES = {
    **dict.fromkeys(("b", "byte", "bytes"), 1),
    **{f"{letter}{tail}": 1024**power for power, letter in enumerate("kmgt", 1) for tail in ("", "ib")},
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
}
_ONE = r"(\d+(?:\.\d+)?)[ _]?([a-z]+)"
_PIECE = re.compile(_ONE)
_DURATION = re.compile(rf"{_ONE}(?:[ _]?{_ONE})*")
_LONGEST = timedelta(days=36_525)

DURATION_PATTERN = r"^0$|^[0-9]+(\.[0-9]+)?[ _]?[A-Za-z]+([ _]?[0-9]+(\.[0-9]+)?[ _]?[A-Za-z]+)*$"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?[ _]?[A-Za-z]*$"


def parse_duration(text: str) -> timedelta:
    """The duration in `text`. Raises ValueError, which says how to write one."""
    plain = text.strip().lower()
    if plain == "0":
        return timedelta(0)
    if plain.isdecimal():
        raise ValueError(f"has no unit: write {plain}s, {plain}m, {plain}h or {plain}d")
    if len(plain) > 60 or not _DURATION.fullmatch(plain):
        raise ValueError(f"is not a duration: {text[:40]!r}; write it like 30s, 15m, 24h or 7_days")
    seconds = 0.0
    for number, unit in _PIECE.findall(plain):
        if unit not in _SECONDS:
            raise ValueError(f"has an unknown unit of time: {unit!r}; known are s, m, h, d and w")
        seconds += float(number) * _SECONDS[unit]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("is longer than a hundred years")
    return timedelta(seconds=seconds)


def parse_size(text: str) -> int:
    """The number of bytes in `text`. Raises ValueError, which says how to write one."""
    plain = text.strip().lower()
    if plain.isdecimal() and len(plain) < 20:
        return int(plain)
    match = _PIECE.fullmatch(plain) if len(plain) <= 30 else None
    if match is None:
        raise ValueError(f"is not a size: {text[:40]!r}; write it like 512KiB or 25MiB")
    number, unit = match.groups()
    if unit not in _BYTES:
        raise ValueError(f"has an unknown unit of size: {unit!r}; known are B, KiB, MiB, GiB and TiB")
    size: int = round(float(number) * _BYTES[unit])
    return size


def show_duration(duration: timedelta) -> str:
    """The shortest exact spelling: 90m, but 1d for 24h."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0"
