"""What all kinds of declared rows have in common: how they are made, and how they come and go with the file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, update


@dataclass(frozen=True, slots=True)
class Makers:
    """What making rows needs from outside: ids, randomness, and password hashing."""

    new_id: Callable[[str], str]
    hash_password: Callable[[str], str]
    same_password: Callable[[str, str], bool]  # (hash, password)
    domain_token: Callable[[], str]


def enable(connection: Connection, table: Any, row: Any) -> None:
    """What comes back to the file is as it was when it left it: the file resumes nothing that was paused."""
    if row.status == "disabled":
        status = "paused" if row.cause else "active"
        connection.execute(update(table).where(table.c.id == row.id).values(status=status))


def disable_missing(connection: Connection, table: Any, missing: Iterable[Any]) -> None:
    """What left the file is disabled; what was never in it stays as it is."""
    for row in missing:
        if row.managed and row.status != "disabled":
            values = {"status": "disabled"}
            if "cause" in table.c:  # it says when the row comes back that it was paused
                values["cause"] = (row.cause or "paused") if row.status == "paused" else ""
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
