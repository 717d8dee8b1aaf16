"""Turns the fates of the recipients into one answer for the message.

At the end of DATA the client gets one reply for all recipients. If they fare differently,
the default is to send nothing: nothing is lost silently, and the corrected message can be
sent without reaching anybody twice. A recipient that is a repeat stays replayed in any case.
"""

from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from policy.decision import RecipientVerdict, Refusal, Verdict
from policy.facts import RecipientFacts
from policy.hearing import NOWHERE, Fate
from policy.rules.order import RULES
from policy.settings import Options

DETAIL_ROOM = 84  # of a reply's 200 octets, what reason and key=value pairs leave for a clause


class Settled(Struct, frozen=True):
    """The answer: one verdict per recipient, and the decision about the whole message."""

    decision: Verdict
    verdicts: tuple[RecipientVerdict, ...]
    rule: str = ""
    refusal: Refusal | None = None


class Refused(Struct, frozen=True):
    """A refused recipient, and the position of the refusing rule in rule order."""

    place: int
    verdict: RecipientVerdict
    refusal: Refusal


def verdict_of(recipient: RecipientFacts, heard: tuple[Fate, Fate, Fate], longest: int) -> tuple[int, RecipientVerdict]:
    """One recipient's verdict and the position of the rule behind it: a refusal outranks a hold, a hold a delay."""
    message, own, rest = heard
    if message.clear and own.clear and rest.clear:
        return NOWHERE, RecipientVerdict(recipient.address, "queued")
    replayed = own.first_send and own.refusal is None
    fates = (message, own) if replayed else (message, own, rest)
    refusing = min(fates, key=attrgetter("refused_at"))
    if refusing.refusal is not None:
        rule, waits = RULES[refusing.refused_at].name, [refusal for fate in fates for refusal in fate.refusals]
        told = _outlasting(refusing.refusal, waits, longest)
        return refusing.refused_at, RecipientVerdict(recipient.address, "refused", rule, told)
    if replayed:
        return NOWHERE, RecipientVerdict(recipient.address, "replayed", "duplicate", first_send=own.first_send)
    holding = min(fates, key=attrgetter("held_at"))
    if holding.hold is not None:
        rule = RULES[holding.held_at].name
        return holding.held_at, RecipientVerdict(recipient.address, "held", rule, holding.hold, own.due)
    if own.due:
        return NOWHERE, RecipientVerdict(recipient.address, "scheduled", own.due_rule, due=own.due)
    return NOWHERE, RecipientVerdict(recipient.address, "queued")


def _outlasting(told: Refusal, others: list[Refusal], longest: int) -> Refusal:
    """A temporary refusal with the longest wait of all that are: before that the same message does not pass."""
    last = max([told, *(other for other in others if other.is_temporary(longest))], key=attrgetter("wait"))
    if last.wait <= told.wait or not told.is_temporary(longest):
        return told
    return replace(told, wait=last.wait, cause=last.reason)


def settle(options: Options, placed: list[tuple[int, RecipientVerdict]]) -> Settled:
    """The answer to a message from the verdicts on its recipients."""
    refused = [Refused(place, v, v.refusal) for place, v in placed if v.outcome == "refused" and v.refusal]
    if not refused:
        return _accepted(placed)
    longest = options.longest
    rule, refusal = combined(refused, longest)
    passing = [v for _, v in placed if v.outcome in ("queued", "scheduled", "held")]
    replayed = any(v.outcome == "replayed" for _, v in placed)
    if options.mixed == "hold_all" and passing:
        return _held(placed, rule, refusal, len(refused))
    if options.mixed != "reject_all" and (passing or replayed):
        return _accepted(placed)
    decision: Verdict = "deferred" if refusal.is_temporary(longest) else "blocked"
    return Settled(decision, tuple(_refused_too(v, rule, refusal) for _, v in placed), rule, refusal)


def _accepted(placed: list[tuple[int, RecipientVerdict]]) -> Settled:
    """Held if any recipient's copy is held, else approved."""
    verdicts = tuple(v for _, v in placed)
    held = [(place, v) for place, v in placed if v.outcome == "held"]
    if held:
        _, first = min(held, key=lambda found: found[0])
        return Settled("held", verdicts, first.rule, first.refusal)
    repeated = all(v.outcome == "replayed" for v in verdicts)
    return Settled("approved", verdicts, "duplicate" if repeated else "")


def _held(placed: list[tuple[int, RecipientVerdict]], rule: str, refusal: Refusal, refused: int) -> Settled:
    """`hold_all`: one item for a person to decide. Refused recipients stay refused: approval cannot lift a block."""
    held = Refusal("held", f"{refused} of {len(placed)} recipients refused: {refusal.detail}", "human", "ask_human")
    verdicts = tuple(
        replace(v, outcome="held", rule=v.rule or rule, refusal=held) if v.outcome in ("queued", "scheduled") else v
        for _, v in placed
    )
    return Settled("held", verdicts, rule, held)


def _refused_too(verdict: RecipientVerdict, rule: str, refusal: Refusal) -> RecipientVerdict:
    """`reject_all`: an acceptable recipient is refused too, with a reason that says it was another recipient."""
    if verdict.outcome in ("refused", "replayed"):
        return verdict
    detail = f"not sent because of another recipient: {refusal.detail}"
    return RecipientVerdict(
        verdict.recipient, "refused", rule, Refusal("other_recipient", detail, refusal.retry, "none", refusal.wait)
    )


def combined(refused: list[Refused], longest: int) -> tuple[str, Refusal]:
    """One refusal to represent all: permanent if any is, else with the longest wait."""
    permanent = [r for r in refused if not r.refusal.is_temporary(longest)]
    # Within one rule, refusals with a wait come last: waiting is useless if another recipient never fits.
    lead = min(permanent or refused, key=lambda r: (r.place, r.refusal.retry == "after"))
    same = all(r.refusal is lead.refusal for r in refused)
    if same:
        return lead.verdict.rule, lead.refusal
    others = [r.verdict.recipient for r in refused if r is not lead]
    told = replace(lead.refusal, detail=_naming(lead.refusal.detail, others))
    if told.retry == "after":
        last = max(refused, key=lambda r: r.refusal.wait).refusal
        # By its cause a wait is told as temporary that is so for the recipient who has it.
        told = replace(told, wait=last.wait, cause=told.cause if permanent else last.reason)
    return lead.verdict.rule, told


def _naming(detail: str, others: list[str]) -> str:
    """The clause with as many of the other recipients as fit, and a count of the rest."""
    for named, address in enumerate(others):
        left = len(others) - named
        longer = f"{detail}, {address}"
        if not address.isascii() or len(longer) + (len(f" and {left} more") if left > 1 else 0) > DETAIL_ROOM:
            return f"{detail} and {left} more"
        detail = longer
    return detail
