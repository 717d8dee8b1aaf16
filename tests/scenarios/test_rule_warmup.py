"""Rule 22: where it is on, a young sending domain sends little."""

from tests.scenarios.gate import YOUNG, Gate
from tests.scenarios.verdicts import checked, refused, taken, trace


def test_commercial_mail_is_scheduled_and_transactional_mail_refused_over_the_ramp(gate: Gate):
    agent = gate.mailbox({"warmup": {"mode": "enforce", "ramp": [1]}}, fromAddress=f"y@{YOUNG}")
    taken(agent.submit("warm1@example.com"))
    said = refused(agent.submit("warm2@example.com"))
    assert said.verdict[:3] == (451, "4.7.0", "warmup_limit")
    assert said.detail == f"1 of 1 today while {YOUNG} warms up"
    assert checked(trace(gate, said.send), "warmup", "failed")["resets_at"]
    send = taken(agent.submit("warm3@example.com", agent.offer("warm3@example.com")))
    assert trace(gate, send)["recipients"][0]["outcome"] == "scheduled"
