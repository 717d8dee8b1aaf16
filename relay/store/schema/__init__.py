"""The tables. Times are milliseconds since the epoch, UTC; 0 means never. JSON is stored as text.

A comment above each table says what it promises. `decisions` is append-only: the database
itself refuses to change or delete a row (see the first migration), except at or below the last
signed pruning anchor. The queue is `deliveries`: its rows survive the processes, and their
state changes only as `relay.store.states` allows.
"""

from relay.store.schema.accounts import credentials, dkim_keys, domains, mailboxes, meta, nodes, tenants
from relay.store.schema.columns import OPEN_CONDITION, metadata
from relay.store.schema.memory import (
    consents,
    contacts,
    duplicates,
    idempotency,
    people,
    refusals,
    suppressed_domains,
    suppressions,
    usage,
)
from relay.store.schema.outside import (
    NOT_CREDITED,
    attributions,
    daily_volumes,
    feedback,
    investigations,
    outcomes,
    providers,
    tallies,
    volumes,
    webhook_deliveries,
    webhooks,
)
from relay.store.schema.proof import anchors, chains, checkpoints, decisions, events
from relay.store.schema.sends import approvals, attempts, bodies, deliveries, refused_recipients, sends
