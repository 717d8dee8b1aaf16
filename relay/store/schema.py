"""The tables. Times are milliseconds since the epoch, UTC; 0 is never. JSON is text.

What a table promises stands above it. `decisions` is append-only: the database itself
refuses to change or delete a row (see `append_only`), except at or below the last signed
pruning anchor. The queue is `deliveries`: a row there outlives every process, and its
state changes only as `relay.store.states` allows.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# On SQLite only INTEGER PRIMARY KEY counts up by itself.
Sequence = BigInteger().with_variant(Integer, "sqlite")
Id = String(48)


def _at(name: str) -> Column[int]:
    """A time in milliseconds since the epoch, 0 for never."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def _words(name: str, default: str = "") -> Column[str]:
    """Short text, never null: absent is the empty string."""
    return Column(name, Text, nullable=False, server_default=default)


def _json(name: str, default: str = "{}") -> Column[str]:
    """JSON as text."""
    return Column(name, Text, nullable=False, server_default=default)


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=str(default))


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


# Facts about the installation: its id, the fingerprint of its secret key, the pruning anchor.
meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

# One row a running process. A row whose heartbeat stopped is dead and its leases are free.
nodes = Table(
    "nodes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", Id, nullable=False),
    _count("slot"),
    _count("pid"),
    _words("host"),
    _at("started_at"),
    _at("heartbeat_at"),
)

# -- accounts ---------------------------------------------------------------------------

tenants = Table(
    "tenants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    _words("status", "active"),
    _words("cause"),
    _json("limits"),
    _flag("managed"),
    _at("created_at"),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("name", String(128), nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", String(320), nullable=False, unique=True),
    _words("from_name"),
    _words("autonomy", "auto_send"),
    _words("role", "agent"),
    _json("allowed_classes", '["transactional","commercial"]'),
    _words("policy", "default"),
    _words("status", "active"),
    _words("paused_by"),
    _words("cause"),
    _json("tightened"),
    _json("settings"),
    _flag("managed"),
    _at("created_at"),
    _at("updated_at"),
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
    _words("label"),
    _words("kind", "generated"),
    _words("scope"),
    _json("permissions", '["send","read"]'),
    _words("prefix"),
    _words("secret"),
    _words("status", "active"),
    _flag("managed"),
    _at("created_at"),
    _at("revoked_at"),
    _at("used_at"),
    Index("ix_credentials_mailbox_id", "mailbox_id"),
    Index("ix_credentials_scope", "scope"),
)

domains = Table(
    "domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("name", String(255), nullable=False, unique=True),
    _words("verification", "dns_txt"),
    _words("status", "pending"),
    _words("token"),
    _words("physical_address"),
    _words("selector", "gp1"),
    _json("records", "[]"),
    _flag("managed"),
    _at("created_at"),
    _at("verified_at"),
    _at("checked_at"),
    _at("absent_since"),
    _at("first_sent_at"),
)

# DKIM keys, private parts sealed under the installation's secret key.
dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain", String(255), nullable=False),
    _words("selector"),
    _words("algorithm"),
    _words("private"),
    _words("public"),
    _words("status", "active"),
    _at("created_at"),
    _at("active_from"),
    _at("retired_at"),
    UniqueConstraint("domain", "selector"),
)

# -- submissions ------------------------------------------------------------------------

# One row a submission that reached a verdict at DATA or over HTTP, refused ones included (without a body).
sends = Table(
    "sends",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False),
    Column("credential_id", Id, nullable=False, server_default=""),
    _words("source"),
    _words("mail_from"),
    _words("from_address"),
    _words("to_header"),
    _words("subject"),
    _words("message_id"),
    _count("size"),
    _words("message_class"),
    _words("decision"),
    _words("reason"),
    _words("rule"),
    _words("detail"),
    _words("dedupe_key"),
    _words("campaign"),
    _json("metadata"),
    _json("envelope"),
    _json("plan"),
    _words("digest"),
    _at("received_at"),
    Index("ix_sends_mailbox_id_received_at", "mailbox_id", "received_at"),
    Index("ix_sends_tenant_id_received_at", "tenant_id", "received_at"),
    Index(
        "ix_sends_message_id",
        "message_id",
        sqlite_where=text("message_id <> ''"),
        postgresql_where=text("message_id <> ''"),
    ),
    Index(
        "ix_sends_dedupe_key",
        "dedupe_key",
        sqlite_where=text("dedupe_key <> ''"),
        postgresql_where=text("dedupe_key <> ''"),
    ),
    Index(
        "ix_sends_campaign", "campaign", sqlite_where=text("campaign <> ''"), postgresql_where=text("campaign <> ''")
    ),
)

