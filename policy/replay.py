"""What a changed policy would have decided: compares two decisions on the same facts.

Changes are counted per rule and mailbox and in both directions, so that an operator sees
what a candidate would let through as well as what it would stop. A send whose recipients
are merely refused by another rule, or that is deferred instead of blocked, is a change of
reason, not of direction: it is not sent in either case.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from policy.decision import Check, Decision, RecipientVerdict, Verdict
from policy.engine import at_mail, at_rcpt, decide
from policy.facts import Facts
from policy.settings import PolicySettings
from policy.state import ALONE, Ahead, State

Direction = Literal["stricter", "looser", "reason", "same"]

# How much stands between a message and its recipient. A deferred message is not sent, just like a blocked one.
_STOPPED = 2
_WEIGHT: dict[str, int] = {"approved": 0, "held": 1, "deferred": _STOPPED, "blocked": _STOPPED}
_OUTCOME: dict[str, int] = {"replayed": 0, "queued": 0, "scheduled": 1, "held": 2, "refused": 3}


class Before(Struct, frozen=True):
    """A decision as it was recorded."""

    decision: Verdict
    rule: str
    reason: str
    outcomes: tuple[tuple[str, str], ...]  # (recipient, outcome)
    rules: Mapping[str, str] = field(default_factory=dict)  # by recipient: the rule behind the outcome


class Change(Struct, frozen=True):
    """What changed for one submission."""

    send_id: str
    mailbox: str
    direction: Direction
    before: Before
    after: Before
    recipients: tuple[str, ...] = ()  # those whose outcome changed

    @property
    def rule(self) -> str:
        """The rule that now decides, or if looser no longer does; if only recipients changed, that of the first one."""
        decisive, other = (self.before, self.after) if self.direction == "looser" else (self.after, self.before)
        of_recipients = (decisive.rules.get(r, "") for r in self.recipients)
        return decisive.rule or next(filter(None, of_recipients), "") or other.rule


class Tally(Struct):
    """The number of changes for one rule or mailbox, by direction."""

    stricter: int = 0
    looser: int = 0
    reason: int = 0

    def add(self, direction: Direction) -> None:
        """Count one change."""
        if direction != "same":
            setattr(self, direction, getattr(self, direction) + 1)


class Report(Struct):
    """What a candidate would change on recorded traffic. `examples` holds the first few changes of each rule."""

    decisions: int = 0
    changed: int = 0
    by_rule: dict[str, Tally] = field(default_factory=dict)
    by_mailbox: dict[str, Tally] = field(default_factory=dict)
    examples: dict[str, list[Change]] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)  # changed, but records do not tell what would have come of it

    def take(self, changes: Sequence[Change], compared: int) -> None:
        """Count decisions that were compared, and those of them that would change."""
        for change in changes:
            self.add(change)
        self.decisions += compared - len(changes)

    def add(self, change: Change, most: int = 5) -> None:
        """Count one submission; its change is counted for `change.rule`, with up to `most` examples per rule."""
        self.decisions += 1
        if change.direction == "same":
            return
        self.changed += 1
        rule = change.rule
        self.by_rule.setdefault(rule, Tally()).add(change.direction)
        self.by_mailbox.setdefault(change.mailbox, Tally()).add(change.direction)
        kept = self.examples.setdefault(rule, [])
        if len(kept) < most:
            kept.append(change)


def summary(decision: Decision) -> Before:
    """The parts of a decision that are compared: ids and waits are not."""
    outcomes = tuple((v.recipient, v.outcome) for v in decision.verdicts)
    rules = {v.recipient: v.rule for v in decision.verdicts}
    return Before(decision.decision, decision.rule, decision.reason, outcomes, rules)


def compare(facts: Facts, before: Before, after: Before) -> Change:
    """The difference between two decisions on the same facts."""
    then, now = dict(before.outcomes), dict(after.outcomes)
    changed = tuple(r for r in then if now.get(r) != then[r])
    heavier = _WEIGHT[after.decision] - _WEIGHT[before.decision]
    if not heavier and _WEIGHT[after.decision] < _STOPPED:
        heavier = sum(_OUTCOME[now[r]] - _OUTCOME[then[r]] for r in changed if r in now)
    direction: Direction
    if heavier:
        direction = "stricter" if heavier > 0 else "looser"
    else:
        direction = "reason" if changed or _why(before) != _why(after) else "same"
    return Change(facts.send_id, facts.mailbox, direction, before, after, changed)


def _why(decision: Before) -> tuple[str, str, str]:
    return decision.decision, decision.rule, decision.reason


def replay(candidate: PolicySettings, facts: Facts, state: State, recorded: Before) -> Change:
    """Compare what the candidate would have decided with what was decided."""
    return compare(facts, recorded, summary(decide(candidate, facts, state, whole=False)))


def replay_at_the_door(
    candidate: PolicySettings, facts: Facts, state: State, recorded: Before, *, ahead: Ahead = ALONE
) -> Change:
    """What the candidate would have said about a sender or recipient that was refused before the message was received.

    `ahead` tells what was in the envelope. Whether the message itself would have passed is unknown.
    """
    found = at_rcpt(candidate, facts, state, ahead) if facts.recipients else at_mail(candidate, facts, state)
    named = [r.address for r in facts.recipients]
    longest = candidate.options.longest
    now = (
        Decision("approved", tuple(RecipientVerdict(r, "queued") for r in named), ())
        if not isinstance(found, Check)
        else Decision.at_the_door(found, named, longest)
    )
    return compare(facts, recorded, summary(now))
