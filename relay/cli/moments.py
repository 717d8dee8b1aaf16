"""A send's history in order of time: one line for each event, attempts and events merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.cli.output import how_many, safe, style_of

# Events that only repeat what the decision or an attempt already says.
_SAID_ALREADY = frozenset(
    {"send.queued", "send.held", "send.scheduled", "send.blocked", "delivery.active", "delivery.queued"}
)
_OF_ATTEMPT = ("reply", "phase", "took", "attempt", "number")  # shown in the attempt's own line
_MARKS = {"passed": "✓", "failed": "✗", "warned": "!", "shadowed": "◌", "skipped": "–", "error": "✗"}
_QUIET = ("rule", "status", "recipient", "reason", "detail", "features")


@dataclass(frozen=True, slots=True)
class Moment:
    """One line: when, what, and the words of whoever said it."""

    at: str
    what: str
    words: str
    is_decision: bool = False

    @property
    def day(self) -> str:
        """The date."""
        return self.at[:10]

    @property
    def clock(self) -> str:
        """The time of day with milliseconds."""
        return self.at[11:23]

    @property
    def style(self) -> str:
        """The colour of the word."""
        return style_of(self.what)


def moments(told: Mapping[str, Any]) -> list[Moment]:
    """Everything, oldest first; what happened at the same time stays in order of cause and effect."""
    found = [*_submitted(told), *_decided(told), *_attempts(told), *_events(told), *_due(told)]
    return sorted(found, key=lambda m: m.at)


def checks(recorded: Iterable[Mapping[str, Any]], *, every: bool) -> Iterator[str]:
    """The checks that found something, each with its evidence; the others are only counted."""
    quiet = 0
    for check in recorded:
        if not every and check["status"] in ("passed", "skipped") and "scheduled_for" not in check:
            quiet += 1
            continue
        yield _check(check)
    if quiet:
        yield f"✓ {how_many(quiet, 'check')} passed or skipped (--checks shows them)"


def _check(check: Mapping[str, Any]) -> str:
    evidence = ", ".join(
        f"{name} {_plain(value)}" for name, value in check.items() if name not in _QUIET and value != ""
    )
    words = [_MARKS.get(check["status"], "?"), check["rule"]]
    if check.get("recipient"):
        words.append(f"({check['recipient']})")
    if check.get("detail"):
        words.append(f"{check.get('reason', '')}: {check['detail']}")
    if evidence:
        words.append(f"[{evidence}]")
    return safe(" ".join(words))


def _submitted(told: Mapping[str, Any]) -> Iterator[Moment]:
    if told["receivedAt"]:
        size = f"{told['size']:,} octets" if told["size"] else "no message was taken"
        sender = f"from <{told['mailFrom']}>" if told["mailFrom"] else ""
        words = ", ".join(word for word in (f"by {told['source']}" if told["source"] else "", size, sender) if word)
        yield Moment(told["receivedAt"], "submitted", words)


def _decided(told: Mapping[str, Any]) -> Iterator[Moment]:
    decision = told["decision"]
    if decision["decision"]:
        rule = f"by {decision['rule']}: {decision['reason']}" if decision["rule"] else ""
        kind = told["messageClass"]
        words = ", ".join(word for word in (rule, kind) if word)
        yield Moment(decision["timestamp"] or told["receivedAt"], decision["decision"], words, is_decision=True)


def _attempts(told: Mapping[str, Any]) -> Iterator[Moment]:
    several = len(told["recipients"]) > 1
    for attempt in told["attempts"]:
        to = f" {attempt['recipient']}" if several else ""
        said = attempt["reply"] or attempt["result"] or "under way"
        took = f" ({attempt['milliseconds']} ms)" if attempt["milliseconds"] is not None else ""
        yield Moment(attempt["beganAt"], f"attempt {attempt['number']}", f"{attempt['provider']}{to}: {said}{took}")


def _events(told: Mapping[str, Any]) -> Iterator[Moment]:
    for event in told["events"]:
        if event["type"] in _SAID_ALREADY:
            continue
        family, _, name = event["type"].partition(".")
        said = _OF_ATTEMPT if family == "delivery" else ()
        data = {key: value for key, value in event["data"].items() if value not in ("", None) and key not in said}
        shown = ", ".join(f"{key} {_plain(value)}" for key, value in data.items())
        subject = event["recipient"] if family == "delivery" else ""
        yield Moment(event["at"], name if family in ("delivery", "send") else event["type"], _joined(subject, shown))


def _due(told: Mapping[str, Any]) -> Iterator[Moment]:
    """What is still to come."""
    from relay.store.restored import waits_for_a_person

    for delivery in told["recipients"]:
        if delivery["nextAttemptAt"]:
            words = _joined(delivery["recipient"], f"{delivery['state']} until then", delivery["reason"])
            yield Moment(delivery["nextAttemptAt"], "due", words)
        elif waits_for_a_person(delivery):
            yield Moment(delivery["updatedAt"], "restored", _joined(delivery["recipient"], "waits for a person"))


def _joined(*words: str) -> str:
    return ", ".join(word for word in words if word)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(str, value))
    return str(value)
