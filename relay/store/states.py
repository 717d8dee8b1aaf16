"""The states of a delivery and the only transitions between them.

A delivery is one message to one recipient. Any transition not in `ALLOWED` is a bug and
raises, so that every message accepted with 250 ends, for each recipient, as exactly one of
delivered, bounced, expired, cancelled or rejected.
"""

from typing import Literal

State = Literal[
    "queued",
    "held",
    "scheduled",
    "deferred",
    "active",
    "delivered",
    "bounced",
    "expired",
    "uncertain",
    "rejected",
    "cancelled",
]

ALLOWED: dict[str, frozenset[str]] = {
    "held": frozenset({"queued", "scheduled", "rejected", "cancelled"}),
    "queued": frozenset({"active", "cancelled", "rejected", "expired"}),
    "deferred": frozenset({"active", "cancelled", "rejected", "expired"}),
    "scheduled": frozenset({"active", "cancelled", "rejected", "expired"}),
    "active": frozenset({"delivered", "bounced", "deferred", "expired", "uncertain", "rejected"}),
    "uncertain": frozenset({"delivered", "deferred", "bounced", "expired", "cancelled"}),
    # A late DSN or provider event: the only way out of a final state.
    "delivered": frozenset({"bounced"}),
    "bounced": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
    "rejected": frozenset(),
}

FINAL = frozenset({"delivered", "bounced", "expired", "cancelled", "rejected"})
WAITING = frozenset({"queued", "deferred", "scheduled"})
OPEN = WAITING | {"active", "uncertain"}


class ImpossibleChange(Exception):
    """A delivery was to make a transition that is not allowed: a bug."""


def check_change(before: str, after: str) -> None:
    """Raise ImpossibleChange unless `after` may follow `before`."""
    if after not in ALLOWED[before]:
        raise ImpossibleChange(f"{before} cannot become {after}")
