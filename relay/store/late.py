"""Copies that leave later than planned: released by a person, kept by a pause, or stuck in a long queue.

In the limits each copy counts at its delivery's `queued_at`. A late copy exchanges that place for one at
the time it can leave, and waits until then. Place and delivery change in one transaction, after the counts
are locked: so limits hold at departure as exactly as at acceptance, even if a process dies in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from policy.engine import place
from policy.moment import precise
from policy.usage import MINUTE
from relay.store import guard
from relay.store.attempts import holders
from relay.store.events import Event, of_due, record
from relay.store.parcel import Due, Parcel, is_agents
from relay.store.prepared import Prepared
from relay.store.recollection import Asked
from relay.store.snapshot import Snapshot
from relay.store.states import WAITING

LATE = MINUTE  # milliseconds after its time at which a copy needs a new place


def is_late(parcel: Parcel, due: Due, now: int) -> bool:
    """Whether a copy leaves later than it was counted; once an attempt was made, it counts as having left."""
    return due.state in WAITING and not due.attempts and now - due.queued_at >= LATE and is_agents(parcel.envelope)


class Late(Struct, frozen=True):
    """Late copies of one submission, leased by `node`."""

    parcel: Parcel
    due: tuple[Due, ...]
    asked: Asked
    node: str
    at: int


class LateHandler:
    """The writer's handler for late copies; returns when each may leave, by recipient number.

    A copy that has to wait is put back into the queue, due at that time. A copy no longer leased by the node is
    left out.
    """

    order = 4
    is_patient = False

    def guards(self, items: Sequence[Late]) -> Iterable[str]:
        """The mailboxes, locked as at intake."""
        return {guard.of_mailbox(item.parcel.mailbox_id) for item in items}

    def __call__(self, connection: Connection, items: Sequence[Late]) -> Sequence[Mapping[int, int]]:
        """Give each copy a new place, in the order of the items."""
        snapshot = Snapshot.counting(connection, [item.asked for item in items], now=max(item.at for item in items))
        held = holders(connection, {item.parcel.send_id for item in items})
        leaving: list[dict[str, Any]] = []
        waiting: list[dict[str, Any]] = []
        events: list[Event] = []
        answers: list[Mapping[int, int]] = []
        for item in items:
            answer: dict[int, int] = {}
            for due in item.due:
                row = held.get((item.parcel.send_id, due.n))
                if row is None or row.lease_node != item.node or row.state not in WAITING or row.attempts:
                    continue
                at, why = _change(snapshot, item, due, row.queued_at)
                answer[due.n] = at
                key = {"send_id": row.send_id, "n": row.n, "at": at, "now": item.at, "reason": why}
                (waiting if at > item.at else leaving).append(key)
                if at > item.at:
                    data = {"reason": why, "dueAt": precise(at)}
                    events.append(of_due("delivery.scheduled", item.at, item.parcel, due, data))
            answers.append(answer)
        snapshot.write()
        _LEAVES.many(connection, leaving)
        _WAITS.many(connection, waiting)
        record(connection, events)
        return answers


def _change(snapshot: Snapshot, item: Late, due: Due, counted_at: int) -> tuple[int, str]:
    """Move a copy's count to the time it can leave; returns that time and the rule that delays it."""
    asked = item.asked
    recipient = next(r for r in asked.facts.recipients if r.key == due.recipient_key)
    snapshot.uncount(asked, recipient, counted_at)
    at, why = place(asked.policy, asked.facts, snapshot.state(asked), recipient)
    snapshot.count(asked, recipient, at)
    return at, why


_LEAVES = Prepared("UPDATE deliveries SET queued_at = :at WHERE send_id = :send_id AND n = :n")
_WAITS = Prepared(
    "UPDATE deliveries SET queued_at = :at, due_at = :at, reason = :reason, lease_node = '', lease_until = 0,"
    " updated_at = :now WHERE send_id = :send_id AND n = :n"
)
