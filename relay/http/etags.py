"""ETag and If-Match: nobody overwrites what somebody else changed meanwhile (RFC 9110 §13.1.1)."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header

from relay.http.problems import Problem
from relay.store.engine import canonical

IfMatch = Annotated[str | None, Header(description="The ETag the change rests on; `*` takes any.", max_length=400)]


def etag(told: Mapping[str, Any]) -> str:
    """The ETag of a representation."""
    return f'"{sha256(canonical(dict(told)).encode()).hexdigest()[:32]}"'


def check(if_match: str | None, current: Mapping[str, Any]) -> None:
    """Raise 412 unless the change rests on what there is now."""
    if if_match is None or if_match.strip() == "*":
        return
    given = {tag.strip() for tag in if_match.split(",")}
    if etag(current) not in given:
        raise Problem("changed_meanwhile")
