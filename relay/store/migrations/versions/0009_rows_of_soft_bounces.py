"""Messages in a row that used the ladder up are asked of the deliveries; kept is only since when such a row counts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_column("contacts", "soft_in_row")
    op.add_column("contacts", sa.Column("soft_suppressed_at", sa.BigInteger(), server_default="0", nullable=False))
