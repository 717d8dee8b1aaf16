"""Alembic's environment: migrations always run on a connection that is already open and exclusive."""

from alembic import context

from relay.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
