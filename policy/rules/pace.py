"""16 to 19: how often one person is written to, and how fast new people are."""

from typing import Any

from policy.decision import Reason
from policy.facts import RecipientFacts
from policy.moment import iso, seconds_until
from policy.rules.bounds import burst_of
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, schedule, unread
from policy.rules.departure import departure, first_room, spread
from policy.state import RecipientState
from policy.usage import MINUTE, Window


def cooldown(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """16: a minimum time between two commercial messages to one person, unless the person answered."""
    rule = case.settings.cooldown
    if not case.commercial and not rule.all_mail:
        return SKIPPED
    if known is None:
        return unread("the history of the recipient")
    if case.person(recipient) in case.met:
        return _same_envelope(recipient)
    last = max(known.last_at, known.alias_at) if rule.all_mail else known.last_commercial_at
    others = [at for at in (last, *known.leaving) if at]
    if not others:
        return PASSED
    # Departure times are compared: mail that leaves tomorrow delays tomorrow's mail, not today's.
    leaves = case.facts.now if case.early else departure(case, recipient, known)
    apart = rule.minutes * MINUTE
    unanswered = [at for at in others if at >= known.replied_at]
    if near := _near(unanswered, leaves, apart):
        until = _cooled(unanswered, leaves, apart)
        return _wait(case, "cooldown", _between(case, recipient, max(near)), until, {"last": iso(max(near))})
    return Finding("skipped", {"replied_at": iso(known.replied_at)}) if _near(others, leaves, apart) else PASSED


def _same_envelope(recipient: RecipientFacts) -> Finding:
    """The refusal of a second address of a person this same message already goes to; waiting would not help."""
    detail = f"{recipient.address} is already a recipient of this message, under another spelling"
    return refuse("cooldown", detail, "never", "drop_recipient")


def _near(others: list[int], leaves: int, apart: int) -> list[int]:
    return [at for at in others if abs(leaves - at) < apart]


def _cooled(others: list[int], leaves: int, apart: int) -> int:
    """The first time from `leaves` on that is at least `apart` milliseconds away from all the others."""
    for at in sorted(others):
        if abs(leaves - at) < apart:
            leaves = at + apart
    return leaves


def _between(case: Case, recipient: RecipientFacts, other: int) -> str:
    minutes = case.settings.cooldown.minutes
    if other <= case.facts.now:
        return f"{recipient.address} was written to less than {minutes} minutes ago"
    return f"{recipient.address} gets other mail at {iso(other)}, less than {minutes} minutes from this"


def recipient_lease(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """17: no other mailbox of the tenant holds a lease on the recipient."""
    if known is None:
        return unread("the history of the recipient")
    until = known.leased_at + case.settings.recipient_lease.minutes * MINUTE
    if not known.leased_by or known.leased_by == case.facts.mailbox or until <= case.facts.now:
        return PASSED
    detail = f"{recipient.address} is reserved for another mailbox until {iso(until)}"
    return _wait(case, "lease_conflict", detail, until, {"mailbox": known.leased_by})


def first_contact_limit(case: Case, _recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """18: not too many recipients who were never written to before."""
    if known is None:
        return unread("the history of the recipient")
    if known.first_at:
        return PASSED
    rule = case.settings.first_contact_limit
    window, span = case.state.mailbox.usage.first_contacts_window(rule.days)
    what = "new recipients today" if rule.days == 1 else f"new recipients in {rule.days} days"
    return _one_more(case, "first_contact_limit", window, span, case.first_contacts, rule.limit, what)


def recipient_burst(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """19: an agent may not write to too many recipients within minutes; copies that leave later are spread out."""
    if case.state.mailbox.role == "bulk":
        return SKIPPED
    if known is None:
        return unread("the history of the recipient")
    rule, found = case.settings.recipient_burst, PASSED
    if not reached_lately(case, known):
        window, span = case.state.mailbox.usage.latest_window(rule.minutes)
        what = f"recipients in {rule.minutes} minutes"
        found = _one_more(case, "recipient_burst", window, span, case.newly_reached, rule.limit, what)
    if found.refusal is not None or case.early or rule.mode != "enforce":
        return found
    return _spread(case, recipient, known) or found


def _spread(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding | None:
    """Move a copy that leaves later out of minutes in which too many others leave; None if it need not move."""
    leaves = departure(case, recipient, known)
    if leaves <= case.facts.now:
        return None
    asked = first_room(case, recipient, known, without=spread)
    if spread(case, recipient, known, asked) == asked:
        return None
    bound = burst_of(case)
    return schedule(leaves, {"current": bound.used(asked), "limit": bound.limit})


def reached_lately(case: Case, known: RecipientState | None) -> bool:
    """Whether the recipient is already counted in the burst window."""
    if known is None:
        return False
    window, span = case.state.mailbox.usage.latest_window(case.settings.recipient_burst.minutes)
    return known.last_at // window.width >= case.facts.now // window.width - span


def _one_more(case: Case, reason: Reason, window: Window, span: int, taken: int, limit: int, what: str) -> Finding:
    """Whether one more recipient fits into the window, after `taken` earlier ones of this message."""
    now = case.facts.now
    used = window.count(now, span) + taken
    evidence = {"current": used, "limit": limit}
    if used < limit:
        return Finding("passed", evidence)
    detail = f"{used} of {limit} {what}"
    if not limit:
        return refuse(reason, detail, "human", "ask_human", evidence=evidence)
    if case.apart:  # the recipients before it leave first
        ahead = window.copy()
        ahead.add(now, taken)
        free = ahead.frees_at(now, 1, limit, span)
    else:  # the same message passes only when all recipients that this rule turned away fit as well
        free = window.frees_at(now, taken + case.denied.get(reason, 0) + 1, limit, span)
    if not free:
        return refuse(reason, detail, "never", "reduce_recipients", evidence=evidence)
    return _wait(case, reason, detail, free, evidence)


def _wait(case: Case, reason: Reason, detail: str, until: int, evidence: dict[str, Any]) -> Finding:
    wait = seconds_until(until, case.facts.now)
    return refuse(reason, detail, "after", "wait", wait=wait, evidence={**evidence, "resets_at": iso(until)})
