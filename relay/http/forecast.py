"""What would become of each recipient of a held message if it were approved now.

The same rules are asked as at departure, with what is known now: who unsubscribed or bounced since the message was
held, whose mailbox is paused, which limit is full. Nothing is promised: what changes before departure counts then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection

from policy.moment import precise
from policy.settings import PolicySettings
from relay.delivery.recheck import Stop, foreseen, refused
from relay.http.house import House
from relay.http.shapes import DateTime, Told
from relay.store import approvals, queue, sent

_CHANGED = Stop(
    "changed_since_held",
    is_final=True,
    detail="the stored message is not the one that was held; it can only be rejected",
)
Outcome = Literal["leaves", "scheduled", "waits", "rejected"]


class RecipientForecast(Told):
    """What an approval would do for one recipient: it leaves at once, at its time, when nothing prevents it any
    more, or never.
    """

    recipient: str
    outcome: Outcome
    reason: str | None
    detail: str | None
    until: DateTime | None


async def forecast(house: House, send_id: str) -> list[dict[str, Any]]:
    """An outlook for each held recipient, while the message waits. Raises Unavailable."""
    approval = await house.look(lambda c: approvals.one(c, send_id))
    if approval is None or approval.status != "pending":
        return []
    policy, now = await house.policy_of(approval.mailbox_id), house.clock()
    return await house.look(lambda c: outlooks(c, approval, policy, now))


def outlooks(connection: Connection, approval: Any, policy: PolicySettings, now: int) -> list[dict[str, Any]]:
    """The same, read from a given store; also used by the command line."""
    parcel = queue.parcel_of(connection, approval.send_id)
    held = [d for d in sent.deliveries_of(connection, [approval.send_id])[approval.send_id] if d.state == "held"]
    if parcel is None or not held:
        return []
    stops = {delivery.n: _CHANGED for delivery in held}
    if approvals.is_as_held(connection, approval):
        stops = foreseen(connection, parcel, policy, now)
    return [_outlook(row, stops.get(row.n), now) for row in held]


async def never(house: House, ids: Sequence[str]) -> dict[str, dict[int, Stop]]:
    """The deliveries of several held messages that the policy would refuse for good, by number. Raises Unavailable.

    The messages' bytes are not read; that one was changed is only reported where it is viewed alone.
    """
    parcels = await house.look(lambda c: queue.parcels_of(c, ids))
    policies = await house.policies_of(p.mailbox_id for p in parcels)
    held, now = [(p, policies[p.mailbox_id]) for p in parcels], house.clock()
    stops = await house.look(lambda c: refused(c, held, now)) if held else []
    return {p.send_id: found for p, found in zip(parcels, stops, strict=True) if found}


def _outlook(row: Any, stop: Stop | None, now: int) -> dict[str, Any]:
    outcome, until = _outcome(row, stop, now)
    told = stop if outcome in ("waits", "rejected") else None
    return {
        "recipient": row.recipient,
        "outcome": outcome,
        "reason": told.reason if told else None,
        "detail": (told.detail or None) if told else None,
        "until": precise(until),
    }


def _outcome(row: Any, stop: Stop | None, now: int) -> tuple[Outcome, int]:
    if stop is not None and stop.is_final:
        return "rejected", 0
    if row.due_at > now:
        return "scheduled", row.due_at
    return ("waits", stop.until) if stop is not None else ("leaves", 0)


def because(outlook: Mapping[str, Any]) -> str:
    """Why a recipient does not get it at once, as a clause beside the address; empty if nothing prevents that."""
    words = str(outlook["detail"] or "").removeprefix(outlook["recipient"]).lstrip(" :")
    return words or str(outlook["reason"] or "").replace("_", " ")


def in_words(outlooks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who would not get it at once, and why or until when; all others would."""
    kept = [f"{o['recipient']} {_kept(o)}" for o in outlooks if o["outcome"] != "leaves"]
    leaving = len(outlooks) - len(kept)
    return [*([f"it leaves at once for {leaving} of {len(outlooks)}"] if leaving else []), *kept]


def _kept(outlook: Mapping[str, Any]) -> str:
    until = f"until {outlook['until']}" if outlook["until"] else ""
    return f"{outlook['outcome']}: {', '.join(filter(None, (because(outlook), until)))}"


def counted(outlooks: Sequence[Mapping[str, Any]]) -> str:
    """How many recipients get it when; empty if all get it at once."""
    counts = Counter(o["outcome"] for o in outlooks)
    if not counts.keys() - {"leaves"}:
        return ""
    return f"Recipients who get it {', '.join(f'{words}: {counts[o]}' for o, words in _WHEN.items() if counts[o])}."


_WHEN = {
    "leaves": "at once",
    "scheduled": "at the scheduled time",
    "waits": "once nothing stops it",
    "rejected": "never",
}
