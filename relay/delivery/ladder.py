"""When a delivery is tried again. Pure arithmetic: every test is a table.

The recipient's own soft failures climb the ladder of `softBounces` and bounce once it is
exhausted. Trouble of providers and connections has steps of its own that depend on the age of
the message, not on how many providers were tried, and continues until the message is too old.
So an outage bounces and suppresses nobody.
"""

from msgspec import Struct

from config.delivery import BounceHandling, DeliveryConfig
from policy.moment import ms_of

JITTER = 0.1  # waits vary randomly by up to this share, so that retries do not coincide after a restart


class Ladder(Struct, frozen=True):
    """The waits, in milliseconds."""

    soft: tuple[int, ...]
    soft_retries: int
    trouble: tuple[int, ...]
    give_up_after: int

    @classmethod
    def of(cls, delivery: DeliveryConfig, bounces: BounceHandling) -> "Ladder":
        """The ladder set in the configuration."""
        return cls(
            soft=tuple(minutes * 60_000 for minutes in bounces.soft_bounces.backoff_minutes),
            soft_retries=bounces.soft_bounces.max_retries,
            trouble=tuple(ms_of(wait) for wait in delivery.retry),
            give_up_after=ms_of(bounces.give_up_after),
        )


def after_soft(ladder: Ladder, failures: int, queued_at: int, now: int, chance: float) -> int | None:
    """When to try again after the recipient's `failures`-th soft failure; None if it is to bounce."""
    if failures > ladder.soft_retries:
        return None
    wait = ladder.soft[min(max(failures, 1), len(ladder.soft)) - 1]
    return _within(ladder, wait, queued_at, now, chance)


def after_trouble(ladder: Ladder, queued_at: int, now: int, chance: float) -> int | None:
    """When to try again after a round in which no provider was available; None if the message is too old."""
    return _within(ladder, _step(ladder.trouble, now - queued_at), queued_at, now, chance)


def _step(waits: tuple[int, ...], age: int) -> int:
    """The wait of the first step not reached at this age; allows for retries that were early by jitter."""
    due = 0.0
    for wait in waits:
        due += wait * (1 - 2 * JITTER)
        if age < due:
            return wait
    return waits[-1]


def _within(ladder: Ladder, wait: int, queued_at: int, now: int, chance: float) -> int | None:
    """The next try, with jitter from `chance` in [0, 1); a long step is cut, so that a last try is made at the end."""
    end = queued_at + ladder.give_up_after
    if now >= end:
        return None
    return min(now + int(wait * (1 + JITTER * (2 * chance - 1))), end)
