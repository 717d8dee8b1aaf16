"""The results of a round, in the words of the tables, and waiting until they are written.

Each recipient ends a round exactly once: delivered, bounced, put off, uncertain, rejected or
expired. Results are written however long the store takes: a provider's answer is never lost
while the process lives.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from msgspec.structs import replace

from config.providers import ProviderSettings
from policy.moment import ms_of
from relay.delivery import ladder
from relay.delivery.health import Change
from relay.delivery.means import Means
from relay.delivery.outcome import ARRIVING, CLOSED, UNFIT, Outcome, Phase, Result, Scope
from relay.delivery.recheck import Stop
from relay.store.attempts import Settle, Tried
from relay.store.events import Event, record
from relay.store.parcel import Due, Parcel
from relay.store.providers import NO_PROVIDER
from relay.store.quota import Taken
from relay.store.soft_bounces import USED_UP
from relay.store.writer import Unavailable

log = structlog.get_logger()

AT_LEAST, AT_MOST = 1_000, 15_000  # milliseconds until fresh mail without a usable provider is tried again
FRESH = 60_000  # milliseconds of age up to which mail is fresh; older mail waits by the ladder
PAUSED_AT_LEAST, PAUSED_AT_MOST = 60_000, 900_000  # milliseconds until paused mail is checked again: half its age
KEY_LIVES = 20 * 3_600_000  # milliseconds for which a provider surely knows an idempotency key; ours keep it 24 h


class Settlement:
    """The outcomes of one round."""

    def __init__(self, means: Means, parcel: Parcel) -> None:
        self._means = means
        self._parcel = parcel
        self._begun: dict[int, Taken | None] = {}
        self._writing: list[tuple[Settle, asyncio.Future[bool]]] = []

    def begin(self, due: Due, taken: Taken | None) -> Due:
        """Note that an attempt has begun, and the place it took."""
        self._begun[due.n] = taken
        return due

    async def written(self) -> None:
        """Wait until everything is stored. Raises Unavailable only if the process ends while the store is away."""
        for item, future in self._writing:
            try:
                is_ours = await future
            except Unavailable:
                is_ours = await self._means.patiently(partial(self._means.writer.put, self._means.settle, item))
            self._tell(item, is_ours=is_ours)

    # -- results ----------------------------------------------------------------------------

    def settled(self, due: Due, outcome: Outcome) -> None:
        """Settle a recipient by an outcome that ends its round."""
        if outcome.result is Result.DELIVERED:
            self._write(due, "delivered", outcome=outcome)
        elif outcome.result is Result.UNCERTAIN:
            self._unsure(due, outcome)
        elif outcome.result is Result.BOUNCED:
            self.bounced(due, outcome)
        else:
            self._soft(due, outcome)

    def bounced(self, due: Due, outcome: Outcome) -> None:
        """Settle a permanently refused recipient; only a dead address is a hard bounce."""
        reason = "hard_bounce" if outcome.hard else outcome.kind or "refused"
        self._write(due, "bounced", reason=reason, outcome=outcome, hard=outcome.hard)

    def _soft(self, due: Due, outcome: Outcome) -> None:
        """The recipient's own soft failure: climb its ladder, bounce at the end of it, or expire if too old."""
        means = self._means
        due = replace(due, soft_failures=due.soft_failures + 1)
        at = ladder.after_soft(means.ladder, due.soft_failures, due.queued_at, means.clock(), means.chance())
        if due.state == "uncertain":  # whether the first attempt was accepted is still unknown
            self._write(
                due, "uncertain" if at else "expired", due_at=at or 0, reason="outcome_unknown", outcome=outcome
            )
        elif at:
            self._write(due, "deferred", due_at=at, reason="soft_bounce", outcome=outcome)
        elif due.soft_failures > means.ladder.soft_retries:
            self._write(due, "bounced", reason=USED_UP, outcome=outcome)
        else:  # the ladder is not exhausted, so this must not count towards a suppression
            self._write(due, "expired", reason="too_old", outcome=outcome)

    def _unsure(self, due: Due, outcome: Outcome) -> None:
        """Unknown once: ask the same provider again, at once if a key makes that harmless. Unknown twice: expire."""
        now = self._means.clock()
        provider = next(p for p in self._means.providers if p.name == outcome.provider)
        if due.state != "uncertain":
            at: int | None = now if provider.is_idempotent else now + self._uncertain_wait
        elif provider.is_idempotent and now - due.queued_at < KEY_LIVES:
            at = self._after_trouble(due)
        else:
            at = None
        self._write(due, "uncertain" if at else "expired", due_at=at or 0, reason="outcome_unknown", outcome=outcome)

    def put_off(self, due: Due, last: Outcome) -> None:
        """No provider took it in this round: try later, or expire if it is too old."""
        at, reason = self._after_trouble(due), "unfit" if last.kind == UNFIT else "provider_trouble"
        if last.kind == CLOSED:
            at, reason = self._means.clock(), "drained"  # we broke it off ourselves; the next process continues at once
        if due.state == "uncertain":
            if at is not None and last.kind != CLOSED:
                at = self._means.clock() + self._uncertain_wait
            reason = "outcome_unknown"
        states = ("deferred", "expired") if due.state != "uncertain" else ("uncertain", "expired")
        state, reason = (states[0], reason) if at else (states[1], reason if due.state == "uncertain" else "too_old")
        self._write(due, state, due_at=at or 0, reason=reason, outcome=last)

    def untried(self, due: Due, fitting: Sequence[ProviderSettings], *, too_big: bool) -> None:
        """No provider may be used now: nothing was tried, so only the time of the next look changes."""
        now, at = self._means.clock(), self._after_trouble(due)
        if self._means.pool.draining:
            self._write(due, due.state, due_at=now, reason=_why_uncertain(due, "drained"))
        elif too_big and due.state != "uncertain":
            self._write(due, "expired", reason="size")
        elif at is None:
            self._write(due, "expired", reason=_why_uncertain(due, "too_old"))
        else:
            reason, soon = self._soonest(fitting, now)
            fresh = now - due.queued_at < FRESH or reason == "limited"
            self._write(due, due.state, due_at=min(at, soon) if fresh else at, reason=_why_uncertain(due, reason))

    def stopped(self, due: Due, why: Stop) -> None:
        """The policy stops it, for now or for good."""
        now = self._means.clock()
        if why.is_final and due.state != "uncertain":
            self._write(due, "rejected", reason=why.reason)
            return
        if why.until:  # waiting until a known time makes nothing too old
            self._write(due, due.state, due_at=why.until, reason=why.reason)
            return
        wait = min(max((now - due.queued_at) // 2, PAUSED_AT_LEAST), PAUSED_AT_MOST)
        at = self._after_trouble(due)
        if at is None or why.is_final:  # no provider may be asked about it any more
            self._write(due, "expired", reason=_why_uncertain(due, "too_old"))
        else:
            self._write(due, due.state, due_at=now + wait, reason=_why_uncertain(due, why.reason))

    def gone(self, due: Due) -> None:
        """There is nothing left to send."""
        self._write(due, "expired", reason="message_gone")

    def failed_in_us(self, due: Due) -> None:
        """A bug of ours ended the round: a begun attempt is uncertain, else the delivery waits."""
        now = self._means.clock()
        if due.n not in self._begun:
            self._write(due, due.state, due_at=self._after_trouble(due) or now, reason="internal_error")
            return
        lost = Outcome(due.n, Result.UNCERTAIN, Scope.NONE, Phase.FINAL, due.provider, None, now, now, "internal error")
        state = "expired" if due.state == "uncertain" else "uncertain"
        self._write(due, state, due_at=now + self._uncertain_wait, reason="outcome_unknown", outcome=lost)

    async def tell(self, provider: ProviderSettings, outcome: Outcome, change: Change) -> None:
        """Record the event that a provider is shut for a while, or accepts mail again."""
        means, at = self._means, self._means.clock()
        event = Event("provider.recovered", at, data={"provider": provider.name})
        if change is Change.SHUT:
            health = means.healths.of(provider.name)
            told = {"alert": "provider_unavailable", "provider": provider.name, "cause": health.cause}
            told |= {"reply": outcome.words, "phase": outcome.phase.value}
            event = Event("alert.raised", at, data=told | {"until": health.open_until})
        await means.patiently(lambda: means.writer.run(lambda connection: record(connection, [event])))

    # -- details ------------------------------------------------------------------------------

    @property
    def _uncertain_wait(self) -> int:
        return ms_of(self._means.delivery.uncertain.wait)

    def _after_trouble(self, due: Due) -> int | None:
        means = self._means
        return ladder.after_trouble(means.ladder, due.queued_at, means.clock(), means.chance())

    def _soonest(self, fitting: Sequence[ProviderSettings], now: int) -> tuple[str, int]:
        """Why no provider may be used, and when one may be, as far as known."""
        healths = self._means.healths
        opens = min((at for p in fitting if (at := healths.opens_at(p.name))), default=0)
        if (why := healths.why_shut(fitting)) != NO_PROVIDER:
            return why, max(opens, now)
        # Randomised, so that mail waiting for one provider does not come back all at once.
        wait = min(max(opens - now, AT_LEAST), AT_MOST) if opens else AT_MOST
        return why, now + int(wait * (1 + self._means.chance()))

    def tried(self, outcome: Outcome, due: Due, *, finished: bool = False) -> Tried:
        """An outcome in the words of the tables; `due.attempts` already includes it."""
        reply, taken = outcome.reply, self._begun.get(due.n)
        result = outcome.result.value
        if outcome.result is Result.NEXT:
            result = "deferred" if finished else "failed_over"
        return Tried(
            n=outcome.n,
            number=due.attempts,
            result=result,
            scope=outcome.scope.value,
            phase=outcome.phase.value,
            code=reply.code if reply else 0,
            enhanced=str(reply.enhanced) if reply and reply.enhanced else "",
            reply=outcome.words,
            provider=outcome.provider,
            provider_id=outcome.provider_id,
            started=outcome.started,
            ended=outcome.ended,
            taken=replace(taken, reached=outcome.phase not in ARRIVING) if taken else None,
        )

    def _write(
        self,
        due: Due,
        state: str,
        *,
        due_at: int = 0,
        reason: str = "",
        outcome: Outcome | None = None,
        hard: bool = False,
    ) -> None:
        means = self._means
        tried = self.tried(outcome, due, finished=True) if outcome is not None else None
        if tried is not None and state == "bounced":
            tried = replace(tried, result="bounced")
        item = Settle(
            self._parcel, due, state, means.node, means.clock(), due_at, reason, due.soft_failures, tried, hard
        )
        try:
            future = means.writer.put(means.settle, item)
        except Unavailable as error:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        self._writing.append((item, future))

    def _tell(self, item: Settle, *, is_ours: bool) -> None:
        tried = item.tried
        if is_ours:
            self._means.watch.settled(item.state, tried.provider if tried else "")
        # Another node may have sent it too by now: the outcome here is still logged, but not stored.
        tell, event = (log.info, "settled") if is_ours else (log.warning, "settled too late: another node has it")
        tell(
            event,
            send=item.parcel.send_id,
            n=item.due.n,
            state=item.state,
            reason=item.reason,
            provider=tried.provider if tried else "",
            code=tried.code if tried else 0,
            attempt=tried.number if tried else 0,
        )


def _why_uncertain(due: Due, reason: str) -> str:
    return "outcome_unknown" if due.state == "uncertain" else reason
