"""Sorts many values by key on disk, so that millions need not be in memory.

In any other order, each imported row would touch a different page of the index over addresses,
and the store would write a thousand times the size of the row.
"""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import orjson
from msgspec.structs import asdict

_AT_ONCE = 1000


class Pile:
    """`with Pile() as pile`: add values, then read their fields sorted by `key`; equal keys keep their order."""

    def __init__(self) -> None:
        # A database without a name is a temporary file of this connection, already unlinked.
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
        """Add a value; raises ValueError for text that is not valid UTF-8, as standard input may contain."""
        try:
            self._waiting.append((value.key, orjson.dumps(asdict(value))))
        except orjson.JSONEncodeError as error:
            raise ValueError(f"not text in UTF-8: {error}") from None
        self.size += 1
        if len(self._waiting) >= _AT_ONCE:
            self._put()

    def taken(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """The fields of all values in order, up to `size` values at a time."""
        self._put()
        found = self._file.execute("SELECT value FROM pile ORDER BY key, rowid")
        while rows := found.fetchmany(size):
            yield [orjson.loads(value) for (value,) in rows]

    def _put(self) -> None:
        self._file.executemany("INSERT INTO pile VALUES (?, ?)", self._waiting)
        self._waiting.clear()
