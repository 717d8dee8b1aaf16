"""What the message says: its class, what its class requires, and what must never leave."""

from typing import Any

from policy.flaws import told
from policy.rules.case import PASSED, SKIPPED, Case, Finding, hold, refuse


def content_classification(case: Case) -> Finding:
    """7: the class and the features behind it; fails only if the mailbox may not send this class."""
    facts = case.facts
    evidence: dict[str, Any] = {"type": facts.message_class, "score": facts.score, "features": list(facts.features)}
    if facts.in_doubt:
        evidence["in_doubt"] = True
    if facts.claim:
        evidence["claim"] = facts.claim
    allowed = case.state.mailbox.classes
    if facts.message_class in allowed:
        return Finding("passed", evidence)
    detail = f"{case.state.mailbox.name} may send {' and '.join(allowed) or 'no'} mail, this is {facts.message_class}"
    return refuse("class_not_allowed", detail, "human", "ask_human", evidence=evidence)


def compliance_content(case: Case) -> Finding:
    """8: commercial mail can carry the postal address and the unsubscribe link that the law requires."""
    if not case.commercial:
        return SKIPPED
    facts = case.facts
    if facts.cannot_inject:
        detail = f"unsubscribe link and postal address cannot be added: {facts.cannot_inject}"
        return refuse("cannot_inject_footer", detail, "human", "change_content")
    domain = case.state.domain
    if domain is not None and domain.physical_address:
        return PASSED
    name = facts.from_domain or "the sending domain"
    # Only a person can set the address. Advising to change the content would invite the agent to disguise the class.
    if facts.in_doubt:
        return hold(f"may be commercial and {name} has no postal address", "ask_human")
    return refuse("physical_address_missing", f"no postal address is set for {name}", "human", "ask_human")


def content_quality(case: Case) -> Finding:
    """Nothing that readers and spam filters hold against the message."""
    counted = [flaw for flaw in case.facts.flaws if flaw["kind"] not in case.settings.content_quality.ignore]
    if not counted:
        return PASSED
    first = told(**counted[0])
    detail = f"{first} (and {len(counted) - 1} more)" if len(counted) > 1 else first
    return refuse("poor_content", detail, "never", "change_content", evidence={"flaws": counted})


def content_safety(case: Case) -> Finding:
    """9: no credential and no planted canary; the evidence arrives here already redacted."""
    secrets, canaries = case.facts.secrets, case.facts.canaries
    if not secrets and not canaries:
        return PASSED
    evidence: dict[str, Any] = {}
    if secrets:
        evidence["secrets"] = list(secrets)
    if canaries:
        evidence["canaries"] = len(canaries)
    if not secrets:
        return refuse(
            "canary_violation", "the message contains a planted token", "human", "change_content", evidence=evidence
        )
    first = secrets[0]
    detail = f"{str(first.get('kind', 'a secret')).replace('_', ' ')} in {first.get('where', 'the message')}"
    return refuse("secret_leak", detail, "human", "change_content", evidence=evidence)
