"""What the policy remembers."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text, UniqueConstraint

from relay.store.schema.columns import Id, Sequence, at, count, flag, json, metadata, some, words

# Counts of a tenant or mailbox (`policy.usage`): one row each, whatever the volume.
usage = Table("usage", metadata, Column("scope", String(320), primary_key=True), json("counts"), json("recent", "[]"))

# A recipient as a tenant knows it. `token` replaces the address in permanent records.
people = Table(
    "people",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Index("ix_people_token", "token"),
)

# The history between a mailbox and a recipient. Where aliases are folded, the row under the shared alias key also
# holds the person's history under any spelling.
contacts = Table(
    "contacts",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("mailbox_id", Id, primary_key=True),
    at("first_at"),
    at("last_at"),
    at("last_commercial_at"),
    at("delivered_at"),
    at("replied_at"),
    at("soft_suppressed_at"),
    json("recent", "[]"),
    at("alias_at"),
)

# Fingerprint of (mailbox, recipient, kind, value): the unique key decides which of two identical messages is first.
duplicates = Table(
    "duplicates",
    metadata,
    Column("fingerprint", Sequence, primary_key=True, autoincrement=False),
    Column("send_id", Id, nullable=False),
    at("at"),
    at("expires_at"),
    Index("ix_duplicates_expires_at", "expires_at"),
)

# Identical refusals within a minute share one send id and a count.
refusals = Table(
    "refusals",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("send_id", Id, nullable=False),
    count("count", 1),
    at("first_at"),
    at("last_at"),
    Index("ix_refusals_last_at", "last_at"),
)

# Answers given under an Idempotency-Key, with the digest of the request body they answer.
idempotency = Table(
    "idempotency",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("send_id", Id, nullable=False),
    words("digest"),
    json("answer"),
    at("expires_at"),
    Index("ix_idempotency_expires_at", "expires_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(320), nullable=False),
    Column("alias", String(320), nullable=False, server_default=""),
    words("address"),
    Column("scope", String(16), nullable=False),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    words("kind", "manual"),
    words("note"),
    words("source"),
    json("evidence"),
    at("created_at"),
    at("expires_at"),
    UniqueConstraint("key", "scope", "tenant_id", "mailbox_id", "kind"),
    Index("ix_suppressions_alias", "alias"),
    Index("ix_suppressions_tenant_id", "tenant_id", "created_at"),
    some("ix_suppressions_expires_at", "expires_at", where="expires_at > 0"),
)

suppressed_domains = Table(
    "suppressed_domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain", String(255), nullable=False),
    Column("tenant_id", Id, nullable=False, server_default=""),
    words("note"),
    words("source"),
    at("created_at"),
    at("expires_at"),
    UniqueConstraint("domain", "tenant_id"),
)

# The consent ledger: entries are added, never changed; the newest counts.
consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("key", String(320), nullable=False),
    Column("alias", String(320), nullable=False, server_default=""),
    words("address"),
    flag("granted"),
    words("basis"),
    words("source"),
    words("jurisdiction"),
    words("proof"),
    at("at"),
    at("recorded_at"),
    Index("ix_consents_tenant_id_key_at", "tenant_id", "key", "at"),
    Index("ix_consents_tenant_id_alias", "tenant_id", "alias"),
)
