"""Every row of a list, page by page: a command never holds more of a table than one page."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from relay.store.listings import listed

PAGE = 500


def every(connection: Connection, table: str, filters: Mapping[str, Any], limit: int | None = None) -> Iterator[Any]:
    """The rows of a table, newest first, at most `limit`."""
    return islice(_all(connection, table, filters), limit)


def _all(connection: Connection, table: str, filters: Mapping[str, Any]) -> Iterator[Any]:
    after = None
    while True:
        page = listed(connection, table, filters, after=after, limit=PAGE)
        yield from page.rows
        after = page.next
        if after is None:
            return
