"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# What the database itself enforces, beyond its tables. Decisions are append-only: UPDATE and DELETE are refused by
# trigger (TRUNCATE too on PostgreSQL), except DELETE of rows at or below the chain's signed pruning anchor. On
# PostgreSQL an event carries the id of its transaction, so that readers can tell what is still being committed below
# them.
_ON_SQLITE = (
    """CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
       BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
    """CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
       WHEN OLD.position > coalesce((SELECT position FROM anchors WHERE chain = OLD.chain), 0)
       BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
)

_ON_POSTGRESQL = (
    """CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' AND OLD.position <= coalesce((SELECT position FROM anchors WHERE chain = OLD.chain), 0)
         THEN RETURN OLD; END IF;
         RAISE EXCEPTION 'decisions are append-only';
       END $$""",
    """CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions
       FOR EACH ROW EXECUTE FUNCTION decisions_append_only()""",
    """CREATE FUNCTION decisions_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$""",
    """CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions
       FOR EACH STATEMENT EXECUTE FUNCTION decisions_no_truncate()""",
    # What falls into no period, because a clock was wrong, must find a place all the same.
    "CREATE TABLE bodies_default PARTITION OF bodies DEFAULT",
    "CREATE TABLE decisions_default PARTITION OF decisions DEFAULT",
    "CREATE TABLE events_default PARTITION OF events DEFAULT",
    "ALTER TABLE events ALTER COLUMN txid SET DEFAULT pg_current_xact_id()::text::bigint",
    "CREATE INDEX ix_events_txid_seq ON events (txid, seq)",
)


def _counted() -> tuple[str, ...]:
    """The primary key of a table partitioned by `at`: PostgreSQL wants the partition key in every unique key."""
    return ("seq",) if op.get_bind().dialect.name == "sqlite" else ("seq", "at")


