"""Asks policy again before mail leaves: what was accepted may be paused by now, or must not go any more.

A pause leaves the delivery where it is; so do the hours of `send_window`, until they begin.
A suppression, a revoked consent or a lost domain rejects it. What cannot be read leaves it
in the queue. Counts are neither taken nor refunded again. Mail that was judged a moment ago
is not asked about twice. What a provider may have already does not wait for the hours: that
provider is asked again while it still knows the message.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from policy.engine import Pause, recheck
from policy.facts import Facts, RecipientFacts, alias_of
from policy.settings import PolicySettings
from relay.store.parcel import Due, Parcel
from relay.store.rates import RateBook
from relay.store.reader import Reader
from relay.store.recollection import Asked
from relay.store.snapshot import Snapshot

JUST_JUDGED = 1500  # milliseconds


class Stop(NamedTuple):
    """Why a delivery does not leave now. `is_final`: it never will. `until`: it will then, as far as that is known."""

    reason: str
    is_final: bool
    until: int = 0


class Owner(NamedTuple):
    """Whose mail a parcel is: names of mailbox and tenant, and the policy it obeys."""

    mailbox: str
    tenant: str
    policy: PolicySettings


class Recheck:
    """The second look at policy, one round of the reader for all parcels that ask at once."""

    def __init__(self, reader: Reader, clock: Callable[[], int]) -> None:
        self._reader = reader
        self._clock = clock
        self._rates = RateBook()

    async def stops(self, parcel: Parcel, owner: Owner) -> dict[int, Stop]:
        """Which recipients do not leave now, by number; raises Unavailable."""
        now = self._clock()
        if parcel.data is not None and 0 <= now - parcel.received_at < JUST_JUDGED:
            return {}
        if not parcel.mail_from and parcel.envelope.get("source") == "house":
            return {}  # a notice of ours to a sender of ours
        stops: dict[int, Stop] = await self._reader.ask(self._look, _Question(parcel, owner.policy, now))
        return stops

    def _look(self, connection: Connection, questions: Sequence["_Question"]) -> Sequence[dict[int, Stop]]:
        asked = [Asked.of(_facts(q), q.policy) for q in questions]
        snapshot = Snapshot.look(connection, asked, now=max(q.now for q in questions), rates=self._rates)
        return [_stops(q.parcel, own, snapshot) for q, own in zip(questions, asked, strict=True)]


class _Question(NamedTuple):
    parcel: Parcel
    policy: PolicySettings
    now: int


def _stops(parcel: Parcel, asked: Asked, snapshot: Snapshot) -> dict[int, Stop]:
    state = snapshot.state(asked)
    stops: dict[int, Stop] = {}
    for due, recipient in zip(parcel.due, asked.facts.recipients, strict=True):
        found = recheck(asked.policy, asked.facts, state, recipient)
        if isinstance(found, Pause):
            if not (found.until and due.state == "uncertain"):
                stops[due.n] = Stop(found.refusal.reason, is_final=False, until=found.until)
        elif found is not None:
            stops[due.n] = Stop(found.reason, is_final=True)
    return stops


def _facts(question: _Question) -> Facts:
    parcel = question.parcel
    return Facts(
        send_id=parcel.send_id,
        now=question.now,
        tenant=parcel.tenant_id,
        mailbox=parcel.mailbox_id,
        source="queue",
        mail_from=parcel.mail_from,
        recipients=tuple(_recipient(due) for due in parcel.due),
        from_address=parcel.from_address,
        from_domain=parcel.from_address.rpartition("@")[2],
        message_class=parcel.message_class,
    )


def _recipient(due: Due) -> RecipientFacts:
    return RecipientFacts(due.recipient, due.recipient_key, alias_of(due.recipient_key), due.domain)
