"""What would become of each recipient of a held message, were it approved at this moment.

The very rules that are asked at departure are asked now, on what is known now: who
unsubscribed or bounced since it was held, whose mailbox is paused, which limit is full.
Nothing is promised: what changes until it leaves counts then.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import replace

from policy.moment import precise
from relay.delivery.recheck import Stop, foreseen
from relay.http.house import House
from relay.http.shapes import DateTime, Told
from relay.store import queue, sent

Outcome = Literal["leaves", "scheduled", "waits", "rejected"]


class Outlook(Told):
    """What an approval would do for one recipient: it leaves at once, at its time, once nothing keeps it, or never."""

    recipient: str
    outcome: Outcome
    reason: str | None
    detail: str | None
    until: DateTime | None


async def forecast(house: House, send_id: str, mailbox_id: str) -> list[dict[str, Any]]:
    """An outlook for each recipient that is held; raises Unavailable."""
    account = await house.accounts.get(mailbox_id)
    policy = account.policy if account is not None else house.settings().policy()
    now = house.clock()

    def question(connection: Any) -> Any:
        held = [d for d in sent.deliveries_of(connection, [send_id])[send_id] if d.state == "held"]
        parcel = queue.parcel_of(connection, send_id)
        if parcel is None or not held:
            return held, {}
        waiting = replace(parcel, due=tuple([due for due in parcel.due if due.state == "held"]))
        return held, foreseen(connection, waiting, policy, now)

    held, stops = await house.look(question)
    return [_outlook(row, stops.get(row.n), now) for row in held]


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
    """Why a recipient does not get it at once, as a clause beside the address; empty where nothing keeps it."""
    words = str(outlook["detail"] or "").removeprefix(outlook["recipient"]).lstrip(" :")
    return words or str(outlook["reason"] or "").replace("_", " ")
