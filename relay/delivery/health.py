"""The health of each provider: a circuit breaker, throttling, limits, and pauses by people.

Consecutive connection and provider failures open the breaker; after a while one probe is let
through, and the time until the next doubles up to a maximum. After a successful probe the number
of simultaneous tries grows by one with each success, so that the backlog does not hit the
provider all at once. A throttle keeps mail away for as long as the provider said, or for a short
time that doubles with each throttle, and halves the number of simultaneous tries; it does not
count as a failure. A refusal of a message or recipient shows that the provider is healthy; one of
a sender says nothing. Possible greylisting counts once per recipient domain between two successes.
"""

import asyncio
from collections.abc import Callable, Container, Sequence, Set
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

from config.delivery import Breaker, FailoverTrigger
from config.providers import ProviderSettings
from policy.moment import ms_of
from relay.delivery.judgement import trigger
from relay.delivery.outcome import CLOSED, DOMAIN, NO_HOST, SENDER, UNFIT, Outcome, Result, Scope
from relay.store.providers import NO_PROVIDER

THROTTLED = 1_000  # milliseconds without tries after a throttle that named no time; doubled by each further one
EXHAUSTED = 3_600_000  # the same after «quota used up»
MINUTES = 60  # how many minutes of counts are kept
RAMP = 16  # simultaneous tries from which a recovered provider has no limit again
NO_BOUND = 1 << 20
_AT_ONCE = frozenset({"configuration", "account", NO_HOST})  # a second try would fail the same way
_THROTTLES = frozenset({"throttle", "exhausted", "connections"})


State = Literal["closed", "limited", "recovering", "half_open", "open", "paused"]


class Change(StrEnum):
    """A change of a provider's health that is reported to the operator, once each."""

    NONE = ""
    SHUT = "shut"
    RECOVERED = "recovered"


class Health(Struct):
    """The health of one provider, as seen by this process."""

    failures: int = 0
    greylisting: set[str] = field(default_factory=set)  # recipient domains deferred since its last success
    open_since: int = 0
    open_until: int = 0
    opened_for: int = 0
    throttles: int = 0
    limited_since: int = 0
    limited_until: int = 0  # until then its rate or daily limit is used up
    allowed: int = 0  # simultaneous tries while it recovers; 0 for no limit
    under_way: int = 0
    told: bool = False  # it was reported as shut, and not yet as recovered
    cause: str = ""
    closed_by: FailoverTrigger | None = None  # the failover trigger that matches what keeps mail away
    last_words: str = ""
    last_at: int = 0
    delivered: int = 0
    failed: int = 0
    by_minute: dict[int, int] = field(default_factory=dict)  # messages accepted, by minute since the epoch

    def took(self, count: int, now: int) -> None:
        """Count messages that the provider accepted."""
        minute = now // 60_000
        self.delivered += count
        self.by_minute[minute] = self.by_minute.get(minute, 0) + count
        if len(self.by_minute) > MINUTES:
            del self.by_minute[min(self.by_minute)]

    # A clock set back must not keep a provider shut for that much longer (faults R11): hence the `since` times.

    def is_open(self, now: int) -> bool:
        """Whether its breaker keeps mail away."""
        return self.open_since <= now < self.open_until

    def is_limited(self, now: int) -> bool:
        """Whether its rate or daily limit keeps mail away."""
        return self.limited_since <= now < self.limited_until

    def put_off(self, domains: Set[str]) -> bool:
        """Note that it deferred these domains; returns whether none of them was noted since its last success."""
        known = bool(self.greylisting & domains)
        self.greylisting |= domains
        return not known

    def open(self, now: int, until: int) -> None:
        """Keep mail away until then, or longer if that was decided before."""
        self.open_until = max(until, self.open_until) if self.is_open(now) else until
        self.open_since = now


