"""The policy's answer: checks, a verdict for each recipient, and one decision for the message.

A decision holds no reply codes and no clock. SMTP says 550 5.7.1 where HTTP says
`status: "blocked"`, both from this same value, and running the policy twice on the same
input gives the same bytes. A fact that could not be read becomes a check with status
`error` and a temporary refusal, never a pass.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct, field

CheckStatus = Literal["passed", "failed", "warned", "shadowed", "skipped", "error"]
Outcome = Literal["queued", "scheduled", "held", "refused", "replayed"]
Verdict = Literal["approved", "held", "blocked", "deferred"]
# The verdicts after which nothing is stored to send.
REFUSED: tuple[Verdict, ...] = ("blocked", "deferred")
Retry = Literal["never", "human", "after"]
Next = Literal[
    "drop_recipient",
    "wait",
    "get_consent",
    "verify_domain",
    "fix_sender",
    "reduce_recipients",
    "ask_human",
    "change_content",
    "none",
]

# Stable codes: clients act on them.
Reason = Literal[
    "held",
    "unavailable",
    "credential_revoked",
    "permission_missing",
    "too_many_refusals",
    "tenant_paused",
    "mailbox_paused",
    "reputation_paused",
    "negative_signal_budget",
    "sender_not_allowed",
    "sender_domain_not_verified",
    "malformed_message",
    "mail_loop",
    "message_too_large",
    "too_many_recipients",
    "recipient_invalid",
    "recipient_not_allowed",
    "recipient_refused",
    "other_recipient",
    "suppressed",
    "unsubscribed",
    "no_consent",
    "duplicate",
    "loop_detected",
    "cooldown",
    "lease_conflict",
    "first_contact_limit",
    "recipient_burst",
    "rate_limited",
    "warmup_limit",
    "send_window",
    "class_not_allowed",
    "cannot_inject_footer",
    "physical_address_missing",
    "poor_content",
    "canary_violation",
    "secret_leak",
    "rejected",
    "approval_timeout",
    "withdrawn",
]

EMPTY: Mapping[str, Any] = {}

_HOUR, _DAY = 3_600, 86_400  # seconds
_OF_WINDOWS: frozenset[Reason] = frozenset(
    {"rate_limited", "recipient_burst", "first_contact_limit", "negative_signal_budget"}
)


class Refusal(Struct, frozen=True):
    """Why something may not be sent, and what the sender can do about it.

    `retry` is "never", "human" or "after"; `wait`, in whole seconds, counts only with "after".
    `reason` is the policy's stable code; `detail` is a clause for people, ASCII without `;`.
    `cause` distinguishes cases of one reason that have different protocol codes: "no_domain",
    "null_mx" and "never_receives" of `recipient_invalid`. In a refusal that stands for several
    recipients it is the reason of the longest wait. The reason `unavailable` means that a fact
    could not be read. A non-empty `pauses` also pauses the mailbox, for that cause, if the rule
    is enforced; it never contains an address.
    """

    reason: Reason
    detail: str
    retry: Retry
    next: Next
    wait: int = 0
    cause: str = ""
    pauses: str = ""

    def is_temporary(self, longest: int) -> bool:
        """Whether the same message passes later without anybody acting, at most `longest` seconds from now.

        A fact that could not be read is always temporary, however short `longest` is. A daily window
        counts whole hours, so its limit is free again only after 24 to 25 hours: where a wait of a day
        is temporary, so is that extra hour.
        """
        causes = {self.reason, self.cause}
        if longest >= _DAY and not causes.isdisjoint(_OF_WINDOWS):
            longest += _HOUR
        return "unavailable" in causes or (self.retry == "after" and 0 < self.wait <= longest)


class Check(Struct, frozen=True):
    """What one rule found, about the message or about one recipient.

    `refusal` is set when the rule's condition was met, whatever the rule's mode.
    A check never changes after the rule made it.
    """

    rule: str
    status: CheckStatus
    recipient: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None

    def as_json(self) -> dict[str, Any]:
        """The check as shown in the trace: rule, status, then the evidence."""
        shown: dict[str, Any] = {"rule": self.rule, "status": self.status}
        if self.recipient:
            shown["recipient"] = self.recipient
        if self.evidence:
            shown.update(self.evidence)
        if self.refusal is not None:
            shown["reason"] = self.refusal.reason
            shown["detail"] = self.refusal.detail
        return shown


def failed(rule: str, refusal: Refusal) -> Check:
    """The check of a rule that failed before the engine was asked."""
    return Check(rule, "failed", refusal=refusal)


class RecipientVerdict(Struct, frozen=True):
    """What happens to the message for one recipient.

    queued      may leave now
    scheduled   may leave at `due` (milliseconds since the epoch)
    held        waits for a person
    refused     may not be sent; `refusal` says why
    replayed    was accepted before with the send id `first_send`; nothing is sent again

    `rule` is the rule that caused the outcome, empty if none did. A held message with a `due` does not leave
    before that time, even when approved.
    """

    recipient: str
    outcome: Outcome
    rule: str = ""
    refusal: Refusal | None = None
    due: int = 0
    first_send: str = ""


class Decision(Struct, frozen=True):
    """The policy's answer to one submission.

    `rule` and `refusal` are those of the first enforced failure in rule order; if recipients failed
    differently, those of the first permanent failure. A held decision has the reason `held`; an approved
    one has no refusal even if some recipients were refused (`deliver_passing`). `alerts` names rules
    whose failure a person should hear about even when nothing is refused.
    """

    decision: Verdict
    verdicts: tuple[RecipientVerdict, ...]
    checks: tuple[Check, ...]
    rule: str = ""
    refusal: Refusal | None = None
    message_class: str = ""
    alerts: tuple[str, ...] = ()

    @classmethod
    def at_the_door(cls, unmet: Check, recipients: Iterable[str], longest: int, *, whole: bool = False) -> "Decision":
        """A refusal before the message was received, about the recipient if one was named.

        A wait of more than `longest` seconds blocks instead of deferring. `whole` marks a refusal of all recipients
        together.
        """
        why = unmet.refusal
        assert why is not None
        verdicts = tuple(RecipientVerdict(r, "refused", unmet.rule, why) for r in recipients)
        # One recipient too many has no wait: it may be sent in another transaction at once.
        for_now = why.is_temporary(longest) or (why.retry == "after" and not why.wait and not whole)
        return cls("deferred" if for_now else "blocked", verdicts, (unmet,), unmet.rule, why)

    @property
    def reason(self) -> str:
        """The stable code of the first enforced failure, or the empty string."""
        return self.refusal.reason if self.refusal else ""

    @property
    def pauses(self) -> str:
        """The cause for which an enforced rule wants the mailbox paused, or the empty string."""
        met = [check.refusal for check in self.checks if check.refusal and check.status == "failed"]
        return next((refusal.pauses for refusal in met if refusal.pauses), "")

    def accepted(self) -> tuple[RecipientVerdict, ...]:
        """The recipients for whom the message is accepted: only they consume quota."""
        return tuple([v for v in self.verdicts if v.outcome in ("queued", "scheduled", "held")])
