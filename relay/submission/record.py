"""The permanent record of a decision: the trace, and the facts and state from which it was made.

A record contains no recipient address, only a random token in its place. Erasing a person deletes the meaning
of the token; the record itself does not change.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from policy.decision import Decision, RecipientVerdict
from policy.facts import Facts
from policy.moment import exact
from policy.recorded import facts_to_json, state_to_json
from policy.state import State
from relay.store.events import Event
from relay.store.traces import ALIAS


def record_content(send_id: str, facts: Facts, state: State, decision: Decision) -> dict[str, Any]:
    """The content of a record, still with addresses; `audit` replaces them as it writes."""
    known = state_to_json(state, facts, _latest(facts, decision))
    return verdict_content(send_id, facts, decision) | {"facts": _facts(facts), "state": known}


def verdict_content(send_id: str, facts: Facts, decision: Decision) -> dict[str, Any]:
    """What a record says of the verdict, without the facts and state behind it.

    An accepting answer can be given again from it, word for word.
    """
    why = decision.refusal
    return {
        "v": 1,
        "sendId": send_id,
        "tenant": facts.tenant,
        "mailbox": facts.mailbox,
        "decision": decision.decision,
        "rule": decision.rule,
        "reason": decision.reason,
        **({"detail": why.detail, "next": why.next} if why and decision.decision == "held" else {}),
        "verdicts": [verdict_row(verdict) for verdict in decision.verdicts],
        "checks": [check.as_json() for check in decision.checks],
        "timestamp": exact(facts.now),
    }


def verdict_row(verdict: RecipientVerdict) -> list[Any]:
    """Recipient, outcome, rule, first send, reason and due time; what does not apply is "" or 0."""
    reason = verdict.refusal.reason if verdict.refusal else ""
    return [verdict.recipient, verdict.outcome, verdict.rule, verdict.first_send, reason, verdict.due]


def _latest(facts: Facts, decision: Decision) -> int:
    """The latest time about which a rule was asked: when a copy leaves, or when the message would pass."""
    waits = [facts.now + v.refusal.wait * 1000 for v in decision.verdicts if v.refusal is not None]
    return max(facts.now, facts.send_at, *waits, *[v.due for v in decision.verdicts])


def event_of(facts: Facts, kind: str, data: Mapping[str, Any], recipient: str = "") -> Event:
    """An event about a submission, or about one of its recipients if `recipient` is given."""
    return Event(kind, facts.now, facts.tenant, facts.mailbox, facts.send_id, recipient=recipient, data=data)


def words_for(facts: Facts, tokens: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """The words by which a record could identify a recipient, each with its token; `tokens` is keyed by
    tenant and address key.

    An alias that is also the address of another recipient gets that recipient's token. Any other alias gets a
    token derived from its own recipient's, which loses its meaning when that recipient is erased.
    """
    own = [(r, tokens[facts.tenant, r.key]) for r in facts.recipients]
    words = {word: token for r, token in own for word in (r.address, r.key)}
    for r, token in own:
        words.setdefault(r.alias, token + ALIAS)
    return words


def refused_recipients(
    send_id: str, facts: Facts, decision: Decision, tokens: Mapping[tuple[str, str], str]
) -> tuple[dict[str, str], ...]:
    """Who was refused and why, each identified by the token that replaces the address in the record."""
    refused = [(v.recipient, v.refusal.reason) for v in decision.verdicts if v.outcome == "refused" and v.refusal]
    if not refused:
        return ()
    keys = {r.address: r.key for r in facts.recipients}
    return tuple(
        {"send_id": send_id, "token": tokens[facts.tenant, keys[address]], "reason": reason}
        for address, reason in refused
    )


def _facts(facts: Facts) -> dict[str, Any]:
    """The facts with a digest in place of each key: clients build addresses into keys, and a record
    cannot be erased.
    """
    data = facts_to_json(facts)
    for name in ("dedupe_key", "idempotency_key"):
        if key := data.get(name):
            data[name] = blake2b(key.encode(), digest_size=12).hexdigest()
    return data
