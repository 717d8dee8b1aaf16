"""Asks the policy again before mail leaves: an accepted message may have to wait by now, or may no longer go.

A pause keeps the delivery in the queue; so does a closed `send_window`, until it opens. A
suppression, a revoked consent or a lost domain rejects it. A fact that cannot be read keeps it
in the queue, and so do rules that only another machine's file has. A copy that leaves more than a
minute late exchanges its place in the limits for a new one and waits for that; no other counts are
taken or refunded again. Mail judged a moment ago is not asked about again. A message that a provider
may have already does not wait for the send window: that provider is asked again while it still knows
the message.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from policy.engine import Pause, place, recheck
from policy.facts import Facts, RecipientFacts, alias_of
from policy.moment import END_OF_TIME
from policy.settings import PolicySettings
from relay.mail.address import domain_of
from relay.store.late import Late, LateHandler, is_late
from relay.store.parcel import Due, Parcel
from relay.store.rates import RateBook
from relay.store.reader import Reader
from relay.store.recollection import Asked
from relay.store.snapshot import Snapshot
from relay.store.writer import Writer

JUST_JUDGED = 1500  # milliseconds
_GONE = END_OF_TIME  # the time at which a copy leaves here that another node holds by now: never


class Stop(NamedTuple):
    """Why a delivery does not leave now. `is_final`: it never will. `until`: when it may leave, or 0 if unknown."""

    reason: str
    is_final: bool
    until: int = 0
    detail: str = ""


class Owner(NamedTuple):
    """Whose mail a parcel is: the names of mailbox and tenant, and the policy that applies.

    `is_foreign`: only another machine's file has that policy, and this is the default one.
    """

    mailbox: str
    tenant: str
    policy: PolicySettings
    is_foreign: bool = False


class Recheck:
    """The second look at policy; parcels that ask at the same time share one round of the reader."""

    def __init__(self, reader: Reader, writer: Writer, clock: Callable[[], int]) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._rates = RateBook()
        self._late = LateHandler()

    async def stops(self, parcel: Parcel, owner: Owner) -> dict[int, Stop]:
        """The recipients whose copies do not leave now, by number, with the reason; raises Unavailable."""
        now = self._clock()
        if parcel.data is not None and 0 <= now - parcel.received_at < JUST_JUDGED:
            return {}
        if not parcel.mail_from and parcel.envelope.get("source") == "house":
            return {}  # one of our own notices, to one of our senders
        if owner.is_foreign:  # a machine that knows the rules may be faster
            return dict.fromkeys([due.n for due in parcel.due], Stop("unavailable", is_final=False))
        stops: dict[int, Stop] = await self._reader.ask(self._look, _Question(parcel, owner.policy, now))
        return stops

    async def placed(self, parcel: Parcel, owner: Owner, stops: Container[int]) -> Parcel:
        """The parcel without the copies that have to wait for room in a limit; raises Unavailable.

        Copies that are late get new places first.
        """
        now = self._clock()
        late = tuple([due for due in parcel.due if due.n not in stops and is_late(parcel, due, now)])
        if not late:
            return parcel
        asked = Asked.of(_facts(_Question(parcel, owner.policy, now)), owner.policy)
        leaves: Mapping[int, int] = await self._writer.put(self._late, Late(parcel, late, asked, parcel.node, now))
        changed = {due.n: leaves.get(due.n, _GONE) for due in late}
        there = [due for due in parcel.due if changed.get(due.n, 0) <= now]
        return replace(parcel, due=tuple([replace(d, queued_at=changed.get(d.n, d.queued_at)) for d in there]))

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
        late = is_late(parcel, due, asked.facts.now)
        found = recheck(asked.policy, asked.facts, state, recipient, late=late)
        if isinstance(found, Pause):
            if not (found.until and due.state == "uncertain"):
                stops[due.n] = Stop(
                    found.refusal.reason, is_final=False, until=found.until, detail=found.refusal.detail
                )
        elif found is not None:
            stops[due.n] = Stop(found.reason, is_final=True, detail=found.detail)
    return stops


def refused(connection: Connection, held: Sequence[tuple[Parcel, PolicySettings]], now: int) -> list[dict[int, Stop]]:
    """For each of several submissions, the held copies that would be refused if released now, by number."""
    let_go = [(_let_go(parcel), policy) for parcel, policy in held]
    asked = [Asked.of(_facts(_Question(parcel, policy, now)), policy) for parcel, policy in let_go]
    snapshot = Snapshot.look(connection, asked, now=now, rates=RateBook())
    stops = [_stops(parcel, own, snapshot) for (parcel, _), own in zip(let_go, asked, strict=True)]
    return [{n: stop for n, stop in of_one.items() if stop.is_final} for of_one in stops]


def foreseen(connection: Connection, parcel: Parcel, policy: PolicySettings, now: int) -> dict[int, Stop]:
    """What would keep held copies from leaving if they were released now, by number. Locks and counts nothing."""
    let_go = _let_go(parcel)
    asked = Asked.of(_facts(_Question(let_go, policy, now)), policy)
    snapshot = Snapshot.look(connection, [asked], now=now, rates=RateBook())
    stops = _stops(let_go, asked, snapshot)
    for due, recipient, marks in zip(let_go.due, asked.facts.recipients, asked.marks, strict=True):
        if due.n not in stops and is_late(let_go, due, now):
            alone = asked._replace(facts=replace(asked.facts, recipients=(recipient,)), marks=[marks])
            snapshot.uncount(alone, recipient, due.queued_at)
            at, why = place(policy, alone.facts, snapshot.state(alone), recipient)
            snapshot.count(alone, recipient, at)
            if at > now:
                stops[due.n] = Stop(why, is_final=False, until=at)
    return stops


def _let_go(parcel: Parcel) -> Parcel:
    """The parcel with its held copies only, as if they were queued."""
    return replace(parcel, due=tuple([replace(due, state="queued") for due in parcel.due if due.state == "held"]))


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
        from_domain=domain_of(parcel.from_address),
        message_class=parcel.message_class,
    )


def _recipient(due: Due) -> RecipientFacts:
    return RecipientFacts(due.recipient, due.recipient_key, alias_of(due.recipient_key), due.domain)