# The original bytes, once per submission.
bodies = Table("bodies", metadata, Column("send_id", Id, primary_key=True), Column("data", LargeBinary, nullable=False))

# What is still on its way. Queries say it in these very words, or the partial index is not used.
OPEN_CONDITION = "state IN ('queued', 'deferred', 'scheduled', 'active', 'uncertain')"

# One message to one recipient: the queue, and afterwards the record of what became of it.
# A row is leased by a node until `lease_until`; `began` is the number of the attempt that was
# committed before MAIL and has no outcome yet, 0 if there is none.
deliveries = Table(
    "deliveries",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", String(320), nullable=False),
    Column("domain", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    _at("due_at"),
    _at("queued_at"),
    _words("lease_node"),
    _at("lease_until"),
    _count("attempts"),
    _count("soft_failures"),
    _count("began"),
    _words("provider"),
    _words("provider_id"),
    _words("reason"),
    _words("reply"),
    _count("size"),
    _at("updated_at"),
    Index("ix_deliveries_due", "due_at", sqlite_where=text(OPEN_CONDITION), postgresql_where=text(OPEN_CONDITION)),
    Index("ix_deliveries_recipient_key", "tenant_id", "recipient_key", "updated_at"),
    Index(
        "ix_deliveries_provider_id",
        "provider_id",
        sqlite_where=text("provider_id <> ''"),
        postgresql_where=text("provider_id <> ''"),
    ),
    Index("ix_deliveries_mailbox_state", "mailbox_id", "state", "updated_at"),
)

# One try at a delivery, written before MAIL and completed with its outcome.
attempts = Table(
    "attempts",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    _words("provider"),
    _words("node"),
    _at("began_at"),
    _at("ended_at"),
    _words("result"),
    _words("scope"),
    _words("phase"),
    _count("code"),
    _words("enhanced"),
    _words("reply"),
    _words("provider_id"),
)

# What waits for a person. The approval binds the digest of the stored message, its plan and its recipients.
approvals = Table(
    "approvals",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False),
    _words("status", "pending"),
    _words("bound"),
    _words("reason"),
    _at("requested_at"),
    _at("expires_at"),
    _at("decided_at"),
    _words("decided_by"),
    _words("note"),
    Index("ix_approvals_status_expires_at", "status", "expires_at"),
)

# -- what the policy remembers ----------------------------------------------------------

# Counts of one tenant or mailbox (`policy.usage`), one row each, whatever the volume.
usage = Table("usage", metadata, Column("scope", String(96), primary_key=True), _json("counts"), _json("recent", "[]"))

# A recipient as a tenant knows it. `token` stands for the address wherever it is recorded for ever.
people = Table(
    "people",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("address", Text, nullable=False),
    _at("first_at"),
    Index("ix_people_token", "token"),
)

# What one mailbox and one recipient have had with each other.
contacts = Table(
    "contacts",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("mailbox_id", Id, primary_key=True),
    _at("first_at"),
    _at("last_at"),
    _at("last_commercial_at"),
    _at("delivered_at"),
    _at("replied_at"),
    _count("soft_in_row"),
    _json("recent", "[]"),
)

# Fingerprint of (mailbox, recipient, kind, value): the unique key that makes one of two twins the first.
duplicates = Table(
    "duplicates",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("send_id", Id, nullable=False),
    _at("at"),
    _at("expires_at"),
    Index("ix_duplicates_expires_at", "expires_at"),
)

# Identical refusals within a minute share one send id and a count.
refusals = Table(
    "refusals",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("send_id", Id, nullable=False),
    _count("count", 1),
    _at("first_at"),
    _at("last_at"),
    Index("ix_refusals_last_at", "last_at"),
)

# Answers given under an Idempotency-Key, with the digest of the body they were given for.
idempotency = Table(
    "idempotency",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("send_id", Id, nullable=False),
    _words("digest"),
    _json("answer"),
    _at("expires_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(320), nullable=False),
    _words("address"),
    Column("scope", String(16), nullable=False),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    _words("kind", "manual"),
    _words("note"),
    _words("source"),
    _json("evidence"),
    _at("created_at"),
    _at("expires_at"),
    UniqueConstraint("key", "scope", "tenant_id", "mailbox_id", "kind"),
    Index("ix_suppressions_tenant_id", "tenant_id", "created_at"),
)

suppressed_domains = Table(
    "suppressed_domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain", String(255), nullable=False),
    Column("tenant_id", Id, nullable=False, server_default=""),
    _words("note"),
    _at("created_at"),
    _at("expires_at"),
    UniqueConstraint("domain", "tenant_id"),
)

