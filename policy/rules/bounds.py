"""Which limits bind a message per hour, day and month, and how much of each is used up.

Three may apply at once: the policy's limit, under the mode of its rule; the limit to which a
person or the mailbox's own key tightened the mailbox; and the tenant's. No mode in a mailbox's
policy loosens the last two. The null sender also has a small limit (bucket) of its own.
"""

from collections.abc import Sequence

from policy.memo import Memo
from policy.rules.case import Bound, Case
from policy.settings import PolicySettings, RateLimit
from policy.usage import WINDOWS

NULL_SENDER = "null_sender"  # scope of the small bucket, which counts when mail is accepted, not when it leaves
NULL_SENDER_HOURLY = 20


def bounds_of(case: Case, window: str) -> tuple[Bound, ...]:
    """The limits that apply to this message in one window."""
    bounds = case.bounds.get(window)
    if bounds is None:
        bounds = case.bounds[window] = _bounds(case, window)
        _begin(case, bounds)
    return bounds


def _begin(case: Case, bounds: tuple[Bound, ...]) -> None:
    for at in case.taken:
        for bound in bounds:
            bound.take(case.facts.now, at)


def _bounds(case: Case, window: str) -> tuple[Bound, ...]:
    mailbox, tenant = case.state.mailbox, case.state.tenant
    small: tuple[Bound, ...] = ()
    if case.facts.null_sender and window == "hourly":
        small = (Bound(NULL_SENDER_HOURLY, mailbox.usage.null_sender, "enforce", NULL_SENDER, case.facts.now),)
    if case.returned:
        return small
    rule = rule_of(case, window)
    found = []
    if rule.limit is not None and rule.mode != "off":
        found.append(Bound(rule.limit, mailbox.usage.sent[window], rule.mode, ""))
    tightened: int | None = getattr(mailbox.tightened, window)
    if tightened is not None and not (found and rule.mode == "enforce" and tightened >= found[0].limit):
        found.append(Bound(tightened, mailbox.usage.sent[window], "enforce", "mailbox"))
    shared: int | None = getattr(tenant.limits, window)
    if shared is not None:
        found.append(Bound(shared, tenant.usage.sent[window], "enforce", "tenant"))
    return (*small, *found)  # the small bucket first: it refuses, and never queues or holds


def delaying(case: Case) -> tuple[Bound, ...]:
    """The limits that delay a copy until there is room for it; never a limit of 0, which has no room.

    One over which a person is asked delays it, too, so that no approval exceeds it. At departure all enforced limits
    do so: an accepted message waits for each of them.
    """
    if case.delays is None:
        windows = WINDOWS if case.departing else _delaying(case.settings)
        case.delays = tuple([bound for bound in enforced(case, windows) if bound.limit])
    return case.delays


def _windows_that_delay(settings: PolicySettings) -> tuple[str, ...]:
    return tuple([w for w in WINDOWS if getattr(settings, f"rate_limit_{w}").on_exceed != "reject"])


_delaying = Memo(_windows_that_delay)


def enforced(case: Case, windows: Sequence[str] = WINDOWS) -> list[Bound]:
    """The enforced limits, without the small bucket of the null sender."""
    bounds = [bound for window in windows for bound in bounds_of(case, window)]
    return [bound for bound in bounds if bound.mode == "enforce" and bound.scope != NULL_SENDER]


def limited(case: Case, at: int) -> int:
    """The first time from `at` on when all limits that delay have room for one more copy."""
    if not (bounds := delaying(case)):
        return at
    before = -1
    while at != before:
        before = at
        for bound in bounds:
            at = bound.room_at(at)
    return at


def burst_of(case: Case) -> Bound:
    """The limit of `recipient_burst` on the copies that leave within its minutes, to whichever recipients."""
    if "burst" not in case.bounds:
        rule = case.settings.recipient_burst
        window, span = case.state.mailbox.usage.leaving_window(rule.minutes)
        case.bounds["burst"] = (Bound(rule.limit, window, "enforce", "", span=span),)
        _begin(case, case.bounds["burst"])
    return case.bounds["burst"][0]


def rule_of(case: Case, window: str) -> RateLimit:
    """The policy's rule for a window."""
    rule: RateLimit = getattr(case.settings, f"rate_limit_{window}")
    return rule
