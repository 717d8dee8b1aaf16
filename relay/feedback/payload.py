"""Reads providers' JSON, with limits and without relying on the type of any value.

A value of the wrong type counts as absent, so if a provider changes a field,
only that field is lost and not the event.
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
# An escaped backslash, a surrogate pair, or a lone surrogate (the group).
_HALVES = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)")


class PayloadError(ValueError):
    """The body is not a payload: too long, not JSON, or JSON of another shape. Its text may be shown to the caller."""


def load(raw: bytes) -> Any:
    """The JSON value of a body; NaN, excessive nesting and huge numbers are refused (H6). Raises PayloadError."""
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
    """Repairs JSON with text truncated within a character, which would cost all events of the call."""
    text = raw.decode("utf-8", "replace").encode()
    return _HALVES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def load_leniently(text: str) -> Any:
    """The JSON value at the start of a text, even with line breaks that a mail put into it. Raises PayloadError."""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text[:MAX_BODY])
    except (ValueError, RecursionError) as error:
        raise PayloadError("the text is not JSON") from error
    return value


def table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """A list with at most `MAX_EVENTS` items; a single object becomes a list of one."""
    if isinstance(value, list):
        return value[:MAX_EVENTS]
    return [value] if isinstance(value, dict) else []


def text(value: Any, limit: int = MAX_ID) -> str:
    """A short text: strings stripped and truncated, numbers as digits; anything else is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()[:limit]
    return str(value)[:limit] if isinstance(value, int | float) else ""


def prose(value: Any) -> str:
    """A longer text on one line."""
    return " ".join(text(value, MAX_TEXT).split())


def address(value: Any) -> str:
    """The bare address in a text such as `Bob <bob@example.com>`."""
    given = text(value)
    return given.rpartition("<")[2].partition(">")[0].strip() if "<" in given else given


def metadata(value: Any) -> dict[str, str]:
    """Names and texts of a flat table; nested values are left out."""
    pairs = list(table(value).items())[:MAX_METADATA]
    return {str(name)[:MAX_ID]: text(item) for name, item in pairs if isinstance(item, str | int | float)}


def tags(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value or None]
    return tuple(tag for tag in (text(item) for item in items[:MAX_METADATA]) if tag)


def moment(value: Any) -> datetime | None:
    """The time given as seconds, milliseconds or ISO 8601; a time without a zone counts as UTC."""
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
    # .NET writes seven decimal places of a second; Python 3.11 reads six.
    head, dot, fraction = value[:60].partition(".")
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    value = f"{head}{dot}{fraction[:digits][:6]}{fraction[digits:]}" if dot else head
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the year 1 or after 9999
        return None
