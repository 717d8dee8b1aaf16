"""A revoked consent is found by the alias its address shares with others, as a suppression is."""

import sqlalchemy as sa
from alembic import op

from policy.facts import alias_of

revision = "0005"
down_revision = "0004"

STEP = 5000
_NEXT = sa.text("SELECT id, key FROM consents WHERE id > :after ORDER BY id LIMIT :step")
_FILL = sa.text("UPDATE consents SET alias = :alias WHERE id = :id")


def upgrade() -> None:
    op.add_column("consents", sa.Column("alias", sa.String(length=320), server_default="", nullable=False))
    connection, after = op.get_bind(), ""
    while rows := connection.execute(_NEXT, {"after": after, "step": STEP}).all():
        connection.execute(_FILL, [{"id": row.id, "alias": alias_of(row.key)} for row in rows])
        after = rows[-1].id
    op.create_index("ix_consents_tenant_id_alias", "consents", ["tenant_id", "alias"])
