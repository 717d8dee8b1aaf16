"""Finds the row for a reference, and iterates over lists with no more than one page in memory."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from relay.store import accounts
from relay.store.listings import listed

PAGE = 500


def find_tenant(connection: Connection, reference: str) -> str:
    """The id of a tenant by name or id; "" if none is given. Raises Unknown."""
    return str(accounts.tenant(connection, reference).id) if reference else ""


def find_mailbox(connection: Connection, reference: str, tenant: str = "") -> Any:
    """The mailbox by name, address or id, within a tenant if one is given. Raises Unknown."""
    return accounts.mailbox(connection, reference, find_tenant(connection, tenant))


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
