"""`python -m benchmarks.statements`: how many SQL statements one message costs, alone and in a batch of fifty.

Every statement given to the driver is counted as it runs: one for an `execute`, and one call for an
`executemany`, whose rows are counted separately, since on PostgreSQL all rows of a call travel together. BEGIN
and COMMIT are left out: there is one of each in a round.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.__main__ import storage
from benchmarks.house import closed
from benchmarks.message import body
from benchmarks.size import House


class Counted:
    """A driver's cursor that counts the statements it is given."""

    def __init__(self, cursor: Any, counts: Counter[str]) -> None:
        self._cursor, self._counts = cursor, counts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def execute(self, *given: Any) -> Any:
        """One statement."""
        self._counts["calls"] += 1
        self._counts["rows"] += 1
        return self._cursor.execute(*given)

    def executemany(self, words: Any, rows: Any) -> Any:
        """One call, with one statement for each row."""
        self._counts["calls"] += 1
        self._counts["rows"] += len(rows)
        return self._cursor.executemany(words, rows)


@contextmanager
def counting(house: House) -> Iterator[Counter[str]]:
    """Counts what the writing side of this installation gives its driver within the block."""
    counts: Counter[str] = Counter()
    fairy = type(house.app.database.writing.raw_connection())
    cursor = fairy.cursor

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        return Counted(cursor(self, *given, **named), counts)

    fairy.cursor = counted  # type: ignore[method-assign]
    try:
        yield counts
    finally:
        fairy.cursor = cursor  # type: ignore[method-assign]


async def count(house: House) -> dict[str, dict[str, float]]:
    """By batch size and stage: calls for a batch, and statements for a message."""
    told: dict[str, dict[str, float]] = {}
    octets, number = body(4096), 1
    for size in (1, 50):
        await house.work(range(number, number + size), octets)  # so that everything read only once has been read
        with counting(house) as counts:
            house._write = _by_stage(house._write, size, counts, told)  # type: ignore[method-assign]
            await house.work(range(number + size, number + 2 * size), octets)
        del house._write  # restores the method of the class
        number += 2 * size
    return told


def _by_stage(write: Any, size: int, counts: Counter[str], told: dict[str, dict[str, float]]) -> Any:
    def counted(stage: str, handler: Any, items: Any) -> Any:
        counts.clear()
        result = write(stage, handler, items)
        told[f"{stage} of {size}"] = {
            "calls": counts["calls"],
            "statements_a_message": round(counts["rows"] / size, 2),
        }
        return result

    return counted


def main() -> None:
    """Both engines, or one, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statements", description=__doc__)
    parser.add_argument("--storage", default="", help="«postgresql» starts a private server; default: SQLite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatepost-statements-") as folder, storage(given.storage) as url:
        print(json.dumps(asyncio.run(_counted(House(Path(folder), url))), indent=1))


async def _counted(house: House) -> dict[str, dict[str, float]]:
    told = await count(house)
    await closed(house.app)
    return told


if __name__ == "__main__":
    main()
