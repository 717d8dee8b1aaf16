"""Turns a decision into the API's answer: the same reason, retry and next step that SMTP gives in its one line."""

from collections.abc import Mapping, Sequence
from typing import Any

from policy.decision import Decision, Refusal
from policy.moment import exact, iso
from relay.submission.record import verdict_row
from relay.submission.submission import Answer

STATUS = {"approved": "queued", "held": "held", "blocked": "blocked", "deferred": "blocked"}


def judgement(answer: Answer, now: int) -> dict[str, Any]:
    """The answer to a submission."""
    decision = answer.decision
    return {"sendId": answer.send_id, **_decided(decision, answer.replayed), "timestamp": exact(now)}


def simulated(decision: Decision, message_class: str, edits: Sequence[str], now: int) -> dict[str, Any]:
    """The answer a message would get if it were sent."""
    replayed = bool(decision.verdicts) and all(v.outcome == "replayed" for v in decision.verdicts)
    return {
        **_decided(decision, replayed),
        "messageClass": message_class,
        "failing": [check.as_json() for check in decision.checks if check.status in ("failed", "error")],
        "edits": list(edits),
        "timestamp": exact(now),
    }


def replay(send_id: str, record: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The first answer once more, from its record (with tokens resolved)."""
    return {
        "sendId": send_id,
        **as_before(record),
        "replayed": True,
        "checks": list(record.get("checks", ())),
        "recipients": [_told(*row) for row in record["verdicts"]],
        "timestamp": record.get("timestamp") or exact(now),
    }


def as_before(record: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict of the first answer, from its record."""
    outcomes = [outcome for _, outcome, *_ in record["verdicts"]]
    held = record["decision"] == "held"
    return {
        "status": "scheduled" if outcomes and set(outcomes) == {"scheduled"} else STATUS[record["decision"]],
        "decision": record["decision"],
        "reason": (record.get("reason") or "held") if held else None,
        "detail": record.get("detail"),
        "retry": "human" if held else None,
        "retryAfter": None,
        "next": record.get("next", "none"),
    }


def _decided(decision: Decision, replayed: bool) -> dict[str, Any]:
    why = decision.refusal
    return {
        "status": _status(decision),
        "decision": decision.decision,
        "reason": why.reason if why else None,
        "detail": why.detail if why else None,
        "retry": _retry(why),
        "retryAfter": why.wait if why is not None and _retry(why) == "after" else None,
        "next": why.next if why else "none",
        "replayed": replayed,
        "checks": [check.as_json() for check in decision.checks],
        "recipients": [_told(*verdict_row(verdict)) for verdict in decision.verdicts],
    }


def _told(recipient: str, outcome: str, rule: str, first: str, reason: str, due: int) -> dict[str, Any]:
    """What became of a recipient; empty fields are left out."""
    found = {"rule": rule, "reason": reason, "due": iso(due) if due else "", "firstSend": first}
    return {"recipient": recipient, "outcome": outcome} | {name: value for name, value in found.items() if value}


def _status(decision: Decision) -> str:
    accepted = decision.accepted()
    if decision.decision == "approved" and accepted and all(v.outcome == "scheduled" for v in accepted):
        return "scheduled"
    return STATUS[decision.decision]


def _retry(why: Refusal | None) -> str | None:
    """`after` only where waiting helps. A wait of 0 tells an SMTP client to try the rest in another
    transaction, which does not exist here.
    """
    if why is None:
        return None
    return "never" if why.retry == "after" and not why.wait else why.retry


def edits_of(plan: Any) -> list[str]:
    """The planned edits in words."""
    edits = []
    if "footer" in plan:
        edits += ["footer", "List-Unsubscribe", "List-Unsubscribe-Post"]
    if plan.get("recoded"):
        edits.append("long lines encoded anew")
    return edits
