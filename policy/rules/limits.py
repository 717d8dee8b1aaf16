"""20: how much may be sent in an hour, a day, a month, by the mailbox and by its tenant.

Three bounds may hold at once: the policy's, under the rule's mode; the one a person or its
own key tightened the mailbox to, and the tenant's, which no mode of a mailbox's policy loosens.
A recipient of one message counts after those before it. A limit that queues counts what it puts off at
the time it leaves, so that every window holds the limit, those to come included.

The null sender has a small bucket of its own. What a mail system returns touches no other
(RFC 5321 §4.5.5); whatever else comes from the null sender draws from all of them.
"""

from collections.abc import Callable
from typing import Any

from policy.facts import RecipientFacts
from policy.moment import iso, seconds_until
from policy.rules.case import SKIPPED, UNLISTED, Bound, Case, Finding, hold, refuse, schedule
from policy.settings import Mode, RateLimit
from policy.state import RecipientState
from policy.usage import Window

NULL_SENDER_HOURLY = 20

_WORDS = {"hourly": "this hour", "daily": "today", "monthly": "this month"}
_WHOSE = {"tenant": " for the tenant", "mailbox": " as tightened for this mailbox", "null_sender": " from <>"}


def rate_limit(window: str) -> Callable[[Case, RecipientFacts, RecipientState | None], Finding]:
    """The judge of one window: hourly, daily or monthly."""

    def judge(case: Case, _recipient: RecipientFacts, _known: RecipientState | None) -> Finding:
        return judge_window(case, window)

    return judge


def judge_window(case: Case, window: str) -> Finding:
    """What the bounds of one window say to one more recipient."""
    bounds = case.bounds.get(window)
    if bounds is None:
        bounds = case.bounds[window] = _bounds(case, window)
    if not bounds:
        return SKIPPED if case.returned else UNLISTED
    taken = len(case.taken)
    tightest = min(bounds, key=lambda b: b.limit - b.used) if len(bounds) > 1 else bounds[0]
    if tightest.used + taken < tightest.limit:
        return Finding("passed", _evidence(case, tightest, taken), mode=tightest.mode)
    return _exceeded(case, window, [b for b in bounds if b.used + taken >= b.limit])


def _bounds(case: Case, window: str) -> tuple[Bound, ...]:
    """The limits that bind this message in one window, each with what is used up."""
    now, mailbox, tenant = case.facts.now, case.state.mailbox, case.state.tenant
    small: tuple[Bound, ...] = ()
    if case.facts.null_sender and window == "hourly":
        small = (_bound(now, NULL_SENDER_HOURLY, mailbox.usage.null_sender, "enforce", "null_sender"),)
    if case.returned:
        return small
    rule = rule_of(case, window)
    found = []
    if rule.limit is not None and rule.mode != "off":
        found.append(_bound(now, rule.limit, mailbox.usage.sent[window], rule.mode, ""))
    tightened: int | None = getattr(mailbox.tightened, window)
    if tightened is not None and not (found and rule.mode == "enforce" and tightened >= found[0].limit):
        found.append(_bound(now, tightened, mailbox.usage.sent[window], "enforce", "mailbox"))
    shared: int | None = getattr(tenant.limits, window)
    if shared is not None:
        found.append(_bound(now, shared, tenant.usage.sent[window], "enforce", "tenant"))
    return (*small, *found)  # the small bucket first: nothing is queued or held for it


def _bound(now: int, limit: int, window: Window, mode: Mode, scope: str) -> Bound:
    return Bound(limit, window, mode, scope, window.count(now))


def _exceeded(case: Case, window: str, bounds: list[Bound]) -> Finding:
    """One recipient too many. A bound that is enforced speaks before one that only watches."""
    bound = next((b for b in bounds if b.mode == "enforce"), bounds[0])
    on_exceed = rule_of(case, window).on_exceed
    if bound.scope == "null_sender" or bound.mode != "enforce" or on_exceed == "reject":
        return _rejected(case, window, bound)
    if on_exceed == "hold":
        evidence = _evidence(case, bound, len(case.taken))
        return hold(_detail(case, window, bound), "ask_human", evidence=evidence, mode="enforce")
    return _queued(case, window, [b for b in bounds if b.mode == "enforce"])


def _rejected(case: Case, window: str, bound: Bound) -> Finding:
    taken, now = len(case.taken), case.facts.now
    # The wait is that of the whole message: every recipient a limit turned away has to fit.
    needed = taken + case.denied + 1
    free = bound.window.frees_at(now, needed, bound.limit)
    if not free and case.early and bound.limit:
        free = now + (bound.window.span + 1) * bound.window.width  # those before it in the envelope leave first
    evidence = _evidence(case, bound, taken, free)
    detail = _detail(case, window, bound)
    if free:
        wait = seconds_until(free, now)
        return refuse("rate_limited", detail, "after", "wait", wait=wait, evidence=evidence, mode=bound.mode)
    if bound.limit:  # more recipients than the window ever takes
        return refuse("rate_limited", detail, "never", "reduce_recipients", evidence=evidence, mode=bound.mode)
    return refuse("rate_limited", detail, "human", "ask_human", evidence=evidence, mode=bound.mode)


def _queued(case: Case, window: str, bounds: list[Bound]) -> Finding:
    """The recipient leaves when every bound of the window has room for it."""
    due = 0
    for bound in bounds:
        if bound.plan is None:
            bound.plan = bound.window.copy()
            for at in case.taken:
                bound.plan.add(case.facts.now, 1, at)
        free = bound.plan.frees_at(case.facts.now, 1, bound.limit)
        if not free:  # a limit of 0 never frees
            return _rejected(case, window, bound)
        due = max(due, free)
    return schedule(due, _evidence(case, bounds[0], len(case.taken), due), counts=True, mode="enforce")


def _evidence(case: Case, bound: Bound, taken: int, free: int = 0) -> dict[str, Any]:
    shown: dict[str, Any] = {"current": bound.used + taken, "limit": bound.limit}
    resets = free or bound.window.eases_at(case.facts.now)
    if resets:
        shown["resets_at"] = iso(resets)
    if bound.scope:
        shown["scope"] = bound.scope
    return shown


def _detail(case: Case, window: str, bound: Bound) -> str:
    used = bound.used + len(case.taken)
    return f"{used} of {bound.limit} {_WORDS[window]}{_WHOSE.get(bound.scope, '')}"


def rule_of(case: Case, window: str) -> RateLimit:
    """The policy's rule for a window."""
    rule: RateLimit = getattr(case.settings, f"rate_limit_{window}")
    return rule
