"""Who was refused is known by recipient, and who entered a suppressed domain by that.

What was refused as a whole before is filled in from its decisions; who entered a domain before nobody knows.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

STEP = 1000
_NEXT = sa.text(
    "SELECT id FROM sends WHERE id > :after AND decision IN ('blocked', 'deferred') ORDER BY id LIMIT :step"
)
_RECORDS = sa.text("SELECT send_id, record FROM decisions WHERE send_id IN :ids").bindparams(
    sa.bindparam("ids", expanding=True)
)
_FILL = sa.text(
    "INSERT INTO refused_recipients (send_id, token, reason) VALUES (:send_id, :token, :reason)"
    " ON CONFLICT (send_id, token) DO NOTHING"
)


def upgrade() -> None:
    op.create_table(
        "refused_recipients",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("send_id", "token", name=op.f("pk_refused_recipients")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_refused_recipients_token", "refused_recipients", ["token"])
    op.add_column("suppressed_domains", sa.Column("source", sa.Text(), server_default="", nullable=False))
    connection, after = op.get_bind(), ""
    while ids := connection.execute(_NEXT, {"after": after, "step": STEP}).scalars().all():
        rows = [row for found in connection.execute(_RECORDS, {"ids": ids}) for row in _refused(found)]
        if rows:
            connection.execute(_FILL, rows)
        after = ids[-1]


def _refused(found: Any) -> list[dict[str, str]]:
    """The recipients a recorded decision refused, each by the token that stands for it there."""
    record = json.loads(found.record)
    return [
        {"send_id": found.send_id, "token": verdict[0][1:], "reason": record["reason"]}
        for verdict in record["verdicts"]
        if verdict[1] == "refused" and verdict[0].startswith("~")
    ]
