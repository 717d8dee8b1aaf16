"""One submission as the rules see it, and what each rule may find.

A rule answers with a Finding. What follows from it under the rule's mode (a failed check, a
warning, nothing) is not the rule's concern, except where the policy gives part of a rule a
mode of its own. A fact that could not be read makes the finding `unread`, never a pass.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from policy.decision import EMPTY, Next, Reason, Refusal, Retry
from policy.facts import Facts, RecipientFacts
from policy.rule import Mode
from policy.settings import PolicySettings
from policy.state import RecipientState, State
from policy.usage import DAY, Window, hourly

# passed, skipped   nothing to object; skipped: the rule did not apply
# refuse, hold      the rule's condition was met
# schedule          it may leave at `due`, not before
# replay            it was accepted before, as `first_send`
# unread            a fact the rule needs could not be read
# unlisted          as if the rule did not exist: no check in the trace
Kind = Literal["passed", "skipped", "refuse", "hold", "schedule", "replay", "unread", "unlisted"]

# No condition was met, so the mode makes no difference.
SILENT: frozenset[Literal["passed", "skipped"]] = frozenset(("passed", "skipped"))

UNREAD_WAIT = 60  # seconds a client should wait after a fact could not be read


class Finding(Struct, frozen=True):
    """What a rule found. `mode` replaces the rule's own where the policy gives part of the rule another mode."""

    kind: Kind
    evidence: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    refusal: Refusal | None = None
    due: int = 0
    first_send: str = ""
    mode: Mode | None = None


# Shared by all findings that carry no data.
PASSED = Finding("passed")
SKIPPED = Finding("skipped")
UNLISTED = Finding("unlisted")


class Bound(Struct, eq=False):
    """One limit as it applies to this message: the policy's, a mailbox's tightened one, or the tenant's.

    `plan` is a copy of the window that includes the earlier recipients of this message.
    """

    limit: int
    window: Window
    mode: Mode
    scope: str
    when: int = 0  # when a copy counts, if not when it leaves
    span: int = 0  # buckets to look at together, if not the whole window
    plan: Window | None = None
    _at: int = -1  # the time for which `_used` was computed
    _used: int = 0

    def used(self, at: int) -> int:
        """How much of the limit is used up in the windows in which a copy leaving at `at` counts."""
        at = self.when or at
        if at != self._at:
            self._at, self._used = at, (self.plan or self.window).busiest(at, self.span)
        return self._used

    def room_at(self, at: int) -> int:
        """The first time from `at` on when one more copy may leave; 0 if never."""
        return at if self.used(at) < self.limit else (self.plan or self.window).room_at(at, self.limit, self.span)

    def take(self, now: int, at: int) -> None:
        """Count an earlier recipient of the message, whose copy leaves at `at`."""
        self.plan = self.plan or self.window.copy()
        self.plan.add(now, 1, at)
        if self._at == (at or now):
            self._used += 1
        else:
            self._at = -1


