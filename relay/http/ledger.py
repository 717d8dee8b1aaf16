"""What each business event is owed, kept once it is computed, and computed again only where something changed.

Crediting thousands of events takes seconds, a report should take none. An event's credits rest on
what reached its person before it. For an event that is some minutes old this changes only by a
bounce that came late, by a user id seen with another address, and by erasure; the journal, the new
events and the events' own keys tell of all three, so what is kept is what would be computed.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from config.settings import Settings
from policy.attribution import Credit, Event, Touch
from relay.http.shapes import address_of
from relay.store import journal, outcomes
from relay.store.journal import Mark, Wanted

SETTLED = 5 * 60_000  # milliseconds after which no delivery is still on its way into the store
MOST = 5_000  # bounces since the last look beyond which everything is computed again
LEDGERS = 16

Owed = tuple[Event, tuple[Credit, ...]]


@dataclass(frozen=True, slots=True)
class _Entry:
    owed: Owed
    key: str
    user_id: str


@dataclass(slots=True)
class Ledger:
    """The events of one tenant under one model."""

    settings: Settings
    entries: dict[str, _Entry] = field(default_factory=dict)
    mark: Mark | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def told(self, connection: Connection, tenant_id: str, since: int, until: int, reach: int) -> "Told":
        """What the store says: the events of a span, and what is needed to credit those that are not known."""
        here = journal.newest(connection)
        bounced = self._bounced(connection, tenant_id)
        rows = outcomes.between(connection, tenant_id, since, until)
        self._forget(rows, bounced)
        self.mark = here
        fresh = [row for row in rows if row.id not in self.entries]
        people = outcomes.keys_of_people(connection, tenant_id, (row.user_id for row in fresh))
        events = [_event(row, people.get(row.user_id, ())) for row in fresh]
        keys = {key for event in events for key in event.keys}
        touches = outcomes.touches(connection, tenant_id, keys, min((e.at for e in events), default=0) - reach, until)
        return Told(rows, fresh, events, touches)

    def _bounced(self, connection: Connection, tenant_id: str) -> set[str] | None:
        """The keys of those whose mail bounced since the last look; None where there are too many to tell."""
        if self.mark is None:
            return None
        wanted = Wanted(tenant_id, types=("delivery.bounced",))
        rows = journal.after(connection, self.mark, wanted, MOST)
        return {key for row in rows for key in _key(row.recipient)} if len(rows) < MOST else None

    def _forget(self, rows: Sequence[Any], bounced: set[str] | None) -> None:
        """Drop what may have changed."""
        if bounced is None:
            self.entries.clear()
        known = {row.id: row for row in rows}
        met = {row.user_id for row in rows if row.id not in self.entries and row.user_id}
        for event_id, entry in list(self.entries.items()):
            row = known.get(event_id)
            changed = row is not None and (row.key, row.user_id) != (entry.key, entry.user_id)
            if changed or entry.user_id in met or (bounced and bounced & entry.owed[0].keys):
                del self.entries[event_id]

    def keep(self, told: "Told", owed: Sequence[tuple[Credit, ...]], now: int) -> list[Owed]:
        """Everything the span's events are owed; what can no longer change by itself is kept."""
        fresh = {row.id: (row, (e, c)) for row, e, c in zip(told.fresh, told.events, owed, strict=True)}
        result = [fresh[row.id][1] if row.id in fresh else self.entries[row.id].owed for row in told.rows]
        for event_id, (row, pair) in fresh.items():
            if max(row.at, row.recorded_at) < now - SETTLED:
                self.entries[event_id] = _Entry(pair, row.key, row.user_id)
        return result


@dataclass(frozen=True, slots=True)
class Told:
    """What one look at the store brought."""

    rows: Sequence[Any]
    fresh: Sequence[Any]
    events: Sequence[Event]
    touches: Sequence[Touch]


class Ledgers:
    """The ledgers of a process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Ledger] = {}

    def of(self, tenant_id: str, model: str, settings: Settings) -> Ledger:
        """The ledger of a tenant under a model; a new configuration begins anew, the longest unread makes room."""
        found = self._known.pop((tenant_id, model), None)
        if found is None or found.settings is not settings:
            found = Ledger(settings)
        self._known[tenant_id, model] = found
        if len(self._known) > LEDGERS:
            del self._known[next(iter(self._known))]
        return found


def _event(row: Any, known_as: Iterable[str]) -> Event:
    keys = frozenset(key for key in (row.key, *known_as) if key)
    return Event(row.id, row.type, row.at, keys, Decimal(row.value))


def _key(recipient: str) -> tuple[str, ...]:
    try:
        return (address_of(recipient).key,)
    except ValueError:  # erased since
        return ()