def upgrade() -> None:
    op.create_table(
        "anchors",
        sa.Column("chain", sa.String(length=160), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.Column("public_key", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_anchors")),
    )
    op.create_table(
        "approvals",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("bound", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("decided_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("send_id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_status_expires_at", "approvals", ["status", "expires_at"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.Text(), server_default="", nullable=False),
        sa.Column("node", sa.Text(), server_default="", nullable=False),
        sa.Column("began_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("phase", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Integer(), server_default="0", nullable=False),
        sa.Column("enhanced", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("send_id", "n", "number", name=op.f("pk_attempts")),
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
    op.create_index("ix_attributions_outcome_id", "attributions", ["outcome_id"], unique=False)
    op.create_index("ix_attributions_tenant_id_key", "attributions", ["tenant_id", "key"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("send_id", name=op.f("pk_bodies")),
        postgresql_partition_by="RANGE (send_id)",
    )
    op.create_table(
        "chains",
        sa.Column("chain", sa.String(length=160), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_chains")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("heads", sa.Text(), server_default="{}", nullable=False),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.Column("public_key", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("granted", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("jurisdiction", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("alias", sa.String(length=320), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_tenant_id_key_at", "consents", ["tenant_id", "key", "at"], unique=False)
    op.create_index("ix_consents_tenant_id_alias", "consents", ["tenant_id", "alias"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("first_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_commercial_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("replied_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recent", sa.Text(), server_default="[]", nullable=False),
        sa.Column("alias_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("soft_suppressed_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", "mailbox_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("username", sa.String(length=320), nullable=True),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="generated", nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("permissions", sa.Text(), server_default='["send","read"]', nullable=False),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("secret", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("managed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("username", name=op.f("uq_credentials_username")),
    )
    op.create_index("ix_credentials_mailbox_id", "credentials", ["mailbox_id"], unique=False)
    op.create_index("ix_credentials_scope", "credentials", ["scope"], unique=False)
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
    op.create_index("ix_daily_volumes_day", "daily_volumes", ["day"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("chain", sa.String(length=160), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint(*_counted(), name=op.f("pk_decisions")),
        sqlite_autoincrement=True,
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_decisions_chain_position", "decisions", ["chain", "position"], unique=False)
    op.create_index("ix_decisions_send_id", "decisions", ["send_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.String(length=320), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("queued_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_node", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("soft_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("began", sa.Integer(), server_default="0", nullable=False),
        sa.Column("provider", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("send_id", "n", name=op.f("pk_deliveries")),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at", "lease_node"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'deferred', 'scheduled', 'active', 'uncertain')"),
        postgresql_where=sa.text("state IN ('queued', 'deferred', 'scheduled', 'active', 'uncertain')"),
    )
    op.create_index("ix_deliveries_mailbox_state", "deliveries", ["mailbox_id", "state", "send_id"], unique=False)
    op.create_index(
        "ix_deliveries_provider_id",
        "deliveries",
        ["provider_id"],
        unique=False,
        sqlite_where=sa.text("provider_id <> ''"),
        postgresql_where=sa.text("provider_id <> ''"),
    )
    op.create_index(
        "ix_deliveries_recipient_key", "deliveries", ["tenant_id", "recipient_key", "updated_at"], unique=False
    )
    op.create_table(
        "dkim_keys",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("selector", sa.Text(), server_default="", nullable=False),
        sa.Column("algorithm", sa.Text(), server_default="", nullable=False),
        sa.Column("private", sa.Text(), server_default="", nullable=False),
        sa.Column("public", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("active_from", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("retired_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_keys")),
        sa.UniqueConstraint("domain", "selector", name=op.f("uq_dkim_keys_domain_selector")),
    )
    op.create_table(
        "domains",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("verification", sa.Text(), server_default="dns_txt", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("physical_address", sa.Text(), server_default="", nullable=False),
        sa.Column("selector", sa.Text(), server_default="gp1", nullable=False),
        sa.Column("records", sa.Text(), server_default="[]", nullable=False),
        sa.Column("managed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("verified_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("checked_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("absent_since", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
        sa.UniqueConstraint("name", name=op.f("uq_domains_name")),
    )
    op.create_table(
        "duplicates",
        sa.Column(
            "fingerprint", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_duplicates")),
    )
    op.create_index("ix_duplicates_expires_at", "duplicates", ["expires_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("txid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("send_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("n", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("type", sa.String(length=48), nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint(*_counted(), name=op.f("pk_events")),
        sqlite_autoincrement=True,
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "ix_events_alerts",
        "events",
        ["at"],
        unique=False,
        sqlite_where=sa.text("type = 'alert.raised'"),
        postgresql_where=sa.text("type = 'alert.raised'"),
    )
    op.create_index("ix_events_at", "events", ["at"], unique=False)
    op.create_index(
        "ix_events_send_id",
        "events",
        ["send_id"],
        unique=False,
        sqlite_where=sa.text("send_id <> ''"),
        postgresql_where=sa.text("send_id <> ''"),
    )
    op.create_table(
        "feedback",
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("send_id", sa.Text(), server_default="", nullable=False),
        sa.Column("event", sa.Text(), server_default="{}", nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("waiting", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("received_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"], unique=False)
    op.create_index(
        "ix_feedback_waiting",
        "feedback",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("waiting"),
        postgresql_where=sa.text("waiting"),
    )
    op.create_table(
        "idempotency",
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="{}", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"], unique=False)
    op.create_table(
        "investigations",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="{}", nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investigations")),
    )
    op.create_index("ix_investigations_status", "investigations", ["status", "opened_at"], unique=False)
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("from_name", sa.Text(), server_default="", nullable=False),
        sa.Column("autonomy", sa.Text(), server_default="auto_send", nullable=False),
        sa.Column("role", sa.Text(), server_default="agent", nullable=False),
        sa.Column("allowed_classes", sa.Text(), server_default='["transactional","commercial"]', nullable=False),
        sa.Column("policy", sa.Text(), server_default="default", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("paused_by", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("tightened", sa.Text(), server_default="{}", nullable=False),
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("managed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("address_key", name=op.f("uq_mailboxes_address_key")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_mailboxes_tenant_id_name")),
    )
    op.create_index("ix_mailboxes_name", "mailboxes", ["name"], unique=False)
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("instance", sa.String(length=48), nullable=False),
        sa.Column("slot", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pid", sa.Integer(), server_default="0", nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("figures", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.Text(), server_default="", nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=320), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.Text(), server_default="0", nullable=False),
        sa.Column("metadata", sa.Text(), server_default="{}", nullable=False),
        sa.Column("at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="new", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("tenant_id", "digest", name=op.f("uq_outcomes_tenant_id_digest")),
    )
    op.create_index("ix_outcomes_tenant_id_at", "outcomes", ["tenant_id", "at", "type"], unique=False)
    op.create_index("ix_outcomes_tenant_id_user_id", "outcomes", ["tenant_id", "user_id"], unique=False)
    op.create_index("ix_outcomes_tenant_id_key", "outcomes", ["tenant_id", "key"], unique=False)
    op.create_index(
        "ix_outcomes_waiting",
        "outcomes",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state <> 'credited'"),
        postgresql_where=sa.text("state <> 'credited'"),
    )
    op.create_table(
        "people",
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_people")),
    )
    op.create_index("ix_people_token", "people", ["token"], unique=False)
    op.create_table(
        "providers",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_providers")),
    )
    op.create_table(
        "refusals",
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_last_at", "refusals", ["last_at"], unique=False)
    op.create_table(
        "refused_recipients",
        sa.Column("send_id", sa.String(length=48), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("send_id", "token", name=op.f("pk_refused_recipients")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_refused_recipients_token", "refused_recipients", ["token"], unique=False)
    op.create_table(
        "sends",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("credential_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("mail_from", sa.Text(), server_default="", nullable=False),
        sa.Column("from_address", sa.Text(), server_default="", nullable=False),
        sa.Column("to_header", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.Integer(), server_default="0", nullable=False),
        sa.Column("message_class", sa.Text(), server_default="", nullable=False),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("dedupe_key", sa.Text(), server_default="", nullable=False),
        sa.Column("campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("metadata", sa.Text(), server_default="{}", nullable=False),
        sa.Column("envelope", sa.Text(), server_default="{}", nullable=False),
        sa.Column("plan", sa.Text(), server_default="{}", nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sends")),
    )
    op.create_index(
        "ix_sends_campaign",
        "sends",
        ["campaign", "received_at"],
        unique=False,
        sqlite_where=sa.text("campaign <> ''"),
        postgresql_where=sa.text("campaign <> ''"),
    )
    op.create_index(
        "ix_sends_dedupe_key",
        "sends",
        ["dedupe_key"],
        unique=False,
        sqlite_where=sa.text("dedupe_key <> ''"),
        postgresql_where=sa.text("dedupe_key <> ''"),
    )
    op.create_index("ix_sends_mailbox_id_received_at", "sends", ["mailbox_id", "received_at"], unique=False)
    op.create_index(
        "ix_sends_message_id",
        "sends",
        ["message_id"],
        unique=False,
        sqlite_where=sa.text("message_id <> ''"),
        postgresql_where=sa.text("message_id <> ''"),
    )
    op.create_index("ix_sends_tenant_id_received_at", "sends", ["tenant_id", "received_at"], unique=False)
    op.create_table(
        "suppressed_domains",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressed_domains")),
        sa.UniqueConstraint("domain", "tenant_id", name=op.f("uq_suppressed_domains_domain_tenant_id")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="manual", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("alias", sa.String(length=320), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint(
            "key",
            "scope",
            "tenant_id",
            "mailbox_id",
            "kind",
            name=op.f("uq_suppressions_key_scope_tenant_id_mailbox_id_kind"),
        ),
    )
    op.create_index(
        "ix_suppressions_expires_at",
        "suppressions",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at > 0"),
        postgresql_where=sa.text("expires_at > 0"),
    )
    op.create_index("ix_suppressions_tenant_id", "suppressions", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_suppressions_alias", "suppressions", ["alias"], unique=False)
    op.create_table(
        "tallies",
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bounced", sa.Integer(), server_default="0", nullable=False),
        sa.Column("complained", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deferred", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("scope", "hour", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_hour", "tallies", ["hour"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("limits", sa.Text(), server_default="{}", nullable=False),
        sa.Column("managed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )
    op.create_table(
        "usage",
        sa.Column("scope", sa.String(length=320), nullable=False),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("recent", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_usage")),
    )
    op.create_table(
        "volumes",
        sa.Column("tenant_id", sa.String(length=48), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mailbox_id", sa.String(length=48), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("campaign", sa.String(length=256), nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "hour", "mailbox_id", "provider", "campaign", name=op.f("pk_volumes")
        ),
    )
    op.create_index("ix_volumes_hour", "volumes", ["hour"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("webhook_id", sa.String(length=48), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("code", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("webhook_id", "event_seq", name=op.f("uq_webhook_deliveries_webhook_id_event_seq")),
    )
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["webhook_id", "due_at", "event_seq"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("tenant_id", sa.String(length=48), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), server_default='["*"]', nullable=False),
        sa.Column("secret", sa.Text(), server_default="", nullable=False),
        sa.Column("previous_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("managed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("cursor_tx", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cursor_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )

    for statement in _ON_SQLITE if op.get_bind().dialect.name == "sqlite" else _ON_POSTGRESQL:
        op.execute(statement)
