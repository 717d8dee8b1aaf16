"""One submission before the rules: what they look at, and what each may find.

A rule answers with a Finding. What its mode makes of the finding (a failed check, a
warning, nothing) is not the rule's business, except where the policy gives a part of a
rule a mode of its own. A fact that has no answer is `unread`, never a pass.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from policy.decision import EMPTY, Next, Refusal, Retry
from policy.facts import Facts, RecipientFacts
from policy.settings import Mode, PolicySettings
from policy.state import RecipientState, State
from policy.usage import DAY, Window, hourly

# passed, skipped   nothing to say; skipped means the question did not arise
# refuse, hold      the rule's condition was met
# schedule          it may leave at `due`, not before
# replay            it was accepted before, as `first_send`
# unread            a fact the rule needs has no answer
# unlisted          as if the rule were not there
Kind = Literal["passed", "skipped", "refuse", "hold", "schedule", "replay", "unread", "unlisted"]

# Nothing was met, so no mode has anything to make of it.
SILENT: frozenset[Literal["passed", "skipped"]] = frozenset(("passed", "skipped"))

UNREAD_WAIT = 60  # seconds until a client should ask again after a fact could not be read


class Finding(Struct, frozen=True):
    """What a rule found. `mode` overrides the rule's own where the policy says so."""

    kind: Kind
    evidence: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    refusal: Refusal | None = None
    due: int = 0
    first_send: str = ""
    mode: Mode | None = None


# Shared by all who found nothing to say.
PASSED = Finding("passed")
SKIPPED = Finding("skipped")
UNLISTED = Finding("unlisted")


class Bound(Struct, eq=False):
    """One limit as it binds this message: of the policy, tightened for the mailbox, or of the tenant.

    `plan` is a copy of the window with what earlier recipients of the message take.
    """

    limit: int
    window: Window
    mode: Mode
    scope: str
    when: int = 0  # when a copy counts, where that is not when it leaves
    span: int = 0  # buckets that are looked at together, where it is not the whole window
    plan: Window | None = None
    _at: int = -1  # `_used` is what was found for this time
    _used: int = 0

    def used(self, at: int) -> int:
        """How much of the limit is used up where a copy that leaves at `at` counts."""
        at = self.when or at
        if at != self._at:
            self._at, self._used = at, (self.plan or self.window).busiest(at, self.span)
        return self._used

    def room_at(self, at: int) -> int:
        """The first time from `at` on when one more copy may leave, 0 for never."""
        return at if self.used(at) < self.limit else (self.plan or self.window).room_at(at, self.limit, self.span)

    def take(self, now: int, at: int) -> None:
        """An earlier recipient of the message counts at `at`."""
        self.plan = self.plan or self.window.copy()
        self.plan.add(now, 1, at)
        if self._at == (at or now):
            self._used += 1
        else:
            self._at = -1


class Case(Struct):
    """A submission, the snapshot it is judged from, and what its earlier recipients already took."""

    settings: PolicySettings
    facts: Facts
    state: State
    early: bool = False  # asked at MAIL or RCPT, before the content is known
    departing: bool = False  # asked again as the message leaves
    commercial: bool = False  # this and the next are found below
    returned: bool = False  # a mail system's own, which is nobody's mail: no pace and no limit but its own
    taken: list[int] = field(default_factory=list)  # per accepted recipient: when its copy leaves, 0 is now
    denied: dict[str, int] = field(default_factory=dict)  # by reason: recipients it turned away
    first_contacts: int = 0
    newly_reached: int = 0  # recipients not written to within the burst window
    leaving: dict[str, int] = field(default_factory=dict)  # by key: when all that puts mail off lets it leave
    by_day: dict[int, int] = field(default_factory=dict)  # accepted recipients by the day their copy leaves
    throttles: dict[str, Window] = field(default_factory=dict)  # the state's, with what this message adds
    accepted_keys: set[str] = field(default_factory=set)
    met: dict[str, int] = field(default_factory=dict)  # accepted recipients by the person behind them
    bounds: dict[str, tuple[Bound, ...]] = field(default_factory=dict)
    queues: tuple[Bound, ...] | None = None  # those of them that put mail off; None until somebody asks

    def __post_init__(self) -> None:
        self.commercial = not self.early and self.facts.message_class == "commercial"
        # What stands in it is not known yet at MAIL and RCPT: the decision binds.
        self.returned = self.facts.null_sender if self.early else self.facts.is_return

    def take(self, recipient: RecipientFacts, known: RecipientState | None, due: int, reached: bool) -> None:
        """An accepted recipient: the next one of this message counts after it."""
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
        """The key of the person behind a recipient, as the policy tells persons apart."""
        return recipient.person(fold=self.settings.suppression_check.fold_aliases)

    def _leave(self, domain: str, at: int) -> None:
        """Room is taken where a copy leaves."""
        self.by_day[at // DAY] = self.by_day.get(at // DAY, 0) + 1
        if len(self.facts.recipients) > 1:
            window = self.throttles[domain] = self.throttles.get(domain) or self.throttle(domain).copy()
            window.add(self.facts.now, 1, at)

    def throttle(self, domain: str) -> Window:
        """When mail to a domain leaves, this message's included."""
        return self.throttles.get(domain) or self.state.throttles.get(domain) or hourly()


MessageJudge = Callable[[Case], Finding]
RecipientJudge = Callable[[Case, RecipientFacts, RecipientState | None], Finding]


def refuse(
    reason: str,
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
    """The condition of a rule was met: the message may not be sent."""
    refusal = Refusal(reason, clause(detail), retry, next_step, wait, cause, pauses)
    return Finding("refuse", evidence, refusal, mode=mode)


def hold(detail: str, next_step: Next, *, evidence: Mapping[str, Any] = EMPTY, mode: Mode | None = None) -> Finding:
    """The condition of a rule was met: a person decides."""
    return Finding("hold", evidence, Refusal("held", clause(detail), "human", next_step), mode=mode)


def schedule(due: int, evidence: Mapping[str, Any], *, mode: Mode | None = None) -> Finding:
    """The message may leave at `due`."""
    return Finding("schedule", evidence, due=due, mode=mode)


def unread(what: str) -> Finding:
    """A fact could not be read: refused for now, whatever it may have been."""
    refusal = Refusal("unavailable", clause(f"{what} cannot be read now"), "after", "wait", UNREAD_WAIT)
    return Finding("unread", {"unread": what}, refusal)


def clause(text: str) -> str:
    """Text that can stand in a reply of one line: printable ASCII, no `;`."""
    if text.isascii() and text.isprintable() and ";" not in text:
        return text
    return "".join(c if " " <= c <= "~" else "?" for c in text.replace(";", ","))
