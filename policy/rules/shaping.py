"""21, 22 and 25: rules that delay mail instead of refusing it."""

from typing import Any

from policy.facts import RecipientFacts
from policy.moment import iso, seconds_until
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, schedule, unread
from policy.rules.departure import (
    day_with_room,
    departure,
    earliest,
    first_room,
    hours,
    opened,
    sent_on,
    throttle_limit,
    throttled,
    warmed,
    warmup_limit,
)
from policy.state import RecipientState
from policy.usage import DAY


def recipient_domain_throttle(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """21: a recipient domain gets a limited number of copies per hour; the rest follows at that pace."""
    if known is None:
        return unread("the history of the recipient")
    now, window, limit = case.facts.now, case.throttle(recipient.domain), throttle_limit(case, recipient)
    evidence: dict[str, Any] = {"current": window.count(now), "limit": limit, "domain": recipient.domain}
    leaves, asked = departure(case, recipient, known), earliest(case)
    due = throttled(case, recipient, known, asked)
    if due == asked:
        return Finding("passed", evidence)
    return schedule(leaves if case.settings.recipient_domain_throttle.mode == "enforce" else due, evidence)


def warmup(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """22: a new sending domain starts with little mail a day, and more with each step of the ramp."""
    domain, now = case.state.domain, case.facts.now
    if domain is None:
        return SKIPPED  # rule 4 refuses it
    leaves = departure(case, recipient, known)
    asked = earliest(case) if case.commercial else leaves
    day = asked // DAY
    limit = warmup_limit(case, domain, day)
    if limit is None:
        return PASSED
    sent = sent_on(case, domain, day)
    evidence: dict[str, Any] = {"current": sent, "limit": limit}
    if sent < limit:
        return Finding("passed", evidence)
    if case.commercial:
        is_enforced = case.settings.warmup.mode == "enforce"
        return schedule(leaves if is_enforced else warmed(case, recipient, known, asked), evidence)
    # The same message passes on the first day with room for all recipients this rule has let pass or turned away.
    copies = len(case.taken) + case.denied.get("warmup_limit", 0) + 1
    again = day_with_room(case, domain, day + 1, copies) * DAY
    detail = f"{sent} of {limit} {'today' if day == now // DAY else 'that day'} while {domain.name} warms up"
    wait = seconds_until(again, now)
    evidence["resets_at"] = iso(again)
    return refuse("warmup_limit", detail, "after", "wait", wait=wait, evidence=evidence)


def send_window(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """25: commercial mail leaves only during the hours the operator allows."""
    if not case.commercial:
        return SKIPPED
    found = hours(case, first_room(case, recipient, known, without=opened))
    if not found.due or case.settings.send_window.mode != "enforce":
        return found
    return schedule(departure(case, recipient, known), found.evidence)
