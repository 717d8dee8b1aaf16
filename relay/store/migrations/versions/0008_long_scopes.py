"""What counts for a domain is named by it, and a domain has up to 253 octets."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("usage") as usage:  # SQLite alters no column: the table is copied
        usage.alter_column("scope", type_=sa.String(320))
