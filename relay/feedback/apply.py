"""Applies what came back to the state: bounces, complaints, unsubscribes, late refusals, proof of delivery.

Every event is stored first and its effect written in the same transaction. So an event that was
answered 2xx or 250 is never lost, and one that is repeated, out of order or late takes effect only
once. States move only forward. While an attempt is under way the event waits, as the attempt's
outcome comes first. These are stored without effect: what matches no delivery of ours, what a
provider says about mail it never had, and what a mail says without a token of ours (faults L4, H6).
A dead address, or a complaint of abuse or fraud, suppresses at once and for the whole tenant
(L6); what the same address says again counts in no rate. A soft bounce after which a provider
gave up counts as an exhausted ladder; several of those in a row suppress for a while.
Nothing here ever resumes a sender.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from relay.feedback.events import FeedbackEvent
from relay.feedback.told import Found, Told, clues, from_stored, to_stored, together
from relay.store import feedback as store
from relay.store import investigations
from relay.store.consequences import Consequences, Suppress
from relay.store.engine import loads
from relay.store.events import Event, of_delivery, record
from relay.store.parcel import is_agents
from relay.store.soft_bounces import USED_UP

REFUSED = frozenset({"bounced", "rejected", "failed"})
# A provider that reports one of these has the message, so an uncertain delivery was accepted.
TAKEN = frozenset({"queued", "sent", "delivered", "deferred", "opened", "clicked", "complained", "unsubscribed"})
SUPPRESSING = frozenset({"abuse", "fraud"})
NOTED = {"opened": "delivery.opened", "clicked": "delivery.clicked", "delivered": "delivery.reported"}

UNMATCHED_FOR = 60_000  # milliseconds by which an event may precede the commit of the id by which it is matched
ACTIVE_FOR = 3_600_000  # milliseconds; longer than any attempt, or the lease of a crashed one
STEP = 50  # events of a transaction, which mail waits for: some 25 ms


class Applied(Struct, frozen=True):
    """The result of a batch: how many events were new, matched a delivery, and have to wait."""

    new: int = 0
    matched: int = 0
    waiting: int = 0


NOTHING = Applied()


class Applier:
    """Applies events. `account` gives the providers that share an account with a given one."""

    def __init__(self, consequences: Consequences, account: Callable[[str], frozenset[str]]) -> None:
        self._consequences = consequences
        self._account = account

    def apply(self, connection: Connection, told: Sequence[Told], now: int) -> Applied:
        """Store and apply events, in the caller's transaction."""
        before = store.known(connection, {one.fingerprint for one in told})
        fresh = list({one.fingerprint: one for one in told if one.fingerprint not in before}.values())
        if not fresh:
            return NOTHING
        found = self._find(connection, fresh)
        matched = [(one, found.delivery(one, self._account(one.source))) for one in fresh]
        new = store.keep(connection, [_kept(one, row, now) for one, row in matched])
        ours = [(one, row) for one, row in matched if one.fingerprint in new]
        self._effects(connection, [(one, row) for one, row in ours if row is not None and not _must_wait(row)], now)
        return Applied(
            len(ours),
            sum(row is not None for _, row in ours),
            sum(_waits(one, row) for one, row in ours),
        )

    def apply_waiting(self, connection: Connection, now: int, after: store.Mark) -> store.Mark | None:
        """Apply the next STEP events that wait for their delivery; returns where to go on, or None after the last."""
        rows = store.waiting(connection, after, STEP)
        if not rows:
            return None
        told = [from_stored(loads(row.event), row.source, bytes(row.fingerprint)) for row in rows]
        found = self._find(connection, told)
        done, ready = [], []
        for one, row in zip(told, rows, strict=True):
            delivery = found.delivery(one, self._account(one.source))
            age = now - row.received_at
            if delivery is not None and not _must_wait(delivery):
                ready.append((one, delivery))
            elif age < (UNMATCHED_FOR if delivery is None else ACTIVE_FOR):
                continue
            done.append(one.fingerprint)
        self._effects(connection, ready, now)
        store.wait_no_more(connection, done)
        return rows[-1].received_at, bytes(rows[-1].fingerprint)

    def _find(self, connection: Connection, told: Sequence[Told]) -> Found:
        rows = store.find(connection, together([clues(one) for one in told]))
        asked = store.asked_providers(connection, {row.send_id for row in rows}) if rows else set()
        return Found(rows, asked)

    # -- effects ----------------------------------------------------------------------------

    def _effects(self, connection: Connection, pairs: Sequence[tuple[Told, Any]], now: int) -> None:
        effect = _Effect(connection, self._consequences, now)
        for told, row in pairs:
            effect.of(told, row)
        effect.write()


