"""The trace of a decision, as it is shown and recorded: which rule looked at what, and what it found."""

from typing import Any

from policy.decision import Decision
from policy.facts import Facts
from policy.moment import iso


def trace(decision: Decision, facts: Facts) -> dict[str, Any]:
    """The decision as plain data; the checks stand in the order of the rules."""
    return {
        "sendId": facts.send_id,
        "decision": decision.decision,
        "checks": [check.as_json() for check in decision.checks],
        "timestamp": iso(facts.now),
    }


def verdicts(decision: Decision) -> list[dict[str, Any]]:
    """What became of each recipient, fields that say nothing left out."""
    return [
        {
            "recipient": verdict.recipient,
            "outcome": verdict.outcome,
            **({"rule": verdict.rule} if verdict.rule else {}),
            **({"reason": verdict.refusal.reason} if verdict.refusal else {}),
            **({"due": iso(verdict.due)} if verdict.due else {}),
            **({"firstSend": verdict.first_send} if verdict.first_send else {}),
        }
        for verdict in decision.verdicts
    ]
