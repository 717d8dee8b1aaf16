"""Providers and their feedback, outcomes, and webhooks."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text, UniqueConstraint

from relay.store.schema.columns import Id, at, count, flag, json, metadata, some, words

providers = Table(
    "providers",
    metadata,
    Column("name", String(128), primary_key=True),
    words("status", "active"),
    words("cause"),
    at("updated_at"),
)

# Counts for reputation: per hour and mailbox, tenant or sending domain.
tallies = Table(
    "tallies",
    metadata,
    Column("scope", String(300), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    count("sent"),
    count("delivered"),
    count("bounced"),
    count("complained"),
    count("deferred"),
    count("refused"),
    Index("ix_tallies_hour", "hour"),
)

# Raw events of providers and returned mail, stored before they are answered; the key makes repeats harmless.
# `waiting`: an attempt at its delivery is under way; the event is applied once that is settled.
feedback = Table(
    "feedback",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    words("source"),
    words("type"),
    words("recipient"),
    words("send_id"),
    json("event"),
    Column("raw", LargeBinary, nullable=False),
    flag("waiting"),
    at("received_at"),
    Index("ix_feedback_received_at", "received_at"),
    some("ix_feedback_waiting", "received_at", where="waiting"),
)


def _volumes(name: str, period: str) -> Table:
    """What was sent in a period (accepted by a provider, or refused for good by the recipient's side), for reports."""
    return Table(
        name,
        metadata,
        Column("tenant_id", Id, primary_key=True),
        Column(period, BigInteger, primary_key=True, autoincrement=False),
        Column("mailbox_id", Id, primary_key=True),
        Column("provider", String(128), primary_key=True),
        Column("campaign", String(256), primary_key=True),
        count("sent"),
        Index(f"ix_{name}_{period}", period),
    )


# By day too, so that a report of a year reads days, not hours.
volumes, daily_volumes = _volumes("volumes", "hour"), _volumes("daily_volumes", "day")

investigations = Table(
    "investigations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("mailbox_id", Id, nullable=False, server_default=""),
    words("kind"),
    words("subject"),
    json("evidence"),
    words("status", "open"),
    words("note"),
    at("opened_at"),
    at("closed_at"),
    Index("ix_investigations_status", "status", "opened_at"),
)


NOT_CREDITED = "state <> 'credited'"

# What people did. `event_id`: the id by which it was reported, else its own. `state`: new until first credited, stale
# if it is to be credited again.
outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),
    words("event_id"),
    Column("type", String(128), nullable=False),
    words("user_id"),
    Column("key", String(320), nullable=False, server_default=""),
    words("address"),
    words("value", "0"),
    json("metadata"),
    at("at"),
    at("recorded_at"),
    Column("state", String(16), nullable=False, server_default="new"),
    UniqueConstraint("tenant_id", "digest"),
    Index("ix_outcomes_tenant_id_at", "tenant_id", "at", "type"),
    Index("ix_outcomes_tenant_id_user_id", "tenant_id", "user_id"),
    Index("ix_outcomes_tenant_id_key", "tenant_id", "key"),
    some("ix_outcomes_waiting", "state", "id", where=NOT_CREDITED),
)

# A message's share of an event, under each model: `weight` in millionths, the value as whole units and a fraction in
# units of 10^-10, so that both engines sum it exactly. `at` and `type` are the event's.
attributions = Table(
    "attributions",
    metadata,
    Column("tenant_id", Id, primary_key=True),
    Column("model", String(16), primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome_id", Id, primary_key=True),
    Column("send_id", Id, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("type", String(128), nullable=False),
    at("touched_at"),
    words("mailbox_id"),
    words("campaign"),
    words("provider"),
    count("weight"),
    Column("whole", BigInteger, nullable=False),
    Column("fraction", BigInteger, nullable=False),
    Index("ix_attributions_outcome_id", "outcome_id"),
    Index("ix_attributions_tenant_id_key", "tenant_id", "key"),
    sqlite_with_rowid=False,
)


webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False, server_default=""),
    Column("url", Text, nullable=False),
    json("events", '["*"]'),
    words("secret"),
    words("previous_secret"),
    words("status", "active"),
    words("cause"),
    flag("managed"),
    Column("cursor_tx", BigInteger, nullable=False, server_default="0"),
    Column("cursor_seq", BigInteger, nullable=False, server_default="0"),
    at("failing_since"),
    at("created_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    words("type"),
    json("body"),
    words("state", "pending"),
    count("attempts"),
    at("due_at"),
    at("created_at"),
    at("done_at"),
    count("code"),
    words("answer"),
    UniqueConstraint("webhook_id", "event_seq"),
    some("ix_webhook_deliveries_waiting", "webhook_id", "due_at", "event_seq", where="state = 'pending'"),
)
