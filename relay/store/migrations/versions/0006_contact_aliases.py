"""What a mailbox remembers of a tagged address is remembered of the person too, under the alias."""

from json import dumps, loads
from typing import Any

import sqlalchemy as sa
from alembic import op

from policy.facts import alias_of

revision = "0006"
down_revision = "0005"

STEP = 5000
KEPT = 64  # messages and departures of one person
_NEXT = sa.text(
    "SELECT tenant_id, key, mailbox_id, last_at, last_commercial_at, replied_at, recent FROM contacts"
    " WHERE (tenant_id, key, mailbox_id) > (:tenant_id, :key, :mailbox_id)"
    " AND (key LIKE '%+%' OR key LIKE '%@gmail.com' OR key LIKE '%@googlemail.com')"
    " ORDER BY tenant_id, key, mailbox_id LIMIT :step"
)
_KNOWN = sa.text(
    "SELECT last_commercial_at, replied_at, alias_at, recent FROM contacts"
    " WHERE tenant_id = :tenant_id AND key = :key AND mailbox_id = :mailbox_id"
)
_PUT = sa.text(
    "INSERT INTO contacts (tenant_id, key, mailbox_id, last_commercial_at, replied_at, alias_at, recent)"
    " VALUES (:tenant_id, :key, :mailbox_id, :last_commercial_at, :replied_at, :alias_at, :recent)"
    " ON CONFLICT (tenant_id, key, mailbox_id) DO UPDATE SET last_commercial_at = excluded.last_commercial_at,"
    " replied_at = excluded.replied_at, alias_at = excluded.alias_at, recent = excluded.recent"
)


def upgrade() -> None:
    op.add_column("contacts", sa.Column("alias_at", sa.BigInteger(), server_default="0", nullable=False))
    connection, after = op.get_bind(), {"tenant_id": "", "key": "", "mailbox_id": ""}
    while rows := connection.execute(_NEXT, {**after, "step": STEP}).all():
        for row in rows:
            after = {"tenant_id": row.tenant_id, "key": row.key, "mailbox_id": row.mailbox_id}
            if (alias := alias_of(row.key)) != row.key:
                _note(connection, {**after, "key": alias}, row)


def _note(connection: sa.Connection, person: dict[str, Any], row: Any) -> None:
    known = connection.execute(_KNOWN, person).first()
    recent = loads(row.recent) + (loads(known.recent) if known else [])
    noted = {
        "last_commercial_at": max(row.last_commercial_at, known.last_commercial_at if known else 0),
        "replied_at": max(row.replied_at, known.replied_at if known else 0),
        "alias_at": max(row.last_at, known.alias_at if known else 0),
        "recent": dumps(sorted(recent)[-KEPT:], separators=(",", ":")),
    }
    connection.execute(_PUT, {**person, **noted})
