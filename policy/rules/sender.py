"""Who sends: every sender address of the message belongs to the mailbox, and the domain is proven."""

from policy.rules.case import PASSED, SKIPPED, Case, Finding, hold, refuse, unread
from policy.state import MailboxState

# A mail system that returns a bounce through Gatepost sends it from one of these (RFC 5321 §4.5.1, RFC 3464).
_BOUNCERS = ("mailer-daemon", "postmaster")


def sender_identity(case: Case) -> Finding:
    """3: one plain From; From, Sender and MAIL FROM belong to the mailbox; no sender is disguised."""
    facts = case.facts
    if facts.identity_defects:
        defect = facts.identity_defects[0]
        evidence = {"defects": [d.code for d in facts.identity_defects]}
        return refuse("sender_not_allowed", defect.detail, "never", "fix_sender", evidence=evidence)
    for address in facts.sender_addresses:
        if not _owns(case.state.mailbox, address, as_system=case.returned and not facts.report_named):
            return _not_owned(address, case.state.mailbox)
    if not case.early and not facts.from_address:
        return refuse("sender_not_allowed", "the message has no From address", "never", "fix_sender")
    return _named(case) if facts.name_suspicions else PASSED


def domain_verified(case: Case) -> Finding:
    """4: the stored proof shows that the From domain is owned, and its mail can be signed."""
    name = case.facts.from_domain
    if not name:
        return SKIPPED  # no From: rule 3 refuses that, and at MAIL it may not be known yet
    domain = case.state.domain
    if domain is not None and domain.verified:
        # Mail is never sent unsigned, and the sender cannot fix a missing key: an operator is alerted.
        return unread(f"the DKIM key of {name}") if case.facts.unsigned else Finding("passed", {"domain": name})
    return refuse(
        "sender_domain_not_verified",
        f"publish the DNS record for {name}" if domain is None else f"publish the {domain.proof} record for {name}",
        "human",
        "verify_domain",
        evidence={"domain": name},
    )


def _named(case: Case) -> Finding:
    """The finding for a display name that may deceive: recorded, and held if the policy says so."""
    suspicions = list(case.facts.name_suspicions)
    evidence = {"display_name_suspicious": suspicions}
    if case.settings.sender_identity.suspicious_names == "flag":
        return Finding("passed", evidence)
    words = ", ".join(suspicions).replace("_", " ")
    return hold(f"the display name may mislead: {words}", "fix_sender", evidence=evidence)


def _owns(mailbox: MailboxState, address: str, *, as_system: bool) -> bool:
    if address in mailbox.addresses:
        return True
    local, _, domain = address.rpartition("@")
    # A bounce comes from the mail system of the mailbox's domain, not from a person there.
    return as_system and local in _BOUNCERS and any(a.endswith(f"@{domain}") for a in mailbox.addresses)


def _not_owned(address: str, mailbox: MailboxState) -> Finding:
    own = f", use {mailbox.addresses[0]}" if mailbox.addresses else ""
    return refuse(
        "sender_not_allowed",
        f"{address} is not an address of {mailbox.name}{own}",
        "never",
        "fix_sender",
        evidence={"address": address},
    )
