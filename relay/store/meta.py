"""Facts about the installation that the store itself remembers."""

from sqlalchemy import Connection, insert, select, text

from relay.store import schema as t


def recalled(connection: Connection, key: str) -> str:
    """What is remembered under `key`, "" where nothing is."""
    return str(connection.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar_one_or_none() or "")


def remember(connection: Connection, key: str, value: str) -> None:
    """Remember this from now on, whatever was before."""
    connection.execute(_REMEMBER, {"key": key, "value": value})


_REMEMBER = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def remembered(connection: Connection, key: str, otherwise: str) -> str:
    """What is remembered under `key`; `otherwise` is remembered from now on where nothing is."""
    if known := recalled(connection, key):
        return known
    connection.execute(insert(t.meta), {"key": key, "value": otherwise})
    return otherwise