# The consent ledger: entries are added, never changed; the newest one counts.
consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("key", String(320), nullable=False),
    _words("address"),
    _flag("granted"),
    _words("basis"),
    _words("source"),
    _words("jurisdiction"),
    _words("proof"),
    _at("at"),
    _at("recorded_at"),
    Index("ix_consents_tenant_id_key_at", "tenant_id", "key", "at"),
)

# -- proof ------------------------------------------------------------------------------

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("chain", String(160), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("send_id", Id, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("chain", "position"),
    Index("ix_decisions_send_id", "send_id"),
    sqlite_autoincrement=True,
)

# The newest link of each chain.
chains = Table(
    "chains",
    metadata,
    Column("chain", String(160), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Signed daily: all heads, so that a missing tail is named too.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Id, primary_key=True),
    _at("at"),
    _json("heads"),
    _words("signature"),
    _words("public_key"),
)

# Up to where a chain may be pruned: at or below `position` its rows may be deleted, and verification
# starts from `hash`. Each anchor is signed.
anchors = Table(
    "anchors",
    metadata,
    Column("chain", String(160), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    _at("at"),
    _words("signature"),
    _words("public_key"),
)

# Every change of state, once, in order: log line, webhook, console and stream all read this row.
# On PostgreSQL readers order by (txid, seq) and stop below the oldest running transaction.
events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("txid", BigInteger, nullable=False, server_default="0"),
    Column("at", BigInteger, nullable=False),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    Column("send_id", Id, nullable=False, server_default=""),
    Column("n", SmallInteger, nullable=False, server_default="0"),
    Column("type", String(48), nullable=False),
    _words("recipient"),
    _json("data"),
    Index("ix_events_send_id", "send_id", sqlite_where=text("send_id <> ''"), postgresql_where=text("send_id <> ''")),
    Index("ix_events_at", "at"),
    sqlite_autoincrement=True,
)

# -- providers and what comes back ------------------------------------------------------

providers = Table(
    "providers",
    metadata,
    Column("name", String(128), primary_key=True),
    _words("status", "active"),
    _words("cause"),
    _json("health"),
    _at("updated_at"),
)

# Counts for reputation: per mailbox, tenant or sending domain and hour.
tallies = Table(
    "tallies",
    metadata,
    Column("scope", String(300), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    _count("sent"),
    _count("delivered"),
    _count("bounced"),
    _count("complained"),
    _count("deferred"),
    _count("refused"),
)

# Raw events of providers and returned mail, stored before they are answered; the key makes a repeat harmless.
# `waiting`: its delivery is being attempted; it is applied once that is settled.
feedback = Table(
    "feedback",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    _words("source"),
    _words("type"),
    _words("recipient"),
    _words("send_id"),
    _json("event"),
    Column("raw", LargeBinary, nullable=False),
    _flag("waiting"),
    _at("received_at"),
    Index("ix_feedback_received_at", "received_at"),
    Index("ix_feedback_waiting", "received_at", sqlite_where=text("waiting"), postgresql_where=text("waiting")),
)

investigations = Table(
    "investigations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    _words("kind"),
    _words("subject"),
    _json("evidence"),
    _words("status", "open"),
    _words("note"),
    _at("opened_at"),
    _at("closed_at"),
    Index("ix_investigations_status", "status", "opened_at"),
)

# -- outcomes ---------------------------------------------------------------------------

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("type", String(128), nullable=False),
    _words("user_id"),
    Column("key", String(320), nullable=False, server_default=""),
    _words("address"),
    _words("value", "0"),
    _json("metadata"),
    _at("at"),
    _at("recorded_at"),
    UniqueConstraint("tenant_id", "digest"),
    Index("ix_outcomes_tenant_id_at", "tenant_id", "at"),
    Index("ix_outcomes_tenant_id_user_id", "tenant_id", "user_id"),
)

# -- telling others ---------------------------------------------------------------------

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("url", Text, nullable=False),
    _json("events", '["*"]'),
    _words("secret"),
    _words("previous_secret"),
    _words("status", "active"),
    _words("cause"),
    _flag("managed"),
    Column("cursor_tx", BigInteger, nullable=False, server_default="0"),
    Column("cursor_seq", BigInteger, nullable=False, server_default="0"),
    _at("failing_since"),
    _at("created_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    _words("type"),
    _json("body"),
    _words("state", "pending"),
    _count("attempts"),
    _at("due_at"),
    _at("created_at"),
    _at("done_at"),
    _count("code"),
    _words("answer"),
    UniqueConstraint("webhook_id", "event_seq"),
    Index("ix_webhook_deliveries_state_due_at", "state", "due_at"),
)
