"""Lists by cursor, not by offset, so that no row is skipped or repeated while new ones arrive; and their filters."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, tuple_


class Place(Struct, frozen=True):
    """The last row of a page: its time and its id."""

    at: int
    id: str


class Page(Struct, frozen=True):
    """Some rows, and the place after which the next page begins; None on the last page."""

    rows: Sequence[Any]
    next: Place | None


def matching(*asked: tuple[ColumnElement[Any], Any]) -> list[ColumnElement[bool]]:
    """The conditions that these columns have these values; an empty value asks for nothing."""
    return [column == value for column, value in asked if value]


def newest_first(
    connection: Connection,
    query: Select[Any],
    at: ColumnElement[int],
    key: ColumnElement[str],
    *,
    after: Place | None,
    limit: int,
) -> Page:
    """A page of `query`, newest first; the rows must have both columns under their own names."""
    if after is not None:
        # A row value, not OR, so that both engines use the index.
        query = query.where(tuple_(at, key) < tuple_(after.at, after.id))
    rows = connection.execute(query.order_by(at.desc(), key.desc()).limit(limit + 1)).all()
    return _page(rows, at.key or "", key.key or "", limit)


def _page(rows: Sequence[Any], at: str, key: str, limit: int) -> Page:
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, Place(getattr(last, at), str(getattr(last, key))) if last is not None else None)
