"""What all kinds of declared rows share: how they are made, disabled and re-enabled as the file changes."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, update

from relay.store.errors import Declared


class Makers(Struct, frozen=True):
    """What is needed from outside to make rows: ids, randomness and password hashing."""

    new_id: Callable[[str], str]
    hash_password: Callable[[str], str]
    same_password: Callable[[str, str], bool]  # (hash, password)
    domain_token: Callable[[], str]


def way_back(row: Any) -> str:
    """A hint if the row that has the name or address left the configuration file; "" otherwise."""
    is_gone = row.managed and row.status == "disabled"
    return "; it was removed from the configuration file: put it back there" if is_gone else ""


def check_is_in_use(kind: str, row: Any) -> None:
    """Raise Declared if the mailbox or tenant left the configuration file: it can be neither paused nor resumed."""
    if row.status == "disabled":
        raise Declared(f"the {kind} {row.name} is no longer in the configuration file: put it back to use it")


def cause_kept(row: Any) -> str:
    """The cause to keep for a row that leaves the file: not empty if the row was paused, in case it comes back."""
    return (row.cause or "paused") if row.status == "paused" else ""


def status_back(row: Any) -> str:
    """The status of a row that comes back to the file: the one it had before."""
    return "paused" if row.cause else "active"


def enable(connection: Connection, table: Any, row: Any) -> bool:
    """Restore the status of a row that is back in the file; the file never resumes what was paused.

    Returns whether the row may send again as a result.
    """
    if row.status != "disabled":
        return False
    connection.execute(update(table).where(table.c.id == row.id).values(status=status_back(row)))
    return status_back(row) == "active"


def disable_missing(connection: Connection, table: Any, missing: Iterable[Any]) -> None:
    """Disable the rows that left the file; rows that were never in it stay as they are."""
    for row in missing:
        if row.managed and row.status != "disabled":
            values = {"status": "disabled"}
            if "cause" in table.c:
                values["cause"] = cause_kept(row)
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
