"""Whether the message is well formed, read the same way by every mail program, and not sent to too many."""

from policy.decision import Reason
from policy.facts import Defect
from policy.rule import Mode
from policy.rules.case import PASSED, Case, Finding, hold, refuse

MAIL_LOOP = "mail_loop"  # the defect code for too many Received fields, or for our own trace id seen again
NULL_SENDER_RECIPIENTS = 1  # a bounce goes to the sender alone (RFC 5321 §4.5.5)


def message_form(case: Case) -> Finding:
    """5: nothing in the message that a later parser could fail on."""
    defects = case.facts.form_defects
    if not defects:
        return PASSED
    looping = next((d for d in defects if d.code == MAIL_LOOP), None)
    reason: Reason = "mail_loop" if looping else "malformed_message"
    defect = looping or defects[0]
    where = f" at line {defect.line}" if defect.line else ""
    return refuse(reason, defect.detail + where, "never", "change_content", evidence=_evidence(defects))


def message_ambiguous(case: Case) -> Finding:
    """5b: every mail program would show the same; if not, a person decides."""
    ambiguities = case.facts.ambiguities
    if not ambiguities:
        return PASSED
    return hold(
        f"mail programs may read it differently: {ambiguities[0].detail}",
        "change_content",
        evidence=_evidence(ambiguities),
    )


def recipients_per_message(case: Case) -> Finding:
    """6: no more recipients than allowed."""
    count = len(case.facts.recipients)
    limit = recipients_limit(case)
    mode: Mode | None = "enforce" if case.facts.null_sender else None
    evidence = {"current": count, "limit": limit}
    if count <= limit:
        return Finding("passed", evidence, mode=mode)
    detail = f"{count} recipients, {limit} allowed in one message"
    return refuse("too_many_recipients", detail, "after", "reduce_recipients", evidence=evidence, mode=mode)


def recipients_limit(case: Case) -> int:
    """How many recipients this message may have."""
    return NULL_SENDER_RECIPIENTS if case.facts.null_sender else case.settings.recipients_per_message.limit


def _evidence(defects: tuple[Defect, ...]) -> dict[str, list[str]]:
    return {"defects": [f"{d.code}:{d.line}" if d.line else d.code for d in defects]}
