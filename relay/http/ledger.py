"""What each business event is owed, kept once it is computed, and computed again only where something changed.

Finding what preceded thousands of events takes seconds, a report should take none. An event's credits
rest, under every model, on what reached its person before it. For an event that is some minutes old
this changes only by a bounce that came late, by a user id seen with another address, and by erasure;
the journal, the new events and the events' own keys tell of all three, so what is kept is what would
be computed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from config.settings import Settings
from policy.attribution import MODELS, Credit, Event, Model, Touch, credited, shared
from relay.http.shapes import address_of
from relay.store import journal, outcomes
from relay.store.journal import Mark, Wanted

SETTLED = 5 * 60_000  # milliseconds after which no delivery is still on its way into the store
MOST = 5_000  # bounces since the last look beyond which everything is computed again
LEDGERS = 16

Owed = tuple[Event, tuple[Credit, ...]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event, and what it credits under each model."""

    event: Event
    owed: Mapping[Model, tuple[Credit, ...]]
    key: str
    user_id: str


@dataclass(slots=True)
class Ledger:
    """The events of one tenant."""

    settings: Settings
    entries: dict[str, _Entry] = field(default_factory=dict)
    mark: Mark | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def told(self, connection: Connection, tenant_id: str, since: int, until: int) -> "Told":
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
        reach = max(windows_of(self.settings).values())
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
        known = self.entries
        changed = {r.id for r in rows if r.id in known and (r.key, r.user_id) != (known[r.id].key, known[r.id].user_id)}
        met = {row.user_id for row in rows if row.id not in known} | {known[one].user_id for one in changed}
        met.discard("")
        if changed or met or bounced:
            for one, entry in list(known.items()):
                if one in changed or entry.user_id in met or (bounced and bounced & entry.event.keys):
                    del known[one]

    def keep(self, told: "Told", model: Model, now: int) -> list[Owed]:
        """Everything the span's events are owed; of those that can no longer change by themselves it is kept."""
        by_key: dict[str, list[Touch]] = {}
        for touch in told.touches:
            by_key.setdefault(touch.key, []).append(touch)
        fresh = {row.id: self._entry(row, e, by_key) for row, e in zip(told.fresh, told.events, strict=True)}
        self.entries |= {row.id: fresh[row.id] for row in told.fresh if max(row.at, row.recorded_at) < now - SETTLED}
        entries = [fresh.get(row.id) or self.entries[row.id] for row in told.rows]
        return [(entry.event, entry.owed[model]) for entry in entries]

    def _entry(self, row: Any, event: Event, by_key: Mapping[str, Sequence[Touch]]) -> _Entry:
        found = (touch for key in event.keys for touch in by_key.get(key, ()))
        touches = credited(event, found, windows_of(self.settings)[event.type])
        half_life = half_life_of(self.settings)
        return _Entry(event, {m: shared(event, touches, m, half_life) for m in MODELS}, row.key, row.user_id)


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
        self._known: dict[str, Ledger] = {}

    def of(self, tenant_id: str, settings: Settings) -> Ledger:
        """The ledger of a tenant; a new configuration begins anew, the longest unread makes room."""
        found = self._known.pop(tenant_id, None)
        if found is None or found.settings is not settings:
            found = Ledger(settings)
        self._known[tenant_id] = found
        if len(self._known) > LEDGERS:
            del self._known[next(iter(self._known))]
        return found


def windows_of(settings: Settings) -> Mapping[str, int]:
    """The attribution window of every type of event, in milliseconds; a type without its own has the default one."""
    default = int(settings.attribution.default_window.total_seconds() * 1000)
    windows = {name: int(span.total_seconds() * 1000) for name, span in settings.attribution_windows.items()}
    return defaultdict(lambda: default, {"": default, **windows})


def half_life_of(settings: Settings) -> int:
    """The half-life of a touch under time_decay, in milliseconds."""
    return int(settings.attribution.half_life.total_seconds() * 1000)


def _event(row: Any, known_as: Iterable[str]) -> Event:
    keys = frozenset(key for key in (row.key, *known_as) if key)
    return Event(row.id, row.type, row.at, keys, Decimal(row.value))


def _key(recipient: str) -> tuple[str, ...]:
    try:
        return (address_of(recipient).key,)
    except ValueError:  # erased since
        return ()
