"""Decisions and events: what happened, permanently and in order."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, String, Table, Text

from relay.store.schema.columns import Id, Sequence, at, json, metadata, some, words

# A position is used once: whoever appends has locked the chain's row in `chains`. Partitioned by `at` (`partitions`).
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
    Index("ix_decisions_chain_position", "chain", "position"),
    Index("ix_decisions_send_id", "send_id"),
    sqlite_autoincrement=True,
    postgresql_partition_by="RANGE (at)",
)

# The newest link of each chain.
chains = Table(
    "chains",
    metadata,
    Column("chain", String(160), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

# All heads, signed daily, so that a missing end of a chain is detected too.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Id, primary_key=True),
    at("at"),
    json("heads"),
    words("signature"),
    words("public_key"),
)

# How far a chain may be pruned: its rows at or below `position` may be deleted, and verification then
# starts from `hash`. Each anchor is signed.
anchors = Table(
    "anchors",
    metadata,
    Column("chain", String(160), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    at("at"),
    words("signature"),
    words("public_key"),
)

# Every change of state, once and in order: log, webhooks, console and stream all read this row.
# On PostgreSQL readers order by (txid, seq) and stop below the oldest running transaction. Partitioned by `at`.
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
    words("recipient"),
    json("data"),
    some("ix_events_send_id", "send_id", where="send_id <> ''"),
    some("ix_events_alerts", "at", where="type = 'alert.raised'"),
    Index("ix_events_at", "at"),
    sqlite_autoincrement=True,
    postgresql_partition_by="RANGE (at)",
)
