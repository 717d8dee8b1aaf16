"""What all kinds of declared rows have in common: how they are made, and how they come and go with the file."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, update


class Makers(Struct, frozen=True):
    """What making rows needs from outside: ids, randomness, and password hashing."""

    new_id: Callable[[str], str]
    hash_password: Callable[[str], str]
    same_password: Callable[[str, str], bool]  # (hash, password)
    domain_token: Callable[[], str]


def cause_kept(row: Any) -> str:
    """What is kept of a row that leaves the file: it says when the row comes back that it was paused."""
    return (row.cause or "paused") if row.status == "paused" else ""


def status_back(row: Any) -> str:
    """The status of a row that comes back: as it was."""
    return "paused" if row.cause else "active"


def enable(connection: Connection, table: Any, row: Any) -> bool:
    """What comes back to the file is as it was when it left it: the file resumes nothing that was paused.

    Whether it may send again by that.
    """
    if row.status != "disabled":
        return False
    connection.execute(update(table).where(table.c.id == row.id).values(status=status_back(row)))
    return status_back(row) == "active"


def disable_missing(connection: Connection, table: Any, missing: Iterable[Any]) -> None:
    """What left the file is disabled; what was never in it stays as it is."""
    for row in missing:
        if row.managed and row.status != "disabled":
            values = {"status": "disabled"}
            if "cause" in table.c:
                values["cause"] = cause_kept(row)
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
