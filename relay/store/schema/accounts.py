"""Who may send: installation, tenants, mailboxes, credentials, domains and their keys."""

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from relay.store.schema.columns import Id, at, count, flag, json, metadata, words

# Facts about the installation: its id, the fingerprint of its secret key, the pruning anchor.
meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

# One row per running process. A process whose heartbeat stopped is dead, and its leases are free.
nodes = Table(
    "nodes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", Id, nullable=False),
    count("slot"),
    count("pid"),
    words("host"),
    at("heartbeat_at"),
    words("figures"),  # as of the heartbeat, for whichever worker is asked for the figures of all
)


tenants = Table(
    "tenants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    words("status", "active"),
    words("cause"),
    json("limits"),
    flag("managed"),
    at("created_at"),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("name", String(128), nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", String(320), nullable=False, unique=True),
    words("from_name"),
    words("autonomy", "auto_send"),
    words("role", "agent"),
    json("allowed_classes", '["transactional","commercial"]'),
    words("policy", "default"),
    words("status", "active"),
    words("paused_by"),
    words("cause"),
    json("tightened"),
    json("settings"),
    flag("managed"),
    at("created_at"),
    at("updated_at"),
    UniqueConstraint("tenant_id", "name"),
    Index("ix_mailboxes_name", "name"),
)

# What proves who submits. `kind` is chosen (by the operator; `secret` is an argon2id hash) or generated
# (`secret` is an HMAC-SHA-256 under the installation's pepper). `permissions` is a JSON list of send, read,
# manage. A scope may name an address whose mailbox does not exist yet.
credentials = Table(
    "credentials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    Column("username", String(320), unique=True),
    words("label"),
    words("kind", "generated"),
    words("scope"),
    json("permissions", '["send","read"]'),
    words("prefix"),
    words("secret"),
    words("status", "active"),
    flag("managed"),
    at("created_at"),
    at("revoked_at"),
    Index("ix_credentials_mailbox_id", "mailbox_id"),
    Index("ix_credentials_scope", "scope"),
)

domains = Table(
    "domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("name", String(255), nullable=False, unique=True),
    words("verification", "dns_txt"),
    words("status", "pending"),
    words("token"),
    words("physical_address"),
    words("selector", "gp1"),
    json("records", "[]"),
    flag("managed"),
    at("created_at"),
    at("verified_at"),
    at("checked_at"),
    at("absent_since"),
    at("first_sent_at"),
)

# DKIM keys, private parts sealed under the installation's secret key.
dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain", String(255), nullable=False),
    words("selector"),
    words("algorithm"),
    words("private"),
    words("public"),
    words("status", "active"),
    at("created_at"),
    at("active_from"),
    at("retired_at"),
    UniqueConstraint("domain", "selector"),
)
