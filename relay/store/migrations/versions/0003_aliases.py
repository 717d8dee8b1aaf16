"""A suppression is found by the alias its address shares with others too, whichever of them was written down."""

import sqlalchemy as sa
from alembic import op

from policy.facts import alias_of

revision = "0003"
down_revision = "0002"

STEP = 5000
_NEXT = sa.text("SELECT id, key FROM suppressions WHERE id > :after ORDER BY id LIMIT :step")
_FILL = sa.text("UPDATE suppressions SET alias = :alias WHERE id = :id")


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("alias", sa.String(length=320), server_default="", nullable=False))
    connection, after = op.get_bind(), ""
    while rows := connection.execute(_NEXT, {"after": after, "step": STEP}).all():
        connection.execute(_FILL, [{"id": row.id, "alias": alias_of(row.key)} for row in rows])
        after = rows[-1].id
    op.create_index("ix_suppressions_alias", "suppressions", ["alias"])