class Healths:
    """The health of all providers, by name. Times are milliseconds; the clock is an argument."""

    def __init__(self, breaker: Breaker, clock: Callable[[], int]) -> None:
        self._limit = breaker.failures
        self._open_for = ms_of(breaker.open_for)
        self._open_at_most = ms_of(breaker.open_at_most)
        self._clock = clock
        self._healths: dict[str, Health] = {}
        self._line: dict[str, list[asyncio.Future[None]]] = {}
        self.paused: frozenset[str] = frozenset()

    def of(self, name: str) -> Health:
        """The health of one provider."""
        found = self._healths.get(name)
        if found is None:
            found = self._healths[name] = Health()
        return found

    def state(self, name: str) -> State:
        """What stops it or holds it back at the moment."""
        health, now = self.of(name), self._clock()
        if name in self.paused:
            return "paused"
        if health.is_open(now):
            return "open"
        if health.opened_for:
            return "half_open"
        if health.is_limited(now):
            return "limited"
        return "recovering" if health.allowed else "closed"

    def room(self, name: str) -> int:
        """How many more tries it may get at the moment."""
        state, health = self.state(name), self.of(name)
        if state in ("paused", "open", "limited"):
            return 0
        if state == "closed":
            return NO_BOUND
        return max(0, health.allowed - health.under_way)  # half open, one is allowed

    def may_try(self, name: str) -> bool:
        """Whether mail may be tried there now: one probe if half open; if recovering, `admit` queues the tries."""
        return self.room(name) > 0 or self.state(name) == "recovering"

    async def admit(self, name: str) -> bool:
        """Begin a try as soon as there is room for it; False if the provider may not be used after all.

        Every admitted try must be ended with `leave`.
        """
        while self.room(name) <= 0:
            if self.state(name) != "recovering":
                return False
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._line.setdefault(name, []).append(place)
            await place
        self.of(name).under_way += 1
        return True

    def leave(self, name: str) -> None:
        """End a try; those that wait for room check again."""
        self.of(name).under_way -= 1
        for place in self._line.pop(name, ()):
            if not place.done():
                place.set_result(None)

    def opens_at(self, name: str) -> int:
        """When it may be tried again, as far as known; 0 if a person has paused it."""
        health = self.of(name)
        return 0 if name in self.paused else max(health.open_until, health.limited_until)

    def why_shut(self, providers: Sequence[ProviderSettings]) -> str:
        """Why none of these may be used: a limit, which will end, or else no provider, for an unknown time."""
        return "limited" if any(self.state(p.name) == "limited" for p in providers) else NO_PROVIDER

    def waits(self, name: str, triggers: Container[FailoverTrigger]) -> bool:
        """Whether its mail waits for it: what keeps mail away is not one of the failover `triggers`."""
        state, health = self.state(name), self.of(name)
        if state == "limited":
            return "rate_limit_exceeded" not in triggers
        return state in ("open", "half_open") and health.closed_by is not None and health.closed_by not in triggers

    def limited(self, name: str, until: int) -> None:
        """Note that its rate or daily limit is used up until then."""
        health = self.of(name)
        health.limited_since, health.limited_until = self._clock(), until

    def changed(self, name: str) -> None:
        """Its configuration was changed: the cause of the failures may be gone, so let the next try find out."""
        self.of(name).open_until = 0

    def learn(self, made: Sequence[Outcome], domains: Set[str] = frozenset()) -> Change:
        """Take in what the outcomes of one transaction say about its provider; returns a change to report.

        `domains` are those of its recipients.
        """
        telling = _telling(made)
        if telling is None:
            return Change.NONE
        health = self.of(telling.provider)
        was_shut = bool(health.opened_for) or health.is_open(self._clock())
        health.last_words, health.last_at = telling.words, telling.ended
        if taken := sum(outcome.result is Result.DELIVERED for outcome in made):
            health.took(taken, self._clock())
        if telling.kind in _THROTTLES or telling.reopen_after:
            self._throttled(health, telling)
        elif _is_failure(telling):
            if telling.kind != DOMAIN or health.put_off(domains):
                self._failed(health, telling)
        else:
            self._succeeded(health)
        return self._news(health, telling, was_shut=was_shut)

    def _news(self, health: Health, telling: Outcome, *, was_shut: bool) -> Change:
        """The change to report, if any; a throttle is not worth a report."""
        is_shut = health.is_open(self._clock())
        if is_shut and not was_shut and telling.kind not in ("throttle", "connections"):
            health.told = True
            return Change.SHUT
        if health.told and not is_shut and not _is_failure(telling):
            health.told = False
            return Change.RECOVERED
        return Change.NONE

    def _throttled(self, health: Health, told: Outcome) -> None:
        now = self._clock()
        health.failed += 1
        health.cause, health.closed_by = told.kind, trigger(told)
        if not health.is_open(now):  # several tries under way get the same throttle, which counts once
            health.throttles += 1
            health.allowed = max(1, min(health.under_way, health.allowed or RAMP) // 2)
        doubled = min(THROTTLED << min(health.throttles - 1, 20), self._open_at_most)
        wait = told.reopen_after or (EXHAUSTED if told.kind == "exhausted" else doubled)
        health.open(now, now + wait)

    def _failed(self, health: Health, told: Outcome) -> None:
        """Count a failure; a failed probe or a refused account opens the breaker at once."""
        now = self._clock()
        health.failures += 1
        health.failed += 1
        if health.is_open(now):
            return  # this try was under way when the breaker opened
        if health.failures < self._limit and not health.opened_for and told.kind not in _AT_ONCE:
            return
        health.cause = told.scope.value if told.kind == DOMAIN else told.kind or told.scope.value
        health.closed_by = trigger(told)
        health.opened_for = min(health.opened_for * 2 or self._open_for, self._open_at_most)
        health.open(now, now + health.opened_for)
        health.allowed = 1

    def _succeeded(self, health: Health) -> None:
        if health.is_open(self._clock()):
            return  # this try began before the breaker opened: the probe decides
        health.failures = health.opened_for = health.open_until = health.throttles = 0
        health.greylisting.clear()
        if health.allowed:
            health.allowed = (health.allowed + 1) % RAMP
        if not health.allowed:
            health.cause = ""


def _telling(made: Sequence[Outcome]) -> Outcome | None:
    """The outcome that says most about the provider: that it accepts mail, else how it failed."""
    heard = [outcome for outcome in made if outcome.kind not in (UNFIT, CLOSED, SENDER)]
    taken = [outcome for outcome in heard if not _is_failure(outcome)]
    return next(iter(taken or heard), None)


def _is_failure(outcome: Outcome) -> bool:
    return outcome.scope in (Scope.CONNECTION, Scope.PROVIDER) and outcome.result is not Result.AGAIN