class _Effect:
    """The effects of a batch of events; several events about one delivery see each other's effects."""

    def __init__(self, connection: Connection, consequences: Consequences, now: int) -> None:
        self._connection = connection
        self._consequences = consequences
        self._rules = consequences.rules()
        self._now = now
        self._states: dict[tuple[str, int], str] = {}
        self._noted: list[Event] = []
        self._suppress: list[Suppress] = []
        self._negative: list[tuple[str, str]] = []
        self._counted: list[tuple[Any, dict[str, int]]] = []

    def of(self, told: Told, row: Any) -> None:
        """Take in one event about one delivery."""
        kind = told.event.event_type
        if kind in TAKEN and self._state(row) == "uncertain":
            columns = store.was_delivered(self._connection, self._as_it_is(row), now=self._now, data=_data(told))
            self._counted.append((row, columns))
            self._states[row.send_id, row.n] = "delivered"
            if kind == "delivered":
                return
        if kind in REFUSED:
            self._refused(told, row)
        elif kind == "complained":
            self._complained(told, row)
        elif kind == "unsubscribed":
            self._unsubscribed(told, row)
        elif kind in NOTED:
            self._noted.append(of_delivery(NOTED[kind], self._now, row, _data(told)))

    def write(self) -> None:
        """Write events, counts, suppressions and negative signals, once for the whole batch."""
        record(self._connection, self._noted)
        store.count(self._connection, self._counted, self._now)
        self._consequences.suppress(self._connection, self._suppress)
        self._consequences.negative(self._connection, self._negative, self._now)

    def _state(self, row: Any) -> str:
        return self._states.get((row.send_id, row.n), str(row.state))

    def _as_it_is(self, row: Any) -> Any:
        """The row with the state that the batch has given it so far."""
        return _Now(row, self._state(row))

    def _refused(self, told: Told, row: Any) -> None:
        event = told.event
        bounce = _suppression(told, row, "hard_bounce" if event.hard else "soft_bounce", self._now)
        changes = self._state(row) in ("delivered", "uncertain")
        is_news = changes and event.hard and self._is_news(bounce)
        if changes:
            columns = store.was_refused(
                self._connection,
                self._as_it_is(row),
                now=self._now,
                reason=_reason(event),
                reply=event.diagnostic,
                data=_data(told) | {"hard": event.hard, "late": True},
            )
            self._counted.append((row, {name: n for name, n in columns.items() if name != "bounced" or is_news}))
            self._states[row.send_id, row.n] = "bounced"
        if not _is_agents(row):
            return
        if changes and event.soft:
            self._suppress += self._consequences.used_up(self._connection, bounce, row.n)
        if event.hard:
            if self._rules.suppress_hard:
                self._suppress.append(bounce)
            if is_news:
                self._negative.append((row.tenant_id, row.mailbox_id))

    def _is_news(self, entry: Suppress) -> bool:
        """Whether the address was not suppressed for this before.

        Otherwise it counts in no rate: several messages to one address are one piece of evidence about the sender,
        and a hostile recipient of five must not be able to pause him.
        """
        already = any(one.mark == entry.mark for one in self._suppress)
        return not already and not self._consequences.binds(self._connection, entry)

    def _complained(self, told: Told, row: Any) -> None:
        if (told.event.feedback_type or "abuse").lower() not in SUPPRESSING:
            return  # not-spam, auth-failure, virus, other: stored, but no complaint against the sender (L6)
        if not _is_agents(row) or store.happened(self._connection, row.send_id, row.n, "delivery.complained"):
            return
        record(self._connection, [of_delivery("delivery.complained", self._now, row, _data(told))])
        complaint = _suppression(told, row, "complaint", self._now)
        if self._is_news(complaint):
            self._counted.append((row, {"complained": 1}))
            self._negative.append((row.tenant_id, row.mailbox_id))
        self._suppress.append(complaint)
        if self._rules.investigate:
            subject = f"{row.recipient} called a message spam"
            evidence = {"sendId": row.send_id, "recipient": row.recipient, **_data(told)}
            case_id, at = self._consequences.new_id("inv"), self._now
            whose = (row.tenant_id, row.mailbox_id)
            investigations.begin(self._connection, case_id, *whose, "complaint", subject, evidence, at)

    def _unsubscribed(self, told: Told, row: Any) -> None:
        if not store.happened(self._connection, row.send_id, row.n, "delivery.unsubscribed"):
            record(self._connection, [of_delivery("delivery.unsubscribed", self._now, row, _data(told))])
        # The same effect as the link in the message: no more mail from this mailbox.
        self._suppress.append(replace(_suppression(told, row, "unsubscribe", self._now), scope="mailbox"))


class _Now:
    """A row of the store with a newer state within this transaction."""

    def __init__(self, row: Any, state: str) -> None:
        self._row = row
        self.state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def _must_wait(row: Any) -> bool:
    """Whether an attempt is under way; its outcome must be written first."""
    return bool(row.state == "active")


def _waits(told: Told, row: Any) -> bool:
    if row is None:  # an event may arrive before the provider's id of the message is committed
        own = clues(told)
        return not told.by_mail and bool(own.send_ids or own.provider_ids)
    return _must_wait(row)


def _kept(told: Told, row: Any, now: int) -> store.Kept:
    event = told.event
    return store.Kept(
        told.fingerprint,
        told.source,
        event.event_type,
        event.recipient,
        row.send_id if row is not None else "",
        to_stored(told),
        # Anybody can write to us, and must not be able to fill the disk.
        b"" if told.by_mail and row is None else told.raw,
        _waits(told, row),
        now,
    )


def _reason(event: FeedbackEvent) -> str:
    if event.hard:
        return "hard_bounce"
    return USED_UP if event.soft else event.reason or event.event_type


def _is_agents(row: Any) -> bool:
    return is_agents(loads(row.envelope))


def _data(told: Told) -> dict[str, Any]:
    event = told.event
    data = {
        "provider": "" if told.by_mail else told.source,
        "source": told.source if told.by_mail else "hook",
        "status": event.status,
        "reason": event.reason,
        "reply": event.diagnostic,
        "feedbackType": event.feedback_type,
        "eventId": event.event_id,
    }
    return {name: value for name, value in data.items() if value}


def _suppression(told: Told, row: Any, kind: str, now: int) -> Suppress:
    return Suppress(
        row.tenant_id,
        row.mailbox_id,
        row.recipient_key,
        row.recipient,
        kind,
        told.source if told.by_mail else f"hook:{told.source}",
        {"sendId": row.send_id, **_data(told)},
        now,
    )
