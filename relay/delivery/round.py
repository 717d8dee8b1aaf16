"""One round of a parcel: its recipients are offered to one provider after another until each is settled.

A refusal of the recipient or the message ends the round for that recipient: another provider
would only get the same answer. A refusal of us, a lost connection or a timeout before the final
dot says nothing about the recipient, so the next provider is tried, as far as the operator's
failover triggers allow. After the last one the delivery is deferred. If the connection is lost
after the dot, nobody knows whether the message was accepted: the delivery is uncertain, and
only the same provider is asked again (RFC 5321 §6.1; RFC 1047). Every attempt is committed
before the provider is contacted, and every outcome before the round is over; if the store
cannot be written, the round waits for it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from config.providers import ProviderSettings
from relay.delivery.attempt import Attempt
from relay.delivery.dress import groups
from relay.delivery.judgement import trigger
from relay.delivery.means import Means
from relay.delivery.outcome import POLICY, Outcome, Result
from relay.delivery.pool import Closing
from relay.delivery.quota import quota_of
from relay.delivery.recheck import Owner, Stop
from relay.delivery.route import fitting, route
from relay.delivery.settlement import Settlement
from relay.store.attempts import Begin, Begun
from relay.store.parcel import Due, Parcel
from relay.store.quota import Taken
from relay.store.writer import Unavailable
from relay.watch import span

log = structlog.get_logger()


class Leg(NamedTuple):
    """Recipients that travel together, and the providers they may try, in order."""

    due: tuple[Due, ...]
    providers: tuple[ProviderSettings, ...]
    asked: str = ""  # the provider that may already have the message, so the only one to ask


class Round:
    """One parcel on its way through the providers."""

    def __init__(self, means: Means, parcel: Parcel, owner: Owner, data: bytes) -> None:
        self._means = means
        self._owner = owner
        self._parcel = parcel
        self._data = data
        self._waiting: dict[int, Due] = {due.n: due for due in parcel.due}
        self._last: dict[int, Outcome] = {}
        self._refused: dict[int, set[str]] = {}  # provider groups whose verdict on this recipient is known
        self._settlement = Settlement(means, parcel)

    async def run(self) -> None:
        """Settle every recipient of the parcel. Raises Unavailable if the process ends while the store is away."""
        try:
            for leg in self._legs():
                await self._travel(leg)
        except Unavailable:
            raise
        except Exception:
            # A bug of ours must not leave a delivery active forever: what has begun is now uncertain.
            log.exception("internal error during a delivery round", send=self._parcel.send_id)
            for due in self._left(self._parcel.due):
                self._settlement.failed_in_us(self._waiting.pop(due.n))
        await self._settlement.written()

    def stop(self, due: Due, why: Stop) -> None:
        """Settle a recipient whose copy the policy stops, for now or for good."""
        self._settlement.stopped(self._waiting.pop(due.n), why)

    def give_up(self) -> None:
        """Settle all recipients: there is nothing left to send."""
        for due in self._left(self._parcel.due):
            self._settlement.gone(self._waiting.pop(due.n))

    # -- routing ------------------------------------------------------------------------

    def _legs(self) -> list[Leg]:
        """Group the recipients: together unless a provider takes only certain domains, or may have some already."""
        means = self._means
        by_domain = any(p.when.recipient_domains for p in means.providers)
        together: dict[tuple[str, str], list[Due]] = {}
        for due in self._waiting.values():
            asked = due.provider if due.state == "uncertain" else ""
            together.setdefault((asked, due.domain if by_domain else ""), []).append(due)
        return [self._leg(asked, tuple(due)) for (asked, _), due in together.items()]

    def _leg(self, asked: str, due: tuple[Due, ...]) -> Leg:
        means, names = self._means, (self._owner.mailbox, self._owner.tenant)
        domain, may_try = due[0].domain, means.healths.may_try
        # The provider that may have the message comes first, and by default alone.
        own = tuple(p for p in means.providers if p.name == asked and p.takes_mail and may_try(p.name))
        if asked and not means.delivery.uncertain.other_provider:
            return Leg(due, own, asked)
        chosen = route(
            means.providers, self._parcel, domain, names=names, may_try=may_try, waits=self._waits, draw=means.draw()
        )
        return Leg(due, own + tuple(p for p in chosen if p not in own))

    def _waits(self, name: str) -> bool:
        return self._means.healths.waits(name, self._means.delivery.failover_triggers)

    def _fitting(self, leg: Leg) -> tuple[ProviderSettings, ...]:
        """The providers that would take the message of a leg, whatever their current health."""
        if leg.asked:
            return tuple(p for p in self._means.providers if p.name == leg.asked and p.takes_mail)
        names = (self._owner.mailbox, self._owner.tenant)
        return fitting(self._means.providers, self._parcel, leg.due[0].domain, names)

    async def _travel(self, leg: Leg) -> None:
        for provider in leg.providers:
            there = self._left(leg.due)
            if not there:
                break
            with suppress(Closing):  # no attempt begins during a drain, at any of them
                await self._offer_all(there, provider)
            if self._waits(provider.name):
                break
        for due in self._left(leg.due):
            self._end(self._waiting.pop(due.n), leg)

    def _end(self, due: Due, leg: Leg) -> None:
        """Settle a recipient that no provider took in this round."""
        last, refused = self._last.get(due.n), self._refused.get(due.n, set())
        if last is None:
            fit = self._fitting(leg)
            self._settlement.untried(due, fit, too_big=not fit and self._is_too_big())
        elif last.is_verdict and all(p.group in refused for p in self._fitting(leg)):
            self._settlement.bounced(due, last)  # all providers that could take it have refused it
        else:
            self._settlement.put_off(due, last)

    def _left(self, due: Sequence[Due]) -> list[Due]:
        return [self._waiting[d.n] for d in due if d.n in self._waiting]

    def _is_too_big(self) -> bool:
        """Whether every provider's limit is below the message's size."""
        limits = [p.limits.message_size for p in self._means.providers if p.takes_mail]
        return bool(limits) and all(most is not None and self._parcel.size > most for most in limits)

    # -- offering -----------------------------------------------------------------------

    async def _offer_all(self, there: Sequence[Due], provider: ProviderSettings) -> None:
        todo = deque(groups(self._parcel, there, provider, self._means.wardrobe))
        while todo:
            made = await self._offer(todo.popleft(), provider)
            if again := tuple([self._waiting[o.n] for o in made if o.result is Result.AGAIN]):
                todo.appendleft(again)  # RFC 5321 §4.5.3.1.10: recipients beyond the limit of one transaction
            if not made or all(o.result is Result.NEXT and not o.is_verdict for o in made):
                return  # this provider takes nothing now

    async def _offer(self, group: Sequence[Due], provider: ProviderSettings) -> Sequence[Outcome]:
        """One attempt at one provider: committed, made, evaluated and settled; empty if none may be made."""
        healths = self._means.healths
        async with self._means.pool.place(provider):
            if not await healths.admit(provider.name):
                return ()  # the provider became unavailable while we waited
            try:
                begun = await self._begin(group, provider)
                made = await self._made(begun, provider) if begun else ()
            finally:
                healths.leave(provider.name)
        for outcome in made:
            self._settle(outcome, provider)
        return made

    async def _begin(self, group: Sequence[Due], provider: ProviderSettings) -> tuple[Due, ...]:
        """Commit the attempt; returns the recipients that are still ours, with the attempt counted."""
        means, quota = self._means, quota_of(provider)
        before = {due.n: self._settlement.tried(self._last[due.n], due) for due in group if due.n in self._last}
        item = Begin(self._parcel, tuple(group), provider.name, means.node, means.clock(), before, quota)
        tries = _tries(item)
        answer: Begun = await means.patiently(lambda: means.writer.put(means.begin, next(tries)))
        if answer.limited_until:
            means.healths.limited(provider.name, answer.limited_until)
            return ()
        for due in group:
            if due.n not in answer.numbers:
                self._waiting.pop(due.n)  # somebody else has it now
                continue
            taken = Taken(quota, means.node, 1, item.at) if quota else None
            self._waiting[due.n] = self._settlement.begin(replace(due, attempts=due.attempts + 1), taken)
        return tuple(self._left(group))

    async def _made(self, begun: tuple[Due, ...], provider: ProviderSettings) -> tuple[Outcome, ...]:
        means = self._means
        attempt = Attempt(self._parcel, self._data, begun, provider, means.wardrobe, means.pool, means.clock)
        with span("attempt", send=self._parcel.send_id, provider=provider.name, recipients=len(begun)):
            made = await attempt.make()
        if any(o.kind == "connections" for o in made) and means.pool.crowded(provider):
            return made  # fewer connections are the remedy, so its health is not affected
        if change := means.healths.learn(made, {due.domain for due in begun}):
            await self._settlement.tell(provider, made[0], change)
        return made

    def _settle(self, outcome: Outcome, provider: ProviderSettings) -> None:
        """Act on one outcome: settle the recipient, or leave it for the next provider."""
        due = self._waiting[outcome.n]
        outcome = self._as_configured(outcome)
        self._last[outcome.n] = outcome
        if outcome.result is Result.NEXT:
            if outcome.is_verdict:
                self._refused.setdefault(due.n, set()).add(provider.group)
            if (cause := trigger(outcome)) is not None and cause not in self._means.delivery.failover_triggers:
                self._settlement.put_off(self._waiting.pop(due.n), outcome)
        elif outcome.result is not Result.AGAIN:
            self._settlement.settled(self._waiting.pop(due.n), outcome)

    def _as_configured(self, outcome: Outcome) -> Outcome:
        """The outcome; a policy refusal becomes one for the next provider if the operator wants that."""
        if outcome.kind == POLICY and self._means.delivery.failover_on_policy_refusal:
            return replace(outcome, result=Result.NEXT)
        return outcome


def _tries(item: Begin) -> Iterator[Begin]:
    """The item for the first write, then for every repetition of it."""
    yield item
    again = replace(item, again=True)
    while True:
        yield again
