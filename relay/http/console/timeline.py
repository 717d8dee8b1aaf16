"""What became of a message, step by step, in the order it happened, with the exact replies of the other side.

Attempts and events overlap; each occurrence is shown once: an attempt with its reply stands for the change of
state it caused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.http.console.words import DAY, lasted, millis, spoken
from relay.store.restored import waits_for_a_person

# Events that the attempt itself, or the decision, already shows.
_TOLD_BY_ATTEMPT = frozenset(
    f"delivery.{state}" for state in ("active", "delivered", "deferred", "bounced", "uncertain")
)
_TOLD_BY_DECISION = frozenset({"send.queued", "send.held", "send.scheduled", "send.blocked"})
_WORDS = {
    "send.approved": "approved",
    "send.rejected": "rejected",
    "send.cancelled": "withdrawn",
    "delivery.queued": "back in the queue",
    "delivery.scheduled": "leaves later",
    "delivery.cancelled": "cancelled",
    "delivery.rejected": "rejected at departure",
    "delivery.expired": "expired",
    "delivery.uncertain": "outcome unknown",
    "delivery.delivered": "delivered",
    "delivery.deferred": "deferred",
    "delivery.bounced": "bounced",
    "delivery.reported": "accepted by the recipient's server",
    "delivery.opened": "opened",
    "delivery.clicked": "followed a link",
    "delivery.complained": "complained: reported as spam",
    "delivery.unsubscribed": "unsubscribed",
    "suppression.created": "suppressed from now on",
}
_TONES = {
    "send.approved": "good",
    "send.rejected": "stop",
    "delivery.reported": "good",
    "delivery.delivered": "good",
    "delivery.complained": "stop",
    "delivery.bounced": "stop",
    "delivery.rejected": "stop",
    "delivery.expired": "stop",
    "delivery.uncertain": "wait",
    "delivery.deferred": "wait",
    "delivery.unsubscribed": "wait",
}
_OF_RESULT = {"delivered": "good", "deferred": "wait", "failed_over": "wait", "uncertain": "wait", "": "quiet"}
_HIDDEN = frozenset(
    """
    reason by note provider reply code enhanced number attempt phase took dueAt source eventId
    """.split()  # noqa: SIM905 - names read better as words
)
_PHASES = {
    "CONNECT": "while connecting", "GREETING": "at the greeting", "EHLO": "at EHLO", "TLS": "in the TLS handshake",
    "STARTTLS": "at STARTTLS", "AUTH": "at AUTH", "MAIL": "at MAIL FROM", "RCPT": "at RCPT TO", "DATA": "at DATA",
    "BODY": "within the message", "FINAL": "after the final dot",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline; `words` is the other side's reply, `details` are pairs of name and value."""

    at: int
    title: str
    tone: str = "quiet"
    recipient: str = ""
    note: str = ""
    words: str = ""
    took: str = ""
    details: tuple[tuple[str, str], ...] = ()
    is_to_come: bool = False

    @property
    def day(self) -> int:
        """The day on which it happened, in days since the epoch; 0 if it has no time."""
        return self.at // DAY


def steps(send: Mapping[str, Any]) -> list[Step]:
    """The steps of a submission in the API's form (`relay.http.sends.whole`)."""
    many = len(send["recipients"]) > 1
    found = [_submitted(send), _decided(send)]
    found += [_edited(send)] if send["edits"] and send["status"] != "blocked" else []
    found += [_attempt(a, many=many) for a in send["attempts"]]
    found += [_event(e, many=many) for e in _untold(send)]
    # The sort is stable: steps within one millisecond keep the order above.
    return sorted(found, key=lambda step: step.at) + list(_to_come(send, many=many))


def _submitted(send: Mapping[str, Any]) -> Step:
    came = "over SMTP" if send["source"] == "smtp" else "over HTTP"
    envelope = f"MAIL FROM:<{send['mailFrom']}>" if send["source"] == "smtp" else ""
    return Step(
        millis(send["receivedAt"]), "submitted", note=f"{came} by {send['mailbox'] or 'a mailbox'}", words=envelope
    )


def _decided(send: Mapping[str, Any]) -> Step:
    tone = {"approved": "good", "held": "hold"}.get(send["decision"], "stop")
    why = spoken(send["reason"] or "") if send["reason"] and send["reason"] != "held" else ""
    note = " · ".join(filter(None, (why, send["detail"] or "")))
    times = send["repeats"]
    details = (("sent again", "once" if times == 1 else f"{times} times"),) if times else ()
    return Step(millis(send["receivedAt"]), send["decision"], tone, note=note, details=details)


def _edited(send: Mapping[str, Any]) -> Step:
    return Step(millis(send["receivedAt"]), "edits planned", note=", ".join(send["edits"]))


def _attempt(attempt: Mapping[str, Any], *, many: bool) -> Step:
    result = attempt["result"] or ""
    tone = _OF_RESULT.get(result, "stop")
    phase = _PHASES.get(attempt["phase"] or "", attempt["phase"] or "") if result != "delivered" else ""
    said = attempt["reply"] or ""
    shown = spoken(result) or "under way"
    return Step(
        millis(attempt["beganAt"]),
        f"attempt {attempt['number']} at {attempt['provider']}",
        tone,
        attempt["recipient"] if many else "",
        note=" ".join(filter(None, (shown, phase))),
        words=said,
        took=lasted(attempt["milliseconds"]),
        details=(("provider's id", attempt["providerId"]),) if attempt["providerId"] else (),
    )


def _untold(send: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The events that no other step shows."""
    ended = {(a["recipient"], a["number"]) for a in send["attempts"] if a["result"]}
    for event in send["events"]:
        if event["type"] in _TOLD_BY_DECISION or event["type"] == "delivery.active":
            continue
        if event["type"] in _TOLD_BY_ATTEMPT and (event["recipient"] or "", event["data"].get("attempt")) in ended:
            continue
        yield event


def _event(event: Mapping[str, Any], *, many: bool) -> Step:
    data = event["data"]
    by = f"by {data['by']}" if data.get("by") else ""
    reason = spoken(str(data.get("reason") or ""))
    details = tuple(
        (spoken(name), str(value)) for name, value in data.items() if name not in _HIDDEN and value not in ("", None)
    )
    return Step(
        millis(event["at"]),
        _WORDS.get(event["type"], spoken(event["type"].partition(".")[2])),
        _TONES.get(event["type"], "quiet"),
        event["recipient"] or "" if many else "",
        note=" · ".join(filter(None, (by, reason, str(data.get("note") or "")))),
        words=str(data.get("reply") or ""),
        details=details,
    )


def _to_come(send: Mapping[str, Any], *, many: bool) -> Iterable[Step]:
    """What is still to come."""
    for recipient in send["recipients"]:
        if recipient["nextAttemptAt"]:
            title = "leaves" if recipient["state"] == "scheduled" else "next attempt"
            yield Step(
                millis(recipient["nextAttemptAt"]),
                title,
                recipient=recipient["recipient"] if many else "",
                is_to_come=True,
            )
        elif recipient["state"] == "held" or waits_for_a_person(recipient):
            yield Step(0, "waits for a person", "hold", recipient["recipient"] if many else "", is_to_come=True)
