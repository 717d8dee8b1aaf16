"""When a delivery is tried again. Pure arithmetic: every test is a table.

The recipient's own soft failures climb the ladder of `softBounces` and, when it is used
up, bounce. Trouble of providers and connections climbs its own steps by the age of the
message, however many providers were asked, and goes on until it is too old, so an outage
bounces and suppresses nobody.
"""

from msgspec import Struct

from config.delivery import BounceHandling, DeliveryConfig
from policy.moment import ms_of

JITTER = 0.1  # waits are perturbed by up to this share, so that a restart does not make every retry fall together


class Ladder(Struct, frozen=True):
    """The waits, in milliseconds."""

    soft: tuple[int, ...]
    soft_retries: int
    trouble: tuple[int, ...]
    give_up_after: int

    @classmethod
    def of(cls, delivery: DeliveryConfig, bounces: BounceHandling) -> "Ladder":
        """The ladder the configuration describes."""
        return cls(
            soft=tuple(minutes * 60_000 for minutes in bounces.soft_bounces.backoff_minutes),
            soft_retries=bounces.soft_bounces.max_retries,
            trouble=tuple(ms_of(wait) for wait in delivery.retry),
            give_up_after=ms_of(bounces.give_up_after),
        )


def after_soft(ladder: Ladder, failures: int, queued_at: int, now: int, chance: float) -> int | None:
    """When to try again after the recipient's `failures`-th soft failure; None when it is to bounce."""
    if failures > ladder.soft_retries:
        return None
    wait = ladder.soft[min(max(failures, 1), len(ladder.soft)) - 1]
    return _within(ladder, wait, queued_at, now, chance)


def after_trouble(ladder: Ladder, queued_at: int, now: int, chance: float) -> int | None:
    """When to try again after a round without a willing provider; None when it is too old."""
    return _within(ladder, _step(ladder.trouble, now - queued_at), queued_at, now, chance)


def _step(waits: tuple[int, ...], age: int) -> int:
    """The wait of the first step whose time has not come yet; a retry that was perturbed counts as on time."""
    due = 0.0
    for wait in waits:
        due += wait * (1 - 2 * JITTER)
        if age < due:
            return wait
    return waits[-1]


def _within(ladder: Ladder, wait: int, queued_at: int, now: int, chance: float) -> int | None:
    """`chance` is in [0, 1). A last try is made when the age runs out, not given away to a long step."""
    end = queued_at + ladder.give_up_after
    if now >= end:
        return None
    return min(now + int(wait * (1 + JITTER * (2 * chance - 1))), end)
