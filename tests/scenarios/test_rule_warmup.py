"""Rule 22: where it is on, a young sending domain sends little."""

from collections import Counter

from policy.usage import DAY
from relay.submission.wishes import parse_time
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


def test_what_waits_for_a_day_has_its_place_on_that_day_and_the_ramp_goes_on(gate: Gate):
    domain = {"domain": "new.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}
    gate.change({"domains": [*gate.tree["domains"], domain]})
    agent = gate.mailbox({"warmup": {"mode": "enforce", "ramp": [2, 3], "step_days": 2}}, fromAddress="x@new.test")
    begun, days = gate.clock() // DAY, Counter[int]()
    for wave in range(2):
        for n in range(4):
            to = f"ramp{wave}-{n}@example.com"
            check = checked(trace(gate, taken(agent.submit(to, agent.offer(to)))), "warmup", "passed")
            at = parse_time(check["scheduled_for"]) if "scheduled_for" in check else gate.clock()
            days[at // DAY - begun] += 1
        gate.later(86_400)
    assert all(left <= (2 if day < 2 else 3) for day, left in days.items()), days
    assert max(days) <= 4
