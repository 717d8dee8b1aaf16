"""What all tables are built from: the metadata and recurring column types."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# On SQLite only INTEGER PRIMARY KEY is assigned automatically.
Sequence = BigInteger().with_variant(Integer, "sqlite")
Id = String(48)


def at(name: str) -> Column[int]:
    """A time in milliseconds since the epoch, 0 for never."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def words(name: str, default: str = "") -> Column[str]:
    """Short text, never null: absent is the empty string."""
    return Column(name, Text, nullable=False, server_default=default)


def json(name: str, default: str = "{}") -> Column[str]:
    """JSON as text."""
    return Column(name, Text, nullable=False, server_default=default)


def count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=str(default))


def flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


# Deliveries that are still on their way. A query must use exactly these words for the partial index to be used.
OPEN_CONDITION = "state IN ('queued', 'deferred', 'scheduled', 'active', 'uncertain')"


def some(name: str, *columns: str, where: str) -> Index:
    """A partial index over the rows for which `where` holds; a query must repeat it word for word to use the index."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
