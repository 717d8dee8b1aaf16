"""How each provider is doing: a circuit breaker, what throttles taught, and pauses by hand.

Connection and provider failures in a row open the breaker; after a while one probe goes
through, and the time until the next doubles up to a bound. A refusal of a message or a
recipient is a healthy answer. A throttle closes the provider for as long as it said, or a
short while, without counting as a failure of the line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from config.delivery import Breaker
from relay.delivery.outcome import Outcome, Result, Scope

THROTTLED = 5_000  # milliseconds a provider is spared after a throttle that named no time


@dataclass(slots=True)
class Health:
    """One provider, as this process sees it."""

    failures: int = 0
    open_until: int = 0
    opened_for: int = 0
    probing: bool = False
    last_words: str = ""
    last_at: int = 0
    delivered: int = 0
    failed: int = 0


class Healths:
    """All providers by name. Times are milliseconds; the clock is an argument."""

    def __init__(self, breaker: Breaker, clock: Callable[[], int]) -> None:
        self._limit = breaker.failures
        self._open_for = int(breaker.open_for.total_seconds() * 1000)
        self._open_at_most = int(breaker.open_at_most.total_seconds() * 1000)
        self._clock = clock
        self._healths: dict[str, Health] = {}
        self.paused: frozenset[str] = frozenset()

    def of(self, name: str) -> Health:
        """The health of one provider."""
        return self._healths.setdefault(name, Health())

    def state(self, name: str) -> str:
        """paused, open, half_open or closed."""
        health = self.of(name)
        if name in self.paused:
            return "paused"
        if health.open_until > self._clock():
            return "open"
        return "half_open" if health.opened_for else "closed"

    def may_try(self, name: str) -> bool:
        """Whether mail may go there now; half open lets a single probe through."""
        state = self.state(name)
        return state == "closed" or (state == "half_open" and not self.of(name).probing)

    def trying(self, name: str) -> None:
        """A try begins; it is the probe where the breaker is half open."""
        health = self.of(name)
        health.probing = bool(health.opened_for)

    def learn(self, outcome: Outcome) -> None:
        """What an outcome says of its provider."""
        health = self.of(outcome.provider)
        health.last_words, health.last_at, health.probing = outcome.words, outcome.ended, False
        if outcome.reopen_after or outcome.kind in ("throttle", "exhausted"):
            health.open_until = max(health.open_until, self._clock() + (outcome.reopen_after or THROTTLED))
            health.opened_for = health.opened_for or self._open_for
            health.failed += 1
        elif outcome.scope in (Scope.CONNECTION, Scope.PROVIDER) and outcome.result is not Result.DELIVERED:
            self._failed(health, at_once=outcome.kind in ("configuration", "account"))
        else:
            health.failures = health.opened_for = health.open_until = 0
            health.delivered += outcome.result is Result.DELIVERED

    def _failed(self, health: Health, *, at_once: bool) -> None:
        """One more failure; a probe that failed, or an account that is refused, opens at once."""
        health.failures += 1
        health.failed += 1
        if health.failures < self._limit and not health.opened_for and not at_once:
            return
        health.opened_for = min(health.opened_for * 2 or self._open_for, self._open_at_most)
        health.open_until = self._clock() + health.opened_for
