"""26: what a mailbox may send without a person. It comes last, so that refused mail reaches no approver."""

from policy.facts import RecipientFacts
from policy.rules.case import PASSED, SKIPPED, Case, Finding, hold, unread
from policy.state import RecipientState


def autonomy_level(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """External mail is held as the mailbox's level requires; mail to internal domains is exempt."""
    mailbox = case.state.mailbox
    level = mailbox.level
    evidence = {"level": level}
    if recipient.internal:
        return SKIPPED
    match level:
        case "auto_send":
            return PASSED
        case "first_contact":
            if known is None:
                return unread("the history of the recipient")
            if known.delivered_at:
                return Finding("passed", evidence)
            return hold(f"first contact with {recipient.address}", "ask_human", evidence=evidence)
        case _:  # human_approved, and any unknown level
            return hold(f"mail from {mailbox.name} needs approval", "ask_human", evidence=evidence)
