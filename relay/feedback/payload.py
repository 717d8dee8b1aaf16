"""Reads providers' JSON: bounded, and without trust in any type it declares.

A value of the wrong kind reads as absent, so a provider that changes a field
loses that field and not the event.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from relay.feedback.events import MAX_ID, MAX_METADATA, MAX_TEXT

MAX_BODY = 5 << 20
MAX_EVENTS = 5_000
# An escaped backslash, a whole character of two halves, or one of its halves alone.
_HALVES = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)")


class PayloadError(ValueError):
    """The body is no payload: too long, no JSON, or JSON of another shape. Its text may be shown."""


def load(raw: bytes) -> Any:
    """The JSON value of a body. NaN, endless nesting and huge numbers are not JSON here (faults H6)."""
    if len(raw) > MAX_BODY:
        raise PayloadError(f"the body has more than {MAX_BODY} bytes")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(_whole(raw))
    except orjson.JSONDecodeError as error:
        raise PayloadError(f"the body is not JSON: {error}") from error


def _whole(raw: bytes) -> bytes:
    """JSON whose texts somebody cut within a character: that would cost the event, and all others of its call."""
    text = raw.decode("utf-8", "replace").encode()
    return _HALVES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def load_leniently(text: str) -> Any:
    """The JSON value a text begins with; line breaks that a mail put into strings are forgiven."""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text[:MAX_BODY])
    except (ValueError, RecursionError) as error:
        raise PayloadError("the text is not JSON") from error
    return value


def table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """A list, of at most `MAX_EVENTS`; a single object is a list of one."""
    if isinstance(value, list):
        return value[:MAX_EVENTS]
    return [value] if isinstance(value, dict) else []


def text(value: Any, limit: int = MAX_ID) -> str:
    """A short text: strings as they are, numbers in digits, all else absent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()[:limit]
    return str(value)[:limit] if isinstance(value, int | float) else ""


def prose(value: Any) -> str:
    """A longer text on one line."""
    return " ".join(text(value, MAX_TEXT).split())


def address(value: Any) -> str:
    """A bare address from `Bob <bob@example.com>` or the like."""
    given = text(value)
    return given.rpartition("<")[2].partition(">")[0].strip() if "<" in given else given


def metadata(value: Any) -> dict[str, str]:
    """Name and text of a flat table; other values are left out."""
    pairs = list(table(value).items())[:MAX_METADATA]
    return {str(name)[:MAX_ID]: text(item) for name, item in pairs if isinstance(item, str | int | float)}


def tags(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value or None]
    return tuple(tag for tag in (text(item) for item in items[:MAX_METADATA]) if tag)


def moment(value: Any) -> datetime | None:
    """A moment given as seconds, milliseconds or ISO 8601; a time without a zone is taken as UTC."""
    if isinstance(value, str):
        return _iso(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1_000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(value: str) -> datetime | None:
    if value.replace(".", "", 1).isdecimal():
        return moment(float(value)) if len(value) < 30 else None
    # .NET writes seven digits of a second; six are what Python 3.11 reads.
    head, dot, fraction = value[:60].partition(".")
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    value = f"{head}{dot}{fraction[:digits][:6]}{fraction[digits:]}" if dot else head
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may lie before the year 1 or after 9999
        return None
