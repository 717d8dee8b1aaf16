"""Submissions, the queue, attempts, approvals."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, String, Table, Text

from relay.store.schema.columns import OPEN_CONDITION, Id, at, count, json, metadata, some, words

# One row per submission that got a decision, including refused ones (which have no body).
sends = Table(
    "sends",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False),
    Column("credential_id", Id, nullable=False, server_default=""),
    words("source"),
    words("mail_from"),
    words("from_address"),
    words("to_header"),
    words("subject"),
    words("message_id"),
    count("size"),
    words("message_class"),
    words("decision"),
    words("reason"),
    words("rule"),
    words("detail"),
    words("dedupe_key"),
    words("campaign"),
    json("metadata"),
    json("envelope"),
    json("plan"),
    words("digest"),
    at("received_at"),
    Index("ix_sends_mailbox_id_received_at", "mailbox_id", "received_at"),
    Index("ix_sends_tenant_id_received_at", "tenant_id", "received_at"),
    some("ix_sends_message_id", "message_id", where="message_id <> ''"),
    some("ix_sends_dedupe_key", "dedupe_key", where="dedupe_key <> ''"),
    some("ix_sends_campaign", "campaign", "received_at", where="campaign <> ''"),
)

# The original bytes, once per submission. Partitioned by the time contained in the id (see `partitions`).
bodies = Table(
    "bodies",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (send_id)",
)


# One message to one recipient: the queue, and afterwards the record of the result.
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
    at("due_at"),
    at("queued_at"),
    words("lease_node"),
    at("lease_until"),
    count("attempts"),
    count("soft_failures"),
    count("began"),
    words("provider"),
    words("provider_id"),
    words("reason"),
    words("reply"),
    count("size"),
    at("updated_at"),
    some("ix_deliveries_due", "due_at", "lease_node", where=OPEN_CONDITION),
    Index("ix_deliveries_recipient_key", "tenant_id", "recipient_key", "updated_at"),
    some("ix_deliveries_provider_id", "provider_id", where="provider_id <> ''"),
    Index("ix_deliveries_mailbox_state", "mailbox_id", "state", "send_id"),
)

# Refused recipients, whether the whole submission was refused or others were accepted. The token is the one that
# replaces the address in the decision, so that erasing a person (from `people`) deletes nothing here.
refused_recipients = Table(
    "refused_recipients",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("token", String(32), primary_key=True),
    words("reason"),
    Index("ix_refused_recipients_token", "token"),
    sqlite_with_rowid=False,
)

# One attempt at a delivery: written before MAIL, completed with its outcome.
attempts = Table(
    "attempts",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    words("provider"),
    words("node"),
    at("began_at"),
    at("ended_at"),
    words("result"),
    words("scope"),
    words("phase"),
    count("code"),
    words("enhanced"),
    words("reply"),
    words("provider_id"),
)

# Mail that waits for a person. An approval is tied to the digest of the stored message, its plan and its recipients.
approvals = Table(
    "approvals",
    metadata,
    Column("send_id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("mailbox_id", Id, nullable=False),
    words("status", "pending"),
    words("bound"),
    words("reason"),
    at("requested_at"),
    at("expires_at"),
    at("decided_at"),
    words("decided_by"),
    words("note"),
    Index("ix_approvals_status_expires_at", "status", "expires_at"),
)
