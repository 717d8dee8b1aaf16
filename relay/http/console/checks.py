"""A decision as a checklist: each rule with its verdict, its evidence, and what would make it pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote

from policy.flaws import told
from relay.http.console.words import spoken

BAD = ("failed", "error")
LOOK = (*BAD, "warned", "shadowed")
# What the sender or a person can do about a reason (policy.md); the same next steps as in SMTP and HTTP answers.
REMEDIES = {
    "rate_limited": "Wait until the limit has room again, or raise it in the policy.",
    "warmup_limit": "Wait: the domain is warming up, and its allowance for that day is used up.",
    "suppressed": "Drop this recipient. Remove the suppression only if the person asks for mail again.",
    "unsubscribed": "Drop this recipient: the person unsubscribed. Consent recorded after that lets mail pass again.",
    "no_consent": "Record the recipient's consent with its proof, then send again.",
    "duplicate": "Nothing: the first message stands. To send a second copy on purpose, use another dedupe key.",
    "loop_detected": "Check what the agent is doing, then approve this message or change its content.",
    "cooldown": "Wait: this person was written to only recently and has not answered.",
    "secret_leak": "Take the secret out of the message, and rotate it.",
    "canary_violation": "A planted token is in the message: find out how it got there before sending anything.",
    "poor_content": "Mend what is named, then send it anew.",
    "class_not_allowed": "Allow commercial mail for this mailbox, or rewrite the message.",
    "physical_address_missing": "Set physical_address for the sending domain.",
    "cannot_inject_footer": "Send the message without a signature or encryption, or with its own unsubscribe link.",
    "sender_not_allowed": "Send from an address this mailbox owns, or add an alias to it.",
    "lease_conflict": "Another mailbox is writing to this person: leave it to that one, or wait for its lease to end.",
    "recipient_burst": "Wait: too many people were written to at once. Spread the sends, or raise the limit.",
    "first_contact_limit": "Wait: the allowance for people never written to before is used up for now.",
    "negative_signal_budget": "Look into the recent bounces and complaints before sending more.",
    "reputation_paused": "Deal with the bounces or complaints, then resume the mailbox.",
    "sender_domain_not_verified": "Publish the domain's ownership record and verify it under Domains.",
    "mailbox_paused": "Resume the mailbox once its cause is dealt with.",
    "tenant_paused": "Resume the tenant once the cause is dealt with.",
    "recipient_invalid": "Correct the address or drop it.",
    "recipient_not_allowed": "Add the recipient to the allowlist, or drop it.",
    "too_many_recipients": "Send to fewer recipients at once.",
    "held": "A person has to approve it.",
    "unavailable": "Nothing is wrong with the message: a fact could not be read. Send it again shortly.",
}
# The page on which a person finds what a reason is about.
PLACES = {
    "suppressed": "/suppressions?q={}",
    "unsubscribed": "/suppressions?q={}",
    "no_consent": "/suppressions/consents?q={}",
    "sender_domain_not_verified": "/domains",
}
_PLAIN = frozenset({"rule", "status", "recipient", "reason", "detail", "current", "limit"})


@dataclass(frozen=True, slots=True)
class Item:
    """One check of the list. `current` and `limit` are set if the rule counts something."""

    rule: str
    status: str
    recipient: str
    detail: str
    reason: str
    remedy: str
    place: str  # the page about it, if there is one
    current: float | None
    limit: float | None
    evidence: tuple[tuple[str, Any], ...]
    is_open: bool


def items(checks: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Failed checks first, then others that need a look, then the rest, each in the order of the rules; the
    first failed one is unfolded.

    If all checks are about one recipient, the address is not repeated on every line.
    """
    people = {check.get("recipient", "") for check in checks} - {""}
    # The sort is stable, so the order of the rules is kept.
    ordered = sorted(checks, key=lambda check: (check["status"] not in BAD, check["status"] not in LOOK))
    first = next((check for check in ordered if check["status"] in BAD), None)
    return [_item(check, is_open=check is first, is_named=len(people) > 1) for check in ordered]


def lines(checks: Sequence[Mapping[str, Any]]) -> list[list[Item]]:
    """The items grouped by line: checks of one rule that need no look share a line, however many recipients
    there are.
    """

    def together(at: tuple[int, Item]) -> object:
        number, item = at
        return (item.rule, item.status) if item.recipient and item.status not in LOOK else number

    return [[item for _, item in group] for _, group in groupby(enumerate(items(checks)), together)]


def summary(checks: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many checks ended with each status; those that need a look come first."""
    order = ("failed", "error", "warned", "passed", "shadowed", "skipped")
    counted = {status: sum(1 for c in checks if c["status"] == status) for status in order}
    return [(status, count) for status, count in counted.items() if count]


def _item(check: Mapping[str, Any], *, is_open: bool, is_named: bool) -> Item:
    reason = str(check.get("reason", ""))
    met = check["status"] in LOOK
    return Item(
        rule=str(check["rule"]),
        status=str(check["status"]),
        recipient=str(check.get("recipient", "")) if is_named else "",
        detail=str(check.get("detail", "")),
        reason=reason,
        remedy=REMEDIES.get(reason, "") if met else "",
        place=PLACES.get(reason, "").format(quote(str(check.get("recipient", "")), safe="")) if met else "",
        current=_number(check.get("current")),
        limit=_number(check.get("limit")),
        evidence=tuple((spoken(name), _words(name, value)) for name, value in check.items() if name not in _PLAIN),
        is_open=is_open,
    )


def _words(name: str, value: Any) -> Any:
    return "; ".join(told(**flaw) for flaw in value) if name == "flaws" else value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
