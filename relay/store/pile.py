"""Many values put into the order of their keys on disk, so that millions are never held.

Written in any other order, each row of an import lands on a page of its own of the index over
addresses, and the store writes a thousand times the row.
"""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import orjson
from msgspec.structs import asdict

_AT_ONCE = 1000


class Pile:
    """`with Pile() as pile`: add values, take their fields out by their `key`; equal keys as they came."""

    def __init__(self) -> None:
        # A database without a name is a file of this connection alone, already unlinked.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("CREATE TABLE pile (key TEXT, value BLOB)")
        self._file.execute("BEGIN")
        self._waiting: list[tuple[str, bytes]] = []
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, value: Any) -> None:
        """Put one on it; raises ValueError for text that is none, as standard input may hold."""
        try:
            self._waiting.append((value.key, orjson.dumps(asdict(value))))
        except orjson.JSONEncodeError as error:
            raise ValueError(f"not text in UTF-8: {error}") from None
        self.size += 1
        if len(self._waiting) >= _AT_ONCE:
            self._put()

    def taken(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """The fields of all of them in order, some at a time."""
        self._put()
        found = self._file.execute("SELECT value FROM pile ORDER BY key, rowid")
        while rows := found.fetchmany(size):
            yield [orjson.loads(value) for (value,) in rows]

    def _put(self) -> None:
        self._file.executemany("INSERT INTO pile VALUES (?, ?)", self._waiting)
        self._waiting.clear()
