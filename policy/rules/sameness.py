"""Whether the message was sent before: 14, duplicates, which are replayed; 15, loops, which are stopped."""

from functools import lru_cache
from operator import attrgetter
from typing import Any

from policy.decision import Refusal
from policy.facts import Facts, RecipientFacts
from policy.moment import iso
from policy.rule import Mode
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, unread
from policy.settings import Duplicate, LoopDetection
from policy.sketch import similar
from policy.state import Earlier, RecipientState
from policy.usage import DAY, HOUR, MINUTE

# In order of certainty: with a key the client itself says «the same», with a Message-ID nearly so; content is a guess.
_KINDS = ("key", "message_id", "held", "content")
_BY = {
    "key": "dedupe key",
    "idempotency_key": "Idempotency-Key",
    "message_id": "Message-ID",
    "held": "content",
    "content": "content",
    "message": "recipient",
}

_STRICTNESS: dict[Mode, int] = {"off": 0, "shadow": 1, "warn": 2, "enforce": 3}


def duplicate(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """14: a repeat gets the answer of the accepted first submission; nothing is sent again."""
    if recipient.key in case.accepted_keys:  # the envelope names one recipient twice
        return _replay(case.facts.send_id, "message", case.facts.now)
    if (first := answered(case)) is not None:
        return _replay(first.send_id, first.kind, first.at)
    if known is None or known.earlier is None:
        return unread("earlier submissions")
    if not known.earlier:
        return PASSED
    rule, facts = case.settings.duplicate, case.facts
    for kind in _KINDS:
        window = _window(rule, facts, kind)
        same = [e for e in known.earlier if e.kind == kind and facts.now - e.at < window]
        if same:
            first = min(same, key=attrgetter("at", "send_id"))
            return _replay(first.send_id, kind, first.at)
    return PASSED


def answered(case: Case) -> Earlier | None:
    """14 over HTTP: the first request with the same key; its answer stands, whatever this one says and to whom."""
    first, facts = case.state.answered, case.facts
    if first is None or facts.now - first.at >= _window(case.settings.duplicate, facts, first.kind):
        return None
    return first


def _window(rule: Duplicate, facts: Facts, kind: str) -> int:
    """For how many milliseconds a match of this kind is remembered, for this message."""
    if kind in ("key", "idempotency_key"):
        return rule.dedupe_key_days * DAY
    if kind == "message_id":
        return rule.message_id_days * DAY
    # Identical alerts with new Message-IDs are intended; identical sales mail is not.
    if kind == "held" or facts.message_class == "commercial" or not facts.message_id:
        return rule.content_minutes * MINUTE
    return rule.transactional_seconds * 1000


def _replay(send_id: str, kind: str, at: int) -> Finding:
    evidence = {"first_send": send_id, "by": kind, "at": iso(at)}
    refusal = Refusal("duplicate", f"same {_BY[kind]} as {send_id}", "never", "none")
    return Finding("replay", evidence, refusal, first_send=send_id)


@lru_cache(maxsize=8192)
def alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two sketches are of the same message; cached, as the question recurs when the decision is recorded."""
    # Most messages have no part in common; this check takes a fifteenth of the time of `similar`.
    return not _parts(one).isdisjoint(other) and similar(one, other)


_parts = lru_cache(maxsize=64)(frozenset[int])


def loop_detection(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """15: not the same message, reworded or not, again and again to one person."""
    if not case.facts.sketch:
        return SKIPPED  # too short to resemble anything
    if known is None or known.recent is None:
        return unread("what the recipient was sent")
    rule, facts = case.settings.loop_detection, case.facts
    since = facts.now - rule.hours * HOUR
    near = sum(1 for sent in known.recent if sent.at > since and alike(facts.sketch, sent.sketch))
    near += case.met.get(case.person(recipient), 0)
    mode = None if case.commercial or facts.in_doubt else _weaker(rule.mode, rule.transactional_mode)
    evidence: dict[str, Any] = {"current": near, "limit": rule.limit}
    if near < rule.limit:
        return Finding("passed", evidence, mode=mode)
    detail = f"{near + 1} similar messages to {recipient.address} in {rule.hours} hours"
    pauses = _pause(rule, f"{near + 1} similar messages to one recipient in {rule.hours} hours")
    return refuse("loop_detected", detail, "human", "ask_human", pauses=pauses, evidence=evidence, mode=mode)


def fan_out(case: Case) -> Finding:
    """15, the other way round: not one commercial message to a crowd, unless the mailbox's role is bulk."""
    rule, mailbox = case.settings.loop_detection.fan_out, case.state.mailbox
    if not case.commercial or mailbox.role == "bulk" or not case.facts.sketch:
        return SKIPPED
    since = case.facts.now - rule.minutes * MINUTE
    near = 1 + max(
        (sum(1 for at in c.times if at > since) for c in mailbox.fan_out if alike(case.facts.sketch, c.sketch)),
        default=0,
    )
    if near < rule.limit:
        return PASSED
    evidence = {"fan_out": near, "limit": rule.limit}
    detail = f"{near} similar messages in {rule.minutes} minutes"
    pauses = _pause(case.settings.loop_detection, detail)
    return refuse("loop_detected", detail, "human", "ask_human", pauses=pauses, evidence=evidence)


def _pause(rule: LoopDetection, found: str) -> str:
    """The cause of the pause if the operator wants one, else the empty string."""
    return f"a loop: {found}" if rule.pause else ""


def _weaker(one: Mode, other: Mode) -> Mode:
    return min(one, other, key=_STRICTNESS.__getitem__)
