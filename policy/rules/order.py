"""The rules in the order in which they are asked. A new rule is one line here.

`stage` says when a rule about a recipient is asked: "address" before it is known whether the
message is a repeat, "repeat" for the rule that finds out, "rest" only if it is not a repeat.
A rule about the message with stage "rest" is asked unless every recipient is a repeat.
`early` names the SMTP command at which the rule can already be answered, before the content.
Rules marked `always` are asked even if their mode is off, because a mailbox's policy cannot
switch off all of them. `returns` says whether the rule applies to what a mail system returns
from the null sender (`Facts.is_return`).
"""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from policy.rule import Mode
from policy.rules import (
    autonomy,
    content,
    form,
    limits,
    pace,
    permission,
    recipient,
    sameness,
    sender,
    shaping,
    standing,
)
from policy.rules.case import MessageJudge, RecipientJudge
from policy.settings import PolicySettings

Stage = Literal["address", "repeat", "rest"]


class MessageRule(Struct, frozen=True):
    """A rule asked once per message."""

    name: str
    judge: MessageJudge
    stage: Stage = "address"
    early: Literal["", "mail"] = ""
    returns: bool = True
    always: bool = False
    mode: Callable[[PolicySettings], Mode] | None = None


class RecipientRule(Struct, frozen=True):
    """A rule asked once per recipient."""

    name: str
    judge: RecipientJudge
    stage: Stage = "rest"
    early: Literal["", "rcpt"] = ""
    returns: bool = True
    always: bool = False


def _fan_out_mode(settings: PolicySettings) -> Mode:
    rule = settings.loop_detection
    return "off" if rule.mode == "off" else rule.fan_out.mode


RULES: tuple[MessageRule | RecipientRule, ...] = (
    MessageRule("tenant_active", standing.tenant_active, early="mail"),
    MessageRule("mailbox_active", standing.mailbox_active, early="mail"),
    MessageRule("sender_identity", sender.sender_identity, early="mail"),
    MessageRule("domain_verified", sender.domain_verified, early="mail"),
    MessageRule("message_form", form.message_form),
    MessageRule("message_ambiguous", form.message_ambiguous),
    MessageRule("recipients_per_message", form.recipients_per_message, always=True),
    MessageRule("content_classification", content.content_classification),
    MessageRule("compliance_content", content.compliance_content),
    MessageRule("content_safety", content.content_safety),
    MessageRule("content_quality", content.content_quality, returns=False),
    RecipientRule("recipient_valid", recipient.recipient_valid, "address", early="rcpt"),
    RecipientRule("recipient_allowed", recipient.recipient_allowed, "address", early="rcpt"),
    RecipientRule("suppression_check", permission.suppression_check, early="rcpt"),
    RecipientRule("consent_validation", permission.consent_validation),
    RecipientRule("duplicate", sameness.duplicate, "repeat", returns=False),
    RecipientRule("loop_detection", sameness.loop_detection, returns=False),
    MessageRule("loop_detection", sameness.fan_out, "rest", returns=False, mode=_fan_out_mode),
    RecipientRule("cooldown", pace.cooldown, early="rcpt", returns=False),
    RecipientRule("recipient_lease", pace.recipient_lease, early="rcpt", returns=False),
    RecipientRule("first_contact_limit", pace.first_contact_limit, early="rcpt", returns=False),
    RecipientRule("recipient_burst", pace.recipient_burst, early="rcpt", returns=False),
    RecipientRule("rate_limit_hourly", limits.rate_limit("hourly"), early="rcpt", always=True),
    RecipientRule("rate_limit_daily", limits.rate_limit("daily"), early="rcpt", always=True),
    RecipientRule("rate_limit_monthly", limits.rate_limit("monthly"), early="rcpt", always=True),
    RecipientRule("recipient_domain_throttle", shaping.recipient_domain_throttle),
    RecipientRule("warmup", shaping.warmup, returns=False),
    MessageRule("negative_signal_budget", standing.negative_signal_budget, "rest", early="mail"),
    MessageRule("reputation", standing.reputation, "rest", early="mail"),
    RecipientRule("send_window", shaping.send_window),
    RecipientRule("autonomy_level", autonomy.autonomy_level),
)
