"""20: how much may be sent in an hour, a day, a month, by the mailbox and by its tenant.

A copy counts where it leaves: now, or later for whatever reason, and it needs room in every window
that holds that time. So no limit is passed by mail that leaves together and was accepted apart, and
what leaves tomorrow takes nothing from today. A recipient of one message counts after those before it.

The null sender has a small bucket of its own. What a mail system returns touches no other
(RFC 5321 §4.5.5); whatever else comes from the null sender draws from all of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from policy.facts import RecipientFacts
from policy.moment import iso, seconds_until
from policy.rules.bounds import NULL_SENDER, bounds_of, enforced, queueing, rule_of
from policy.rules.case import SKIPPED, UNLISTED, Bound, Case, Finding, hold, refuse, schedule
from policy.rules.departure import asked, departure, earliest, first_room
from policy.state import RecipientState
from policy.usage import WINDOWS

_WORDS = {"hourly": "this hour", "daily": "today", "monthly": "this month"}
_TO_COME = {"hourly": "in the hour", "daily": "in the day", "monthly": "in the month"}
_WHOSE = {"tenant": " for the tenant", "mailbox": " as tightened for this mailbox", NULL_SENDER: " from <>"}


def rate_limit(window: str) -> Callable[[Case, RecipientFacts, RecipientState | None], Finding]:
    """The judge of one window: hourly, daily or monthly."""

    def judge(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
        bounds = bounds_of(case, window)
        if not bounds:
            return SKIPPED if case.returned else UNLISTED
        leaves = departure(case, recipient, known)
        full = [b for b in bounds if b.used(leaves) >= b.limit]
        if full:
            return _exceeded(_Full(case, recipient, known, window, leaves), full)
        if case.queues and (put_off := _put_off(case, window)) is not None:
            return put_off
        tightest = min(bounds, key=lambda b: b.limit - b.used(leaves)) if len(bounds) > 1 else bounds[0]
        return Finding("passed", _evidence(case, tightest, leaves), mode=tightest.mode)

    return judge


def _put_off(case: Case, window: str) -> Finding | None:
    """What a limit that queues says of a copy that cannot leave when it was to; None where it can."""
    at = asked(case)
    late = [b for b in queueing(case) if b in case.bounds[window] and b.room_at(at) != at]
    if not late:
        return None
    evidence = _evidence(case, late[0], at, max([b.room_at(at) for b in late]))
    return schedule(earliest(case), evidence, mode="enforce")


class _Full(NamedTuple):
    """One recipient too many in a window."""

    case: Case
    recipient: RecipientFacts
    known: RecipientState | None
    window: str
    leaves: int


def _exceeded(where: _Full, full: list[Bound]) -> Finding:
    """A bound that is enforced speaks before one that only watches, and the smallest of them first."""
    case = where.case
    bound = min(full, key=lambda b: (b.scope != NULL_SENDER, b.mode != "enforce", b.limit))
    held = rule_of(case, where.window).on_exceed == "hold"
    if not held or bound.scope == NULL_SENDER or bound.mode != "enforce":
        return _rejected(where, bound)
    evidence = _evidence(case, bound, where.leaves)
    return hold(_detail(where, bound), "ask_human", evidence=evidence, mode="enforce")


def _rejected(where: _Full, bound: Bound) -> Finding:
    case, now = where.case, where.case.facts.now
    binding, before = [bound, *_refusing(case)], len(case.taken) + case.denied.get("rate_limited", 0)
    least, spent = min(b.limit for b in binding), [b for b in binding if b.limit <= before]
    free = 0 if spent else _free(where, binding, before)
    if spent and case.early and least:  # those before it in the envelope leave first
        free = now + max((b.window.span + 1) * b.window.width for b in spent)
    evidence, detail = _evidence(case, bound, where.leaves, free), _detail(where, bound, free)
    if free:
        wait = seconds_until(free, now)
        return refuse("rate_limited", detail, "after", "wait", wait=wait, evidence=evidence, mode=bound.mode)
    if least:  # more recipients than the window ever takes
        return refuse("rate_limited", detail, "never", "reduce_recipients", evidence=evidence, mode=bound.mode)
    return refuse("rate_limited", detail, "human", "ask_human", evidence=evidence, mode=bound.mode)


def _refusing(case: Case) -> list[Bound]:
    """Every limit that may turn the message away, in whatever window."""
    bounds = enforced(case, [window for window in WINDOWS if rule_of(case, window).on_exceed != "hold"])
    return [bound for bound in bounds if bound not in queueing(case)]  # one of 0 refuses where others queue


def _free(where: _Full, binding: list[Bound], before: int) -> int:
    """When the same message passes: every recipient a limit turned away has to fit under all of them."""
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


def _detail(where: _Full, bound: Bound, free: int = 0) -> str:
    at, window, whose = where.leaves, where.window, _WHOSE.get(bound.scope, "")
    used = f"{bound.used(at)} of {bound.limit}"
    if at <= where.case.facts.now or bound.scope == NULL_SENDER:
        return f"{used} {_WORDS[window]}{whose}"
    room = f", room from {iso(free)}" if free else ""
    return f"{used} {_TO_COME[window]} of {iso(at)}{whose}{room}"
