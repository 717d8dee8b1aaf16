"""Hears one submission: asks each rule in turn and records its finding as its mode requires.

A finding becomes a check in the trace and, if the rule is enforced, part of a fate: that of
the whole message or of one recipient. `policy.verdicts` turns fates into verdicts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from policy.decision import EMPTY, Check, CheckStatus, Refusal
from policy.facts import RecipientFacts
from policy.memo import Memo
from policy.moment import iso
from policy.rule import Mode
from policy.rules.case import SILENT, SKIPPED, Case, Finding, MessageJudge, RecipientJudge
from policy.rules.order import RULES, MessageRule, RecipientRule
from policy.rules.pace import reached_lately
from policy.settings import PolicySettings
from policy.state import RecipientState

NOWHERE = len(RULES)

# A person is alerted to these although the message was refused: a loop, and a domain whose key cannot be read.
ALARMING = frozenset({("loop_detection", "refuse"), ("domain_verified", "unread")})


class Asked(NamedTuple):
    """A rule about the message under a given policy: its position in rule order, its mode, and its function.

    `silent` holds its ready-made checks for findings with nothing to say: they are the same for every message.
    """

    place: int
    name: str
    mode: Mode
    judge: MessageJudge
    returns: bool
    silent: Mapping[str, Check]


class AskedOf(NamedTuple):
    """A rule about a recipient, likewise."""

    place: int
    name: str
    mode: Mode
    judge: RecipientJudge
    returns: bool


class Plan(Struct, frozen=True):
    """The rules a policy asks, by stage."""

    message: tuple[Asked, ...]
    message_rest: tuple[Asked, ...]
    address: tuple[AskedOf, ...]
    repeat: tuple[AskedOf, ...]
    rest: tuple[AskedOf, ...]
    early_mail: tuple[Asked, ...]
    early_limits: tuple[AskedOf, ...]
    early_rcpt: tuple[AskedOf, ...]


class Fate(Struct):
    """The combined result of the enforced findings so far; the first of each kind in rule order is kept."""

    refused_at: int = NOWHERE
    refusal: Refusal | None = None
    refusals: list[Refusal] = field(default_factory=list)  # all of them
    held_at: int = NOWHERE
    hold: Refusal | None = None
    due: int = 0
    due_rule: str = ""
    first_send: str = ""

    @property
    def clear(self) -> bool:
        """Whether nothing stops or delays it."""
        return self.refusal is None and self.hold is None and not self.due and not self.first_send

    def add(self, place: int, name: str, finding: Finding) -> None:
        """Take in an enforced finding whose condition was met."""
        if finding.due > self.due:
            self.due, self.due_rule = finding.due, name
        if finding.kind in ("refuse", "unread") and finding.refusal is not None:
            self.refusals.append(finding.refusal)
        match finding.kind:
            case "refuse" | "unread" if place < self.refused_at:
                self.refused_at, self.refusal = place, finding.refusal
            case "hold" if place < self.held_at:
                self.held_at, self.hold = place, finding.refusal
            case "replay":
                self.first_send = finding.first_send
            case _:
                pass


def _plan(settings: PolicySettings) -> Plan:
    message: list[tuple[MessageRule, Asked]] = []
    recipient: list[tuple[RecipientRule, AskedOf]] = []
    for place, rule in enumerate(RULES):
        mode: Mode = getattr(settings, rule.name).mode
        if isinstance(rule, MessageRule):
            mode = rule.mode(settings) if rule.mode else mode
            if mode != "off" or rule.always:
                silent: dict[str, Check] = {kind: Check(rule.name, kind, "", EMPTY) for kind in SILENT}
                message.append((rule, Asked(place, rule.name, mode, rule.judge, rule.returns, silent)))
        elif mode != "off" or rule.always:
            recipient.append((rule, AskedOf(place, rule.name, mode, rule.judge, rule.returns)))
    return Plan(
        message=tuple(asked for rule, asked in message if rule.stage == "address"),
        message_rest=tuple(asked for rule, asked in message if rule.stage == "rest"),
        address=tuple(asked for rule, asked in recipient if rule.stage in ("address", "repeat")),
        repeat=tuple(asked for rule, asked in recipient if rule.stage == "repeat"),
        rest=tuple(asked for rule, asked in recipient if rule.stage == "rest"),
        early_mail=tuple(asked for rule, asked in message if rule.early == "mail"),
        early_limits=tuple(asked for rule, asked in recipient if rule.name.startswith("rate_limit")),
        early_rcpt=tuple(asked for rule, asked in recipient if rule.early == "rcpt"),
    )


plan_of = Memo(_plan)


class Hearing(Struct):
    """The state of one decision in the making."""

    case: Case
    whole: bool
    checks: list[list[Check]] = field(default_factory=lambda: [[] for _ in RULES])
    alerts: list[str] = field(default_factory=list)

    def ask_message(self, rules: Sequence[Asked]) -> Fate:
        """Ask these rules about the message."""
        fate, case, checks = Fate(), self.case, self.checks
        returned = case.returned
        for place, name, mode, judge, returns, silent in rules:
            finding = SKIPPED if returned and not returns else judge(case)
            if (kind := finding.kind) in SILENT:
                if (finding.mode or mode) != "off":
                    evidence = finding.evidence
                    checks[place].append(Check(name, kind, "", evidence) if evidence else silent[kind])
                continue
            self.note(place, name, finding.mode or mode, finding, "", fate)
            if fate.refusal is not None and not self.whole:
                break
        return fate

    def ask_recipient(self, plan: Plan, recipient: RecipientFacts) -> Fate:
        """Ask all rules about one recipient; what it uses up is no longer available to the next."""
        case = self.case
        known = case.state.recipients.get(recipient.key)
        fate = Fate()
        self.ask(plan.address, recipient, known, fate)
        replayed = bool(fate.first_send) and fate.refusal is None
        if not replayed and (self.whole or fate.refusal is None):
            self.ask(plan.rest, recipient, known, fate)
        if fate.refusal is not None:
            case.denied[fate.refusal.reason] = case.denied.get(fate.refusal.reason, 0) + 1
        elif not replayed:
            self._take(recipient, known, fate)
        return fate

    def ask_whether_repeated(self, plan: Plan, recipient: RecipientFacts) -> Fate:
        """Ask about one recipient only whether the message was accepted before."""
        fate = Fate()
        self.ask(plan.repeat, recipient, self.case.state.recipients.get(recipient.key), fate)
        return fate

    def ask(
        self, rules: Sequence[AskedOf], recipient: RecipientFacts, known: RecipientState | None, fate: Fate
    ) -> None:
        """Ask these rules about one recipient."""
        case, checks, address = self.case, self.checks, recipient.address
        returned = case.returned
        for place, name, mode, judge, returns in rules:
            finding = SKIPPED if returned and not returns else judge(case, recipient, known)
            if (kind := finding.kind) in SILENT:
                if (finding.mode or mode) != "off":
                    checks[place].append(Check(name, kind, address, finding.evidence))
                continue
            self.note(place, name, finding.mode or mode, finding, address, fate)
            if fate.refusal is not None and not self.whole:
                break

    def refusing(self, fate: Fate) -> Check | None:
        """The check whose refusal this fate has, or None if it has none."""
        if fate.refusal is None:
            return None
        return next(check for check in self.checks[fate.refused_at] if check.refusal is fate.refusal)

    def _take(self, recipient: RecipientFacts, known: RecipientState | None, fate: Fate) -> None:
        case = self.case
        fate.due = max(fate.due, case.facts.send_at if case.facts.send_at > case.facts.now else 0)
        case.take(recipient, known, fate.due, reached_lately(case, known))

    def note(self, place: int, name: str, mode: Mode, finding: Finding, recipient: str, fate: Fate) -> None:
        """Record, as its mode requires, that a rule's condition was met."""
        if mode == "off" or finding.kind == "unlisted":
            return
        if mode == "enforce":
            fate.add(place, name, finding)
        if mode == "warn" or (mode == "enforce" and (name, finding.kind) in ALARMING):
            self._alert(name)
        evidence = finding.evidence if not finding.due else {**finding.evidence, "scheduled_for": iso(finding.due)}
        self.checks[place].append(Check(name, _status(finding.kind, mode), recipient, evidence, finding.refusal))

    def _alert(self, name: str) -> None:
        if name not in self.alerts:
            self.alerts.append(name)


def _status(kind: str, mode: Mode) -> CheckStatus:
    if kind == "unread":
        return "error"
    if mode == "warn":
        return "warned"
    if mode == "shadow":
        return "shadowed"
    # Mail that leaves later has not failed: nobody needs to do anything.
    return "passed" if kind == "schedule" else "failed"
