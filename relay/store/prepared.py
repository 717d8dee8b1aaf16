"""Statements of the hot path: translated for each engine once, and run on the driver's own cursor.

SQLAlchemy opens the connections, begins and commits; what it would repeat for every execution
(expanding lists, building contexts and rows) was measured to be most of the cost of a small
batch. The SQL is ours alone; values are always parameters.

Parameters are written `:name`. A list is written `IN :name[]`: one parameter whatever its
length, so the text never changes and the driver's cached statement is used.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_LIST = re.compile(r"IN :(\w+)\[\]")
_NAME = re.compile(r"(?<![:\w]):(\w+)")
T = TypeVar("T")
PIECE = 256 * 1024  # octets
_COLUMNS = re.compile(r"^SELECT (?:DISTINCT )?(.*?) FROM ", re.DOTALL)


class Prepared:
    """One statement for both engines. `lock` is the clause that locks its rows on PostgreSQL."""

    __slots__ = ("_lists", "_postgresql", "_row", "_sqlite")

    def __init__(self, words: str, *, lock: str = "") -> None:
        self._lists = tuple(_LIST.findall(words))
        self._sqlite = _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", words)
        self._postgresql = _NAME.sub(r"%(\1)s", _LIST.sub(r"= ANY(:\1)", f"{words} {lock}".replace("%", "%%")))
        columns = _COLUMNS.match(words)
        # A named tuple's own `_make` is written in Python, and would be called for every row.
        self._row = partial(tuple.__new__, namedtuple("Row", _names(columns[1]))) if columns else tuple

    def all(self, connection: Connection, **given: Any) -> list[Any]:
        """All rows, with their columns by name. Raises DBAPIError, as SQLAlchemy would."""
        if connection.dialect.name == "sqlite":
            for name in self._lists:
                given[name] = orjson.dumps(given[name]).decode()
        words = self._words(connection)

        def asked(cursor: Any) -> Any:
            cursor.execute(words, given)
            return cursor.fetchall()

        return list(map(self._row, _with_cursor(connection, asked)))

    def once(self, connection: Connection, **given: Any) -> None:
        """Run the statement for its effect. Raises DBAPIError, as SQLAlchemy would."""
        words = self._words(connection)
        _with_cursor(connection, lambda cursor: cursor.execute(words, given))

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement for each row; without rows do nothing. Raises DBAPIError, as SQLAlchemy would."""
        if rows:
            words = self._words(connection)
            _with_cursor(connection, lambda cursor: cursor.executemany(words, rows))

    def piecewise(self, connection: Connection, table: str, column: str, row: Mapping[str, Any]) -> None:
        """Insert one row whose `column` is large. Raises DBAPIError, as SQLAlchemy would.

        SQLite copies a bound value twice, as a parameter and as a record. A value written piece by piece into a row of
        zeros is not copied (measured at 25 MiB: 16 MB of memory instead of 67, in the same time).
        """
        if connection.dialect.name != "sqlite":
            self.many(connection, [row])
            return
        data = memoryview(row[column])
        zeros = self._sqlite.replace(f":{column}", f"zeroblob(:{column})")

        def put(cursor: Any) -> None:
            cursor.execute(zeros, {**row, column: len(data)})
            with cursor.connection.blobopen(table, column, cursor.lastrowid) as blob:
                for at in range(0, len(data), PIECE):
                    blob.write(data[at : at + PIECE])

        _with_cursor(connection, put)

    def _words(self, connection: Connection) -> str:
        return self._sqlite if connection.dialect.name == "sqlite" else self._postgresql


def _with_cursor(connection: Connection, use: Callable[[Any], T]) -> T:
    """The result of `use` with a driver's cursor; its errors are raised as SQLAlchemy's, as callers expect."""
    dialect: Any = connection.dialect
    cursor = None
    try:
        cursor = connection.connection.cursor()
        return use(cursor)
    except dialect.loaded_dbapi.Error as error:
        gone = dialect.is_disconnect(error, connection.connection, cursor)
        raise DBAPIError.instance(
            "", None, error, dialect.loaded_dbapi.Error, connection_invalidated=gone, dialect=dialect
        ) from error
    finally:
        if cursor is not None:
            cursor.close()


def insertion(table: str, columns: Sequence[str], otherwise: str = "") -> Prepared:
    """An INSERT of these columns, each from the parameter of the same name; `otherwise` is an ON CONFLICT clause."""
    values = ", ".join(f":{name}" for name in columns)
    return Prepared(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) {otherwise}")  # noqa: S608 - our own words


def _names(columns: str) -> list[str]:
    """The column names in a SELECT list: what follows AS, or the last dot."""
    return [re.split(r"\sAS\s|\.|\s", column.strip())[-1] for column in columns.split(",")]
