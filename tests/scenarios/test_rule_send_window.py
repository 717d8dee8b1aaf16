"""Rule 25: where it is on, commercial mail leaves at decent hours."""

from datetime import UTC, datetime, timedelta

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, taken, trace

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def test_commercial_mail_outside_the_window_is_scheduled_and_other_mail_goes(gate: Gate):
    later = datetime.fromtimestamp(gate.clock() / 1000, UTC) + timedelta(hours=2)
    window = {"mode": "enforce", "days": DAYS, "start": f"{later:%H:%M}", "end": f"{later + timedelta(hours=1):%H:%M}"}
    agent = gate.mailbox({"send_window": window})
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
