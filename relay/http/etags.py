"""ETag and If-Match: nobody overwrites a change they have not seen (RFC 9110 §13.1.1)."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header

from relay.http.problems import Problem
from relay.store.engine import canonical

IfMatch = Annotated[
    str | None, Header(description="The ETag on which the change is based; `*` accepts any.", max_length=400)
]

# The header of an answer, for the description.
TAGGED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "For `If-Match`.", "schema": {"type": "string"}}}}
}


def etag_of(row: Any, *columns: str) -> str:
    """The ETag of a row, computed from the columns that people or events change."""
    told = {name: getattr(row, name) for name in ("id", *columns)}
    return f'"{sha256(canonical(told).encode()).hexdigest()[:32]}"'


def check(if_match: str | None, current: str) -> None:
    """Raise 412 unless the change is based on the current version."""
    if if_match is None or if_match.strip() == "*":
        return
    given = {tag.strip() for tag in if_match.split(",")}
    if current not in given:
        raise Problem("changed_meanwhile")
