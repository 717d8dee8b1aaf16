"""When a credential was used was never written, when a process began was never read."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_column("credentials", "used_at")
    op.drop_column("nodes", "started_at")
