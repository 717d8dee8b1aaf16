"""Facts about the installation that the store itself remembers."""

from sqlalchemy import Connection, insert, select

from relay.store import schema as t


def remembered(connection: Connection, key: str, otherwise: str) -> str:
    """What is remembered under `key`; `otherwise` is remembered from now on where nothing is."""
    value = connection.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar_one_or_none()
    if value is None:
        connection.execute(insert(t.meta), {"key": key, "value": otherwise})
        return otherwise
    return str(value)
