"""A store restored from a backup: how that is detected, and what is then not sent blindly (faults R15).

With every heartbeat a counter in the store, the tide, rises, and each machine notes it in its data
directory. A store whose tide is below that note, or below the last one a process saw, is out of date:
what it has queued may have been delivered already, so it waits for a person, who retries it
(`queue retry`, `queue flush`) or cancels it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text, update

from policy.moment import precise
from relay.store import schema as t
from relay.store.events import Event, record
from relay.store.meta import remembered
from relay.store.states import OPEN

REASON = "restored"
NEVER = 4_102_444_800_000  # when such a delivery becomes due by itself: in the year 2100
BEYOND = 10_000  # heartbeats: more than the notes of several machines can differ by

_d = t.deliveries.c
_RISE = text(
    "UPDATE meta SET value = CAST(CAST(value AS bigint) + :by AS text) WHERE key = 'tide'"
    " RETURNING CAST(value AS bigint)"
)


def tide(connection: Connection) -> int:
    """The number of heartbeats this store has had."""
    return int(remembered(connection, "tide", "0"))


def rise(connection: Connection, by: int = 1) -> int:
    """Add to the tide and return it; 0 if there is none yet."""
    return int(connection.execute(_RISE, {"by": by}).scalar_one_or_none() or 0)


def waits_for_a_person(delivery: Mapping[str, Any]) -> bool:
    """Whether a delivery, as it is shown, was set aside and nobody has decided on it yet."""
    return delivery["reason"] == REASON and delivery["state"] in OPEN


def next_attempt(row: Any) -> str | None:
    """When a delivery that waits is tried next, in RFC 3339; None if not before a person says so."""
    return None if row.reason == REASON else precise(row.due_at)


def set_apart(connection: Connection, noted: int, now: int) -> int:
    """Set aside for a person what may have left already, and raise the tide above every note; returns how many.

    A retry may have been brought forward (`queue flush`, a provider that came back); only a delivery scheduled for a
    time still to come cannot have left. The leases of dead nodes must be freed before this.
    """
    may_have_left = (_d.due_at <= now) | (_d.queued_at <= now)
    waits = _d.state.in_(sorted(OPEN)) & may_have_left & (_d.lease_node == "")
    count = int(
        connection.execute(
            update(t.deliveries).where(waits).values(due_at=NEVER, reason=REASON, updated_at=now)
        ).rowcount
    )
    rise(connection, max(0, noted - tide(connection)) + BEYOND)
    cause = "the store was restored from a backup; what it would send may have been delivered since"
    record(connection, [Event("alert.raised", now, data={"alert": "store_restored", "cause": cause, "waiting": count})])
    return count
