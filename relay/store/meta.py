"""Facts about the installation, kept as key and value."""

from collections.abc import Collection

from sqlalchemy import Connection, select, text

from relay.store import schema as t


def recalled(connection: Connection, key: str) -> str:
    """The value stored under `key`, "" if there is none."""
    return str(connection.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar_one_or_none() or "")


def recalled_all(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """The values stored under these keys, without those that have none."""
    rows = connection.execute(select(t.meta.c.key, t.meta.c.value).where(t.meta.c.key.in_(keys)))
    return {row.key: row.value for row in rows}


def remember(connection: Connection, key: str, value: str) -> None:
    """Store `value` under `key`, replacing any earlier value."""
    connection.execute(_REMEMBER, {"key": key, "value": value})


_REMEMBER = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def remembered(connection: Connection, key: str, otherwise: str) -> str:
    """The value stored under `key`; if there is none, store `otherwise` and return it."""
    if known := recalled(connection, key):
        return known
    connection.execute(_FIRST, {"key": key, "value": otherwise})  # waits for another machine that stores it now
    return recalled(connection, key)


_FIRST = text("INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING")