class Case(Struct):
    """A submission, the state it is judged from, and what its earlier recipients have used up."""

    settings: PolicySettings
    facts: Facts
    state: State
    early: bool = False  # asked at MAIL or RCPT, before the content is known
    departing: bool = False  # asked again when the message is about to leave
    commercial: bool = False  # this and the next two are set in __post_init__
    returned: bool = False  # a mail system's return: only the null sender's limit and no pacing apply
    apart: bool = False  # whom a limit turns away at RCPT may come later; the recipients before leave without him
    taken: list[int] = field(default_factory=list)  # per accepted recipient: when its copy leaves; 0 is now
    denied: dict[str, int] = field(default_factory=dict)  # by reason: number of recipients turned away
    first_contacts: int = 0
    newly_reached: int = 0  # recipients not written to within the burst window
    leaving: dict[str, int] = field(default_factory=dict)  # by key: when every rule that delays mail lets it leave
    by_day: dict[int, int] = field(default_factory=dict)  # accepted recipients by the day their copy leaves
    throttles: dict[str, Window] = field(default_factory=dict)  # those of the state plus this message
    accepted_keys: set[str] = field(default_factory=set)
    met: dict[str, int] = field(default_factory=dict)  # number of accepted recipients by person
    bounds: dict[str, tuple[Bound, ...]] = field(default_factory=dict)
    delays: tuple[Bound, ...] | None = None  # the bounds that delay mail; None until computed

    def __post_init__(self) -> None:
        self.commercial = not self.early and self.facts.message_class == "commercial"
        # At MAIL and RCPT the content is not known yet; the decision after DATA is the one that binds.
        self.returned = self.facts.null_sender if self.early else self.facts.is_return
        self.apart = self.early and not self.settings.options.strict_recipients

    def take(self, recipient: RecipientFacts, known: RecipientState | None, due: int, reached: bool) -> None:
        """Count an accepted recipient: the next recipients of this message come on top of it."""
        self.taken.append(due)
        self.accepted_keys.add(recipient.key)
        person = self.person(recipient)
        self.met[person] = self.met.get(person, 0) + 1
        if recipient.key in self.leaving:
            self._leave(recipient.domain, self.leaving.pop(recipient.key))
        self.first_contacts += known is not None and not known.first_at
        self.newly_reached += not reached
        if len(self.facts.recipients) > 1:
            for bounds in self.bounds.values():
                for bound in bounds:
                    bound.take(self.facts.now, due)

    def person(self, recipient: RecipientFacts) -> str:
        """The key of the person behind a recipient; whether aliases are folded is up to the policy."""
        return recipient.person(fold=self.settings.suppression_check.fold_aliases)

    def _leave(self, domain: str, at: int) -> None:
        """Count a copy at the time it leaves."""
        self.by_day[at // DAY] = self.by_day.get(at // DAY, 0) + 1
        if len(self.facts.recipients) > 1:
            window = self.throttles[domain] = self.throttles.get(domain) or self.throttle(domain).copy()
            window.add(self.facts.now, 1, at)

    def throttle(self, domain: str) -> Window:
        """When mail to a domain leaves, including this message."""
        return self.throttles.get(domain) or self.state.throttles.get(domain) or hourly()


MessageJudge = Callable[[Case], Finding]
RecipientJudge = Callable[[Case, RecipientFacts, RecipientState | None], Finding]


def refuse(
    reason: Reason,
    detail: str,
    retry: Retry,
    next_step: Next,
    *,
    wait: int = 0,
    cause: str = "",
    pauses: str = "",
    evidence: Mapping[str, Any] = EMPTY,
    mode: Mode | None = None,
) -> Finding:
    """The finding that a rule's condition was met and the message may not be sent."""
    refusal = Refusal(reason, clause(detail), retry, next_step, wait, cause, pauses)
    return Finding("refuse", evidence, refusal, mode=mode)


def hold(
    detail: str, next_step: Next, *, due: int = 0, evidence: Mapping[str, Any] = EMPTY, mode: Mode | None = None
) -> Finding:
    """The finding that a rule's condition was met and a person has to decide; if let go, it leaves at `due`."""
    return Finding("hold", evidence, Refusal("held", clause(detail), "human", next_step), due, mode=mode)


def schedule(due: int, evidence: Mapping[str, Any], *, mode: Mode | None = None) -> Finding:
    """The finding that the message may leave at `due`, not before."""
    return Finding("schedule", evidence, due=due, mode=mode)


def unread(what: str) -> Finding:
    """The finding that a fact could not be read: a temporary refusal, whatever the fact may have been."""
    refusal = Refusal("unavailable", clause(f"{what} cannot be read now"), "after", "wait", UNREAD_WAIT)
    return Finding("unread", {"unread": what}, refusal)


def clause(text: str) -> str:
    """The text made fit for a one-line reply: printable ASCII, no `;`."""
    if text.isascii() and text.isprintable() and ";" not in text:
        return text
    return "".join(c if " " <= c <= "~" else "?" for c in text.replace(";", ","))
