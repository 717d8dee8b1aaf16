"""Cursors of lists: sealed, so that nobody builds on what is inside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from relay.http.access import Parts
from relay.http.house import House
from relay.http.problems import Problem
from relay.mail.token import Purpose, TokenError
from relay.store.paging import Page, Place

MOST = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page is asked for."""

    limit: int
    after: Place | None


def _turn(
    parts: Parts,
    cursor: Annotated[str | None, Query(description="`nextCursor` of the page before", max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Turn:
    return Turn(limit, read_cursor(parts, cursor) if cursor else None)


Turning = Annotated[Turn, Depends(_turn)]


def read_cursor(house: House, cursor: str) -> Place:
    """The place a cursor stands for; raises Problem."""
    try:
        at, _, key = house.tokens.read(Purpose.CURSOR, cursor).decode().partition(" ")
        return Place(int(at), key)
    except (TokenError, ValueError):
        raise Problem("bad_cursor") from None


def cursor_of(house: House, place: Place) -> str:
    """The cursor of a place."""
    return house.tokens.issue(Purpose.CURSOR, f"{place.at} {place.id}".encode())


def listing(house: House, page: Page, told: Callable[[Any], Any]) -> dict[str, Any]:
    """A page as the API tells it."""
    return {
        "data": [told(row) for row in page.rows],
        "nextCursor": cursor_of(house, page.next) if page.next else None,
        "hasMore": page.next is not None,
    }
