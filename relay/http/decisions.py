"""Decisions: the recorded trace of each decision, chained by hashes.

A record has a random token in place of each address. The address behind a token is looked up when the trace
is shown; after the person was erased it reads `erased`, and the record still verifies.
"""

from typing import Annotated, Any

from fastapi import Query

from policy.decision import Reason, Verdict
from relay.http.access import Caller, Parts, Reads
from relay.http.house import House
from relay.http.problems import not_found
from relay.http.send_shapes import Checks, Verdicts
from relay.http.sends import SendId
from relay.http.shapes import DateTime, Told, among
from relay.http.strict import Resource
from relay.store import traces

router = Resource("Decisions")


class DecisionTrace(Told):
    """A decision with its checks in the order of the rules."""

    send_id: str
    decision: Annotated[str, among(Verdict)]
    rule: str | None
    reason: Annotated[str, among(Reason)] | None
    checks: Checks
    recipients: Verdicts
    timestamp: DateTime
    chain: str
    position: int
    previous_hash: str
    hash: str
    repeats: int
    facts: dict[str, Any] | None = None
    state: dict[str, Any] | None = None


_AS_RECORDED = ["sendId", "decision", "checks", "timestamp", "chain", "position", "previousHash", "hash", "repeats"]


@router.get(
    "/decisions/{sendId}", summary="Show a decision", response_model=DecisionTrace, response_model_exclude_unset=True
)
async def show_decision(
    send_id: SendId,
    parts: Parts,
    who: Reads,
    full: Annotated[bool, Query(description="With the facts and the state it was made from.")] = False,
) -> Any:
    """The trace as it was recorded when the decision was made."""
    return await trace(parts, who, send_id, full=full)


async def trace(parts: House, who: Caller, send_id: str, *, full: bool = False) -> dict[str, Any]:
    """The recorded decision. Raises 404. Also used by the console."""
    record = await parts.find(lambda c: traces.shown(c, send_id))
    if record is None or not who.sees(record["tenant"], record["mailbox"]):
        raise not_found("decision")
    told = {name: record[name] for name in _AS_RECORDED} | {
        "rule": record["rule"] or None,
        "reason": record["reason"] or None,
        "recipients": [
            {"recipient": address, "outcome": outcome, "rule": rule or None, "firstSend": first or None}
            for address, outcome, rule, first, *_ in record["verdicts"]
        ],
    }
    return told | {"facts": record.get("facts"), "state": record.get("state")} if full else told
