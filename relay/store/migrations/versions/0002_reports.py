"""What events are owed is kept (those that are stored wait to be credited), and volumes are counted by day too."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WAITING = sa.text("state <> 'credited'")


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("state", sa.String(length=16), server_default="new", nullable=False))
    op.drop_index("ix_outcomes_tenant_id_at", "outcomes")
    op.create_index("ix_outcomes_tenant_id_at", "outcomes", ["tenant_id", "at", "type"])
    op.create_index("ix_outcomes_tenant_id_key", "outcomes", ["tenant_id", "key"])
    op.create_index(
        "ix_outcomes_waiting", "outcomes", ["id"], sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_table(
        "attributions",
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("model", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome_id", sa.String(length=48), nullable=False),
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mailbox_id", sa.Text(), server_default="", nullable=False),
        sa.Column("campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("provider", sa.Text(), server_default="", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=False),
        sa.Column("fraction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "model", "at", "outcome_id", "send_id", "key", name=op.f("pk_attributions")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attributions_outcome_id", "attributions", ["outcome_id"])
    op.create_index("ix_attributions_tenant_id_key", "attributions", ["tenant_id", "key"])
    op.create_table(
        "daily_volumes",
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("campaign", sa.String(length=256), nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "mailbox_id", "provider", "campaign", name=op.f("pk_daily_volumes")
        ),
    )
    op.create_index("ix_daily_volumes_day", "daily_volumes", ["day"])
    op.execute(
        "INSERT INTO daily_volumes (tenant_id, day, mailbox_id, provider, campaign, sent)"
        " SELECT tenant_id, hour / 24, mailbox_id, provider, campaign, sum(sent) FROM volumes"
        " GROUP BY tenant_id, hour / 24, mailbox_id, provider, campaign"
    )
