"""What a round decided, in the words of the tables, and the wait until it is written.

Each recipient ends a round delivered, bounced, put off, uncertain, rejected or expired, once.
What has been decided is written however long the store takes: an answer of a provider is
never forgotten while the process lives.
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

AT_LEAST, AT_MOST = 1_000, 15_000  # milliseconds until fresh mail that no provider may be asked for is looked at
FRESH = 60_000  # the age up to which mail is fresh; after it waits by the ladder
PAUSED_AT_LEAST, PAUSED_AT_MOST = 60_000, 900_000  # until paused mail is looked at again: half its age, between these
KEY_LIVES = 20 * 3_600_000  # how long a provider surely knows an idempotency key; those known to us keep 24 hours


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
        """Wait until everything is in the store. Raises Unavailable only when the process ends without one."""
        for item, future in self._writing:
            try:
                is_ours = await future
            except Unavailable:
                is_ours = await self._means.patiently(partial(self._means.writer.put, self._means.settle, item))
            self._tell(item, is_ours=is_ours)

    # -- ends -------------------------------------------------------------------------------

    def settled(self, due: Due, outcome: Outcome) -> None:
        """An outcome that ends the round for its recipient."""
        if outcome.result is Result.DELIVERED:
            self._write(due, "delivered", outcome=outcome)
        elif outcome.result is Result.UNCERTAIN:
            self._unsure(due, outcome)
        elif outcome.result is Result.BOUNCED:
            self.bounced(due, outcome)
        else:
            self._soft(due, outcome)

    def bounced(self, due: Due, outcome: Outcome) -> None:
        """Refused for good; only a dead address is a hard bounce."""
        reason = "hard_bounce" if outcome.hard else outcome.kind or "refused"
        self._write(due, "bounced", reason=reason, outcome=outcome, hard=outcome.hard)

    def _soft(self, due: Due, outcome: Outcome) -> None:
        """The recipient's own soft failure climbs its ladder and bounces at its end; one that grew too old expires."""
        means = self._means
        due = replace(due, soft_failures=due.soft_failures + 1)
        at = ladder.after_soft(means.ladder, due.soft_failures, due.queued_at, means.clock(), means.chance())
        if due.state == "uncertain":  # what the provider may have of the first time is still unknown
            self._write(
                due, "uncertain" if at else "expired", due_at=at or 0, reason="outcome_unknown", outcome=outcome
            )
        elif at:
            self._write(due, "deferred", due_at=at, reason="soft_bounce", outcome=outcome)
        elif due.soft_failures > means.ladder.soft_retries:
            self._write(due, "bounced", reason=USED_UP, outcome=outcome)
        else:  # the ladder is not used up, so this stands in no row of such that suppresses
            self._write(due, "expired", reason="too_old", outcome=outcome)

    def _unsure(self, due: Due, outcome: Outcome) -> None:
        """Unknown once: the same provider again, at once where a key makes that harmless. Unknown twice: the end."""
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
        """No provider took it in this round: later, until it is too old."""
        at, reason = self._after_trouble(due), "unfit" if last.kind == UNFIT else "provider_trouble"
        if last.kind == CLOSED:
            at, reason = self._means.clock(), "drained"  # we broke it off, and whoever comes next goes on at once
        if due.state == "uncertain":
            if at is not None and last.kind != CLOSED:
                at = self._means.clock() + self._uncertain_wait
            reason = "outcome_unknown"
        states = ("deferred", "expired") if due.state != "uncertain" else ("uncertain", "expired")
        state, reason = (states[0], reason) if at else (states[1], reason if due.state == "uncertain" else "too_old")
        self._write(due, state, due_at=at or 0, reason=reason, outcome=last)

    def untried(self, due: Due, fitting: Sequence[ProviderSettings], *, too_big: bool) -> None:
        """No provider may be asked now: nothing has happened, so nothing is told but when to look again."""
        now, at = self._means.clock(), self._after_trouble(due)
        if self._means.pool.closing:
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
        """Policy holds it back, or refuses it for good."""
        now = self._means.clock()
        if why.is_final and due.state != "uncertain":
            self._write(due, "rejected", reason=why.reason)
            return
        if why.until:  # hours are no trouble: nothing grows too old by waiting for them
            self._write(due, due.state, due_at=why.until, reason=why.reason)
            return
        wait = min(max((now - due.queued_at) // 2, PAUSED_AT_LEAST), PAUSED_AT_MOST)
        at = self._after_trouble(due)
        if at is None or why.is_final:  # nobody may be asked any more what became of it
            self._write(due, "expired", reason=_why_uncertain(due, "too_old"))
        else:
            self._write(due, due.state, due_at=now + wait, reason=_why_uncertain(due, why.reason))

    def gone(self, due: Due) -> None:
        """There is nothing to send any more."""
        self._write(due, "expired", reason="message_gone")

    def failed_in_us(self, due: Due) -> None:
        """A bug of ours ended the round: what had begun is uncertain, the rest waits."""
        now = self._means.clock()
        if due.n not in self._begun:
            self._write(due, due.state, due_at=self._after_trouble(due) or now, reason="internal_error")
            return
        lost = Outcome(due.n, Result.UNCERTAIN, Scope.NONE, Phase.FINAL, due.provider, None, now, now, "internal error")
        state = "expired" if due.state == "uncertain" else "uncertain"
        self._write(due, state, due_at=now + self._uncertain_wait, reason="outcome_unknown", outcome=lost)

    async def tell(self, provider: ProviderSettings, outcome: Outcome, change: Change) -> None:
        """Tell somebody that a provider has just been given up for a while, or takes mail again."""
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
        """Why no provider may be asked, and when one may be, as far as that is known."""
        healths = self._means.healths
        opens = min((at for p in fitting if (at := healths.opens_at(p.name))), default=0)
        if (why := healths.why_shut(fitting)) != NO_PROVIDER:
            return why, max(opens, now)
        # Perturbed, so that what waits for one provider does not come back at one moment.
        wait = min(max(opens - now, AT_LEAST), AT_MOST) if opens else AT_MOST
        return why, now + int(wait * (1 + self._means.chance()))

    def tried(self, outcome: Outcome, due: Due, *, finished: bool = False) -> Tried:
        """An outcome in the words of the tables; `due.attempts` counts it already."""
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
        # Somebody else may have sent it too by now: what came of it here is told all the same, and nowhere else.
        tell, event = (log.info, "settled") if is_ours else (log.warning, "settled too late: another node has it now")
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
