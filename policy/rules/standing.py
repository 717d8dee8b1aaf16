"""Whether tenant and mailbox may send at all: the kill switch, and pauses by a person, a key, the policy or reputation.

A pause lasts until a person lifts it, so clients get a permanent refusal unless the operator
chose otherwise: with `pause_reply` 451 clients keep their mail and retry, with hold it is accepted
and waits. Mail accepted before the pause leaves when it is lifted, whatever clients are told.
"""

from typing import Any

from policy.decision import Reason
from policy.moment import seconds_until
from policy.reputation import assess
from policy.rules.case import PASSED, Case, Finding, hold, refuse, unread

PAUSE_RETRY = 3600  # seconds until a client retries, at most, if pauses are reported as temporary

_PAUSED_BY = {
    "person": "by a person",
    "key": "by its own key",
    "policy": "by the policy",
    "reputation": "for its reputation",
}


def tenant_active(case: Case) -> Finding:
    """1: the tenant is not paused."""
    tenant = case.state.tenant
    if tenant.status == "active":
        return PASSED
    return paused(case, "tenant_paused", f"the tenant is {tenant.status}", tenant.cause)


def mailbox_active(case: Case) -> Finding:
    """2: the mailbox is not paused, by anybody."""
    mailbox = case.state.mailbox
    if mailbox.status == "active":
        return PASSED
    by = _PAUSED_BY.get(mailbox.paused_by, "")
    return paused(case, "mailbox_paused", f"{mailbox.name} is {mailbox.status} {by}".rstrip(), mailbox.cause)


def negative_signal_budget(case: Case) -> Finding:
    """23: not too many bounces and complaints came back recently."""
    rule = case.settings.negative_signal_budget
    window, span = case.state.mailbox.usage.negative_window(rule.hours)
    now = case.facts.now
    signals = window.count(now, span)
    evidence = {"current": signals, "limit": rule.limit}
    if signals < rule.limit:
        return Finding("passed", evidence)
    free = window.frees_at(now, 1, rule.limit, span)
    return refuse(
        "negative_signal_budget",
        f"{signals} bounces and complaints in {rule.hours} hours, {rule.limit} allowed",
        "after",
        "wait",
        wait=seconds_until(free, now),
        evidence=evidence,
    )


def reputation(case: Case) -> Finding:
    """24: no rate is above its pause threshold with enough volume to be certain."""
    if case.state.rates is None:
        return unread("reputation")
    standing = assess(case.state.rates, case.settings.reputation)
    evidence: dict[str, Any] = {"standing": standing.status}
    if standing.warnings:
        evidence["warnings"] = list(standing.warnings)
    if standing.status != "pause":
        return Finding("passed", evidence)
    return paused(case, "reputation_paused", standing.cause, "", evidence)


def paused(case: Case, reason: Reason, what: str, cause: str, evidence: dict[str, Any] | None = None) -> Finding:
    """The finding for a pause, as the operator chose: refused until a person acts, refused temporarily, or held.

    At departure `pause_reply` does not matter: there is no client to tell, and the message waits.
    """
    detail = f"{what}, {cause}" if cause else what
    shown = evidence or {}
    match "550" if case.departing else case.settings.options.pause_reply:
        case "hold":
            return hold(detail, "ask_human", evidence=shown)
        case "451":
            wait = min(PAUSE_RETRY, case.settings.options.longest)
            return refuse(reason, detail, "after", "ask_human", wait=wait, evidence=shown)
        case _:
            return refuse(reason, detail, "human", "ask_human", evidence=shown)
