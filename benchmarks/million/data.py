"""The history of an installation that has sent a lot, written directly into a SQLite file: months in a minute.

Everything depends only on the number of messages and a seed, so runs are comparable. The rows have the form
that the program writes itself. Open deliveries are due in the future, so a server started on the file has
nothing to deliver while it is measured.
"""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.million.beside import beside
from benchmarks.million.letters import letters, rows_of
from benchmarks.million.past import Past

CHUNK = 20_000
SPEED = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY", "locking_mode=EXCLUSIVE")


def write(path: Path, messages: int) -> None:
    """Fill a prepared store with so many messages and everything that followed from them."""
    past = Past(messages, time.time_ns() // 1_000_000)
    store = sqlite3.connect(path, isolation_level=None)
    store.row_factory = sqlite3.Row
    for pragma in SPEED:
        store.execute(f"PRAGMA {pragma}").fetchall()
    past.mailboxes = store.execute("SELECT id, tenant_id, name, address, address_key FROM mailboxes").fetchall()
    indexes = [row["sql"] for row in store.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")]
    names = [row["name"] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''")]
    store.execute("BEGIN")
    for name in names:
        store.execute(f'DROP INDEX "{name}"')
    coming = letters(past)
    while chunk := list(islice(coming, CHUNK)):
        for table, rows in rows_of(past, chunk).items():
            put(store, table, rows)
    for table, rows in beside(past):
        put(store, table, rows)
    for statement in indexes:
        store.execute(statement)
    store.execute("COMMIT")
    store.execute("PRAGMA journal_mode=WAL").fetchall()
    store.close()


def put(store: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns."""
    if rows:
        names = ", ".join(rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        store.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
