"""Rule 25: where it is on, commercial mail leaves at decent hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, states, taken, trace
from tests.support.script import Script
from tests.support.waiting import until

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _from_now(gate: Gate, **ahead: int) -> datetime:
    return datetime.fromtimestamp(gate.clock() / 1000, UTC) + timedelta(**ahead)


def _window(opens: datetime, **more: Any) -> dict[str, Any]:
    """An hour a day."""
    hours = {"start": f"{opens:%H:%M}", "end": f"{opens + timedelta(hours=1):%H:%M}"}
    return {"send_window": {"mode": "enforce", "days": DAYS, **hours}, **more}


def _waiting(gate: Gate, send: str) -> tuple[str, str, str]:
    """State, reason and due time of a send's only recipient."""
    (one,) = gate.call("GET", f"/v1/sends/{send}")["recipients"]
    return one["state"], one["reason"], one["nextAttemptAt"][:16]


def test_commercial_mail_outside_the_window_is_scheduled_and_other_mail_goes(gate: Gate):
    later = _from_now(gate, hours=2)
    agent = gate.mailbox(_window(later))
    send = taken(agent.submit("window@example.com", agent.offer("window@example.com")))
    told = trace(gate, send)
    assert told["recipients"][0] == {
        "recipient": "window@example.com",
        "outcome": "scheduled",
        "rule": "send_window",
        "firstSend": None,
    }
    assert checked(told, "send_window", "passed", zone="UTC")["scheduled_for"] == f"{later:%Y-%m-%dT%H:%M}:00Z"
    assert events(gate, send) == ["send.scheduled"]
    taken(agent.submit("window2@example.com"))
    gate.arrived("window2@example.com")
    gate.later(2 * 3600)
    gate.arrived("window@example.com")


def test_what_a_person_lets_go_outside_the_hours_waits_for_the_next(gate: Gate):
    opened = _from_now(gate, minutes=-30)
    agent = gate.mailbox(_window(opened), autonomyLevel="human_approved")
    to, other = "late-word@example.com", "late-word2@example.com"
    send = taken(agent.submit(to, agent.offer(to)), "held for approval")
    receipt = taken(agent.submit(other), "held for approval")
    gate.later(3600)  # the hour is over
    for one in (send, receipt):
        gate.call("POST", f"/v1/approvals/{one}", {"decision": "approve"})
    gate.arrived(other)
    tomorrow = opened + timedelta(days=1)
    until(lambda: _waiting(gate, send) == ("queued", "send_window", f"{tomorrow:%Y-%m-%dT%H:%M}"))
    assert gate.provider.ledger.copies_for(to) == 0
    gate.later((tomorrow - _from_now(gate)).total_seconds() + 1)
    gate.arrived(to)


def test_what_is_tried_again_is_tried_within_the_hours(gate: Gate):
    opened = _from_now(gate, minutes=-55)
    agent, to = gate.mailbox(_window(opened)), "night@example.com"
    with gate.provider_says(Script().for_recipient(**{to: "450 4.2.1 mailbox busy"})):
        send = taken(agent.submit(to, agent.offer(to)))
        until(lambda: states(gate, send) == {to: "deferred"})
    told = gate.call("GET", f"/v1/sends/{send}")
    assert told["events"][-1]["data"]["dueAt"] == told["recipients"][0]["nextAttemptAt"]
    gate.later(1800)
    tomorrow = opened + timedelta(days=1)
    until(lambda: _waiting(gate, send) == ("deferred", "send_window", f"{tomorrow:%Y-%m-%dT%H:%M}"))
    gate.later((tomorrow - _from_now(gate)).total_seconds() + 1)
    gate.arrived(to)


def test_what_a_limit_queues_leaves_within_the_hours(gate: Gate):
    opened = _from_now(gate, minutes=-30)
    agent = gate.mailbox(_window(opened, rate_limit_hourly={"limit": 1, "on_exceed": "queue"}))
    sends = [taken(agent.submit(f"queue{n}@example.com", agent.offer(f"queue{n}@example.com"))) for n in range(3)]
    gate.arrived("queue0@example.com")
    for days, send in enumerate(sends[1:], 1):
        due = f"{opened + timedelta(days=days):%Y-%m-%dT%H:%M}"
        assert checked(trace(gate, send), "send_window", "passed")["scheduled_for"] == f"{due}:00Z"
        assert _waiting(gate, send)[::2] == ("scheduled", due)
