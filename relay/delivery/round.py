"""One round of a parcel: its recipients are offered to one provider after the other until each is settled.

A refusal of the recipient or the message ends the round for that recipient: another
provider would only carry the same answer. A refusal of us, a lost connection or a timeout
before the final dot says nothing about the recipient, so the next provider is tried. After
the last one the delivery is deferred. When the connection is lost after the dot nobody
knows whether the message was taken: the delivery is uncertain, and only the same provider
is asked again (RFC 5321 §6.1; RFC 1047). Every attempt is committed before the provider is
asked, every outcome before the round is over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from config.delivery import DeliveryConfig
from config.providers import ProviderSettings
from relay.delivery import ladder
from relay.delivery.connection import Sending, Unreachable
from relay.delivery.dress import Unsignable, Wardrobe, dressed, groups, return_path
from relay.delivery.health import Healths
from relay.delivery.judgement import outcomes
from relay.delivery.ladder import Ladder
from relay.delivery.outcome import Outcome, Phase, Result, Scope
from relay.delivery.pool import Pool
from relay.delivery.recheck import Owner, Stop
from relay.delivery.route import route
from relay.mail.departure import WireError
from relay.store.attempts import Begin, BeginHandler, Settle, SettleHandler, Tried
from relay.store.parcel import Due, Parcel
from relay.store.writer import Writer

log = structlog.get_logger()

PAUSED_LOOK = 60_000  # milliseconds until paused mail is looked at again
NO_PROVIDER = 15_000  # and mail that no provider may be asked for


@dataclass(frozen=True, slots=True)
class Means:
    """What a round works with."""

    node: str
    delivery: DeliveryConfig
    providers: tuple[ProviderSettings, ...]
    ladder: Ladder
    writer: Writer
    pool: Pool
    healths: Healths
    wardrobe: Wardrobe
    begin: BeginHandler
    settle: SettleHandler
    owner: Callable[[Parcel], Awaitable[Owner]]
    clock: Callable[[], int]
    chance: Callable[[], float]


class Round:
    """One parcel on its way through the providers."""

    def __init__(self, means: Means, parcel: Parcel, owner: Owner, data: bytes) -> None:
        self._means = means
        self._owner = owner
        self._parcel = parcel
        self._data = data
        self._waiting: dict[int, Due] = {due.n: due for due in parcel.due}
        self._last: dict[int, Outcome] = {}
        self._settling: list[asyncio.Future[bool]] = []

    async def run(self) -> None:
        """Settle every recipient of the parcel."""
        for domain in self._domains():
            for provider in self._route(domain):
                await self._offer_all(provider, domain)
        for due in list(self._waiting.values()):
            self._put_off(due)
        await asyncio.gather(*self._settling)

    def _domains(self) -> tuple[str, ...]:
        """Recipients are routed together unless some provider takes only certain domains."""
        if any(p.when.recipient_domains for p in self._means.providers):
            return tuple(dict.fromkeys(due.domain for due in self._parcel.due))
        return ("",)

    def _route(self, domain: str) -> tuple[ProviderSettings, ...]:
        means = self._means
        if asked := {due.provider for due in self._parcel.due if due.state == "uncertain"}:
            # Only the provider that may have the message, unless the operator chose otherwise.
            own = tuple(p for p in means.providers if p.name in asked and p.is_ready)
            if not means.delivery.uncertain.other_provider:
                return own
        return route(
            means.providers,
            self._parcel,
            domain or self._parcel.due[0].domain,
            names=(self._owner.mailbox, self._owner.tenant),
            may_try=means.healths.may_try,
            chance=means.chance(),
        )

    # -- offering -----------------------------------------------------------------------

    async def _offer_all(self, provider: ProviderSettings, domain: str) -> None:
        there = [due for due in self._waiting.values() if not domain or due.domain == domain]
        for group in groups(self._parcel, there, provider, self._means.wardrobe) if there else ():
            for outcome in await self._offer(group, provider):
                due = replace(self._waiting[outcome.n], attempts=self._waiting[outcome.n].attempts + 1)
                self._waiting[outcome.n], self._last[outcome.n] = due, outcome
                if outcome.result is not Result.NEXT:
                    self._conclude(self._waiting.pop(outcome.n), outcome)

    async def _offer(self, group: Sequence[Due], provider: ProviderSettings) -> Sequence[Outcome]:
        """One attempt at one provider: committed, made, and learnt from."""
        means = self._means
        started = means.clock()
        before = {due.n: _tried(self._last[due.n], due) for due in group if due.n in self._last}
        began = await means.writer.put(
            means.begin, Begin(self._parcel, tuple(group), provider.name, means.node, started, before)
        )
        for due in group:
            if due.n not in began:
                self._waiting.pop(due.n)  # somebody else has it now
        ours = [due for due in group if due.n in began]
        if not ours:
            return ()
        means.healths.trying(provider.name)
        made = await self._attempt(ours, provider, started)
        for outcome in made:
            means.healths.learn(outcome)
        return made

    async def _attempt(self, due: Sequence[Due], provider: ProviderSettings, started: int) -> Sequence[Outcome]:
        means, numbers = self._means, [d.n for d in due]
        try:
            message = dressed(self._data, self._parcel, due, provider, means.wardrobe)
        except (Unsignable, WireError) as error:
            log.error("a message cannot leave", send=self._parcel.send_id, error=str(error))  # noqa: TRY400 - a known cause
            now = means.clock()
            return [_not_sent(n, provider, started, now, str(error)) for n in numbers]
        sending = Sending(
            mail_from=return_path(self._parcel, due, provider, means.wardrobe),
            recipients={d.n: d.recipient for d in due},
            message=bytes(message),
            smtputf8=message.needs_smtputf8 or not all(d.recipient.isascii() for d in due),
            eight_bit=message.needs_8bitmime,
        )
        try:
            async with means.pool.connection(provider) as connection:
                transcript = await connection.transact(sending)
        except Unreachable as error:
            transcript = error.transcript
        return outcomes(provider, transcript, numbers, started, means.clock())

    # -- what follows ---------------------------------------------------------------------

    def _conclude(self, due: Due, outcome: Outcome) -> None:
        """Write what came of the round for one recipient."""
        tried = _tried(outcome, due, finished=True)
        if outcome.result is Result.DELIVERED:
            self._write(due, "delivered", tried=tried)
        elif outcome.result is Result.UNCERTAIN:
            self._unsure(due, tried)
        elif outcome.result is Result.BOUNCED:
            hard = outcome.scope is Scope.RECIPIENT and outcome.kind != "policy"
            self._write(
                due, "bounced", reason="hard_bounce" if hard else outcome.kind or "refused", tried=tried, hard=hard
            )
        else:
            self._soft(due, tried)

    def _soft(self, due: Due, tried: Tried) -> None:
        """The recipient's own soft failure climbs its ladder and bounces at its end."""
        means = self._means
        failures = due.soft_failures + 1
        at = ladder.after_soft(means.ladder, failures, due.queued_at, means.clock(), means.chance())
        state, reason = ("deferred", "soft_bounce") if at else ("bounced", "soft_bounces")
        self._write(due, state, due_at=at or 0, reason=reason, tried=tried, soft_failures=failures)

    def _unsure(self, due: Due, tried: Tried) -> None:
        """Unknown once: the same provider again, at once where a key makes that harmless. Unknown twice: the end."""
        means = self._means
        if due.state == "uncertain":
            self._write(due, "expired", reason="outcome_unknown", tried=tried)
            return
        provider = next(p for p in means.providers if p.name == tried.provider)
        wait = 0 if provider.is_idempotent else int(means.delivery.uncertain.wait.total_seconds() * 1000)
        self._write(due, "uncertain", due_at=means.clock() + wait, reason="outcome_unknown", tried=tried)

    def _put_off(self, due: Due) -> None:
        """No provider took it in this round: later, until it is too old."""
        means, now = self._means, self._means.clock()
        outcome = self._last.get(due.n)
        at = ladder.after_trouble(means.ladder, due.attempts, due.queued_at, now, means.chance())
        if outcome is None:
            state, reason = ("expired", "too_old") if at is None else (due.state, "no_provider")
            self._write(due, state, due_at=now + NO_PROVIDER if at else 0, reason=reason)
            return
        tried = _tried(outcome, due, finished=True)
        if due.state == "uncertain":
            wait = int(means.delivery.uncertain.wait.total_seconds() * 1000)
            self._write(due, "uncertain" if at else "expired", due_at=now + wait, reason="outcome_unknown", tried=tried)
        elif at is None:
            self._write(due, "expired", reason="too_old", tried=tried)
        else:
            self._write(due, "deferred", due_at=at, reason="provider_trouble", tried=tried)

    def stop(self, due: Due, why: Stop) -> None:
        """Policy holds it back, or refuses it for good."""
        self._waiting.pop(due.n)
        if why.is_final:
            self._write(due, "rejected", reason=why.reason)
        else:
            self._write(due, due.state, due_at=self._means.clock() + PAUSED_LOOK, reason=why.reason)

    def give_up(self, reason: str) -> None:
        """End every recipient: there is nothing to send."""
        for due in list(self._waiting.values()):
            self._write(self._waiting.pop(due.n), "expired", reason=reason)

    def _write(
        self,
        due: Due,
        state: str,
        *,
        due_at: int = 0,
        reason: str = "",
        tried: Tried | None = None,
        soft_failures: int | None = None,
        hard: bool = False,
    ) -> None:
        means = self._means
        failures = due.soft_failures if soft_failures is None else soft_failures
        item = Settle(self._parcel, due, state, means.node, means.clock(), due_at, reason, failures, tried, hard)
        self._settling.append(means.writer.put(means.settle, item))


def _tried(outcome: Outcome, due: Due, *, finished: bool = False) -> Tried:
    """An outcome in the words of the tables; `due.attempts` counts it already."""
    reply = outcome.reply
    result = "failed_over" if outcome.result is Result.NEXT and not finished else outcome.result.value
    return Tried(
        n=outcome.n,
        number=due.attempts,
        result="deferred" if result == "next" else result,
        scope=outcome.scope.value,
        phase=outcome.phase.value,
        code=reply.code if reply else 0,
        enhanced=str(reply.enhanced) if reply and reply.enhanced else "",
        reply=outcome.words,
        provider=outcome.provider,
        provider_id=outcome.provider_id,
        started=outcome.started,
        ended=outcome.ended,
    )


def _not_sent(n: int, provider: ProviderSettings, started: int, ended: int, why: str) -> Outcome:
    """A failure of ours before anything was said: the provider is not to blame."""
    return Outcome(n, Result.NEXT, Scope.MESSAGE, Phase.CONNECT, provider.name, None, started, ended, detail=why)
