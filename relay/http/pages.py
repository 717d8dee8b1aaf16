"""Cursors of lists: sealed, so that nobody can depend on their content.

A cursor is valid only for the list it came from, identified by its path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from relay.http.access import Parts
from relay.http.house import House
from relay.http.problems import Problem
from relay.mail.token import Purpose, TokenError
from relay.store import listings
from relay.store.paging import Page, Place

MOST = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page is requested, and of which list."""

    limit: int
    after: Place | None
    of: str


def _turn(
    request: Request,
    parts: Parts,
    cursor: Annotated[str | None, Query(description="`nextCursor` of the page before", max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Turn:
    return turn_of(parts, request.url.path, cursor, limit)


Turning = Annotated[Turn, Depends(_turn)]


def turn_of(house: House, of: str, cursor: str | None, limit: int) -> Turn:
    """The page of the list `of` that a cursor asks for, the first without one. Raises Problem."""
    return Turn(limit, read_cursor(house, of, cursor) if cursor else None, of)


def read_cursor(house: House, of: str, cursor: str) -> Place:
    """The place in the list `of` to which a cursor points. Raises Problem, also for a cursor of another list."""
    try:
        at, key, origin = house.tokens.read(Purpose.CURSOR, cursor).decode().split(" ", 2)
        place = Place(int(at), key)
    except (TokenError, ValueError):
        raise Problem("bad_cursor") from None
    if origin != of:
        raise Problem("bad_cursor", "the cursor belongs to another list")
    return place


def cursor_of(house: House, of: str, place: Place) -> str:
    """The cursor of a place in the list `of`."""
    return house.tokens.issue(Purpose.CURSOR, f"{place.at} {place.id} {of}".encode())


def page_of(rows: Sequence[Any], turn: Turn, name: Callable[[Any], str]) -> Page:
    """A page of a list that is read as a whole and has its own order; `name` identifies its rows."""
    start = _after(turn.after, [name(row) for row in rows]) if turn.after is not None else 0
    shown, end = rows[start : start + turn.limit], start + turn.limit
    return Page(shown, Place(end, name(shown[-1])) if end < len(rows) else None)


def _after(place: Place, names: Sequence[str]) -> int:
    """How many rows to skip; if the last row shown is gone, as many as were shown."""
    return names.index(place.id) + 1 if place.id in names else place.at


def listing(house: House, turn: Turn, page: Page, told: Callable[[Any], Any]) -> dict[str, Any]:
    """A page in the API's form."""
    return {
        "data": [told(row) for row in page.rows],
        "nextCursor": cursor_of(house, turn.of, page.next) if page.next else None,
        "hasMore": page.next is not None,
    }


async def listed(
    house: House, turn: Turn, table: str, filters: Mapping[str, Any], told: Callable[[Any], Any]
) -> dict[str, Any]:
    """A page of one table, newest first, in the API's form; filters that are None are ignored."""
    page = await house.look(lambda c: listings.listed(c, table, filters, after=turn.after, limit=turn.limit))
    return listing(house, turn, page, told)
