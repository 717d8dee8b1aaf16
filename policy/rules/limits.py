"""20: how much may be sent per hour, day and month, by the mailbox and by its tenant.

A copy counts at the time it leaves, whether now or later for any reason, and it needs room in every
window that contains that time. So mail accepted at different times cannot exceed a limit by leaving
together, and what leaves tomorrow uses up nothing of today. Recipients of one message count in turn.

The null sender has a small bucket of its own. What a mail system returns counts only there
(RFC 5321 §4.5.5); all other mail from the null sender also counts against the other limits.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from policy.facts import RecipientFacts
from policy.moment import iso, seconds_until
from policy.rules.bounds import NULL_SENDER, bounds_of, delaying, enforced, rule_of
from policy.rules.case import SKIPPED, UNLISTED, Bound, Case, Finding, hold, refuse, schedule
from policy.rules.departure import asked, departure, earliest, first_room
from policy.state import RecipientState

_WORDS = {"hourly": "this hour", "daily": "today", "monthly": "this month"}
_TO_COME = {"hourly": "in the hour", "daily": "in the day", "monthly": "in the month"}
_WHOSE = {"tenant": " for the tenant", "mailbox": " as tightened for this mailbox", NULL_SENDER: " from <>"}


def rate_limit(window: str) -> Callable[[Case, RecipientFacts, RecipientState | None], Finding]:
    """The rule for one window: hourly, daily or monthly."""

    def judge(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
        bounds = bounds_of(case, window)
        if not bounds:
            return SKIPPED if case.returned else UNLISTED
        leaves = departure(case, recipient, known)
        full = [b for b in bounds if b.used(leaves) >= b.limit]
        if full:
            return _exceeded(_Full(case, recipient, known, window, leaves), full)
        if case.delays and (put_off := _put_off(case, window)) is not None:
            return put_off
        tightest = min(bounds, key=lambda b: b.limit - b.used(leaves)) if len(bounds) > 1 else bounds[0]
        return Finding("passed", _evidence(case, tightest, leaves), mode=tightest.mode)

    return judge


def _put_off(case: Case, window: str) -> Finding | None:
    """The finding of a delaying limit for a copy that cannot leave when asked; None if it can."""
    at = asked(case)
    late = [b for b in delaying(case) if b in case.bounds[window] and b.room_at(at) != at]
    if not late:
        return None
    evidence = _evidence(case, late[0], at, max([b.room_at(at) for b in late]))
    if rule_of(case, window).on_exceed == "queue":
        return schedule(earliest(case), evidence, mode="enforce")
    detail = _detail(case, late[0], window, at)
    return hold(detail, "ask_human", due=earliest(case), evidence=evidence, mode="enforce")


class _Full(NamedTuple):
    """A recipient for whom a window has no room."""

    case: Case
    recipient: RecipientFacts
    known: RecipientState | None
    window: str
    leaves: int


def _exceeded(where: _Full, full: list[Bound]) -> Finding:
    """The finding of one full limit: the null sender's first, then an enforced one, then the smallest."""
    bound = min(full, key=lambda b: (b.scope != NULL_SENDER, b.mode != "enforce", b.limit))
    case, now = where.case, where.case.facts.now
    binding, before = [bound, *_refusing(case)], len(case.taken) + case.denied.get("rate_limited", 0)
    least, spent = min(b.limit for b in binding), [b for b in binding if b.limit <= before]
    free = 0 if spent else _free(where, binding, before)
    if spent and case.apart and least:  # earlier recipients in the envelope leave first
        free = now + max((b.window.span + 1) * b.window.width for b in spent)
    evidence = _evidence(case, bound, where.leaves, free)
    detail = _detail(case, bound, where.window, where.leaves, free)
    if free:
        wait = seconds_until(free, now)
        return refuse("rate_limited", detail, "after", "wait", wait=wait, evidence=evidence, mode=bound.mode)
    if least:  # more recipients than ever fit in the window
        return refuse("rate_limited", detail, "never", "reduce_recipients", evidence=evidence, mode=bound.mode)
    return refuse("rate_limited", detail, "human", "ask_human", evidence=evidence, mode=bound.mode)


def _refusing(case: Case) -> list[Bound]:
    """All limits, of any window, that may refuse the message."""
    return [bound for bound in enforced(case) if bound not in delaying(case)]  # a limit of 0 delays nothing


def _free(where: _Full, binding: list[Bound], before: int) -> int:
    """When the same message would pass: all recipients turned away so far must fit under all limits."""
    case = where.case
    if binding[0].scope == NULL_SENDER:
        return binding[0].window.room_at(case.facts.now, binding[0].limit - before)

    def room(_case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
        for bound in binding:
            at = bound.window.room_at(at, bound.limit - before)
        return at

    return first_room(case, where.recipient, where.known, besides=room)


def _evidence(case: Case, bound: Bound, at: int, free: int = 0) -> dict[str, Any]:
    shown: dict[str, Any] = {"current": bound.used(at), "limit": bound.limit}
    if at > case.facts.now and bound.scope != NULL_SENDER:
        shown["leaves_at"] = iso(at)
    if resets := free or bound.window.eases_at(at):
        shown["resets_at"] = iso(resets)
    if bound.scope:
        shown["scope"] = bound.scope
    return shown


def _detail(case: Case, bound: Bound, window: str, at: int, free: int = 0) -> str:
    used, whose = f"{bound.used(at)} of {bound.limit}", _WHOSE.get(bound.scope, "")
    if at <= case.facts.now or bound.scope == NULL_SENDER:
        return f"{used} {_WORDS[window]}{whose}"
    room = f", room from {iso(free)}" if free else ""
    return f"{used} {_TO_COME[window]} of {iso(at)}{whose}{room}"
