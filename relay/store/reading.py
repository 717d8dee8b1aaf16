"""Reads for lists and pages, beside the path of the mail: each in a short transaction of its own.

What cannot be read is Unavailable, never an empty answer.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from relay.store.engine import Database, StoreUnusable
from relay.store.writer import Unavailable

T = TypeVar("T")


async def look(database: Database, question: Callable[[Connection], T]) -> T:
    """The answer of one reading function; raises Unavailable."""
    try:
        async with database.reading.connect() as connection:
            return await connection.run_sync(question)
    except (DBAPIError, NoConnection) as error:
        if isinstance(error, DBAPIError) and not _is_trouble(error):
            raise
        raise Unavailable("the store cannot be read") from error
    except (OSError, StoreUnusable) as error:
        raise Unavailable("the store cannot be read") from error


def _is_trouble(error: DBAPIError) -> bool:
    """Whether the store is to blame and not the question: a wrong statement is a bug and shows as one."""
    return isinstance(error, OperationalError | InterfaceError) or (
        error.connection_invalidated and isinstance(error, DatabaseError)
    )
