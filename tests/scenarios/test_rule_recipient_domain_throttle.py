"""Rule 21: where it is on, one domain gets so much an hour and the rest follows at that pace."""

from policy.usage import HOUR
from relay.submission.wishes import parse_time
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, taken, trace


def test_what_is_too_much_for_a_domain_is_put_off_and_not_refused(gate: Gate):
    agent = gate.mailbox({"recipient_domain_throttle": {"mode": "enforce", "limit": 100, "domains": {"slow.test": 1}}})
    taken(agent.submit("a@slow.test"))
    send = taken(agent.submit("b@slow.test"))
    told = trace(gate, send)
    assert told["recipients"][0]["outcome"] == "scheduled"
    assert checked(told, "recipient_domain_throttle", "passed", current=1, limit=1, domain="slow.test")["scheduled_for"]
    assert events(gate, send) == ["send.scheduled"]
    gate.later(61 * 60)
    gate.arrived("b@slow.test")


def test_however_long_they_come_no_more_leave_in_an_hour_than_is_allowed(gate: Gate):
    agent = gate.mailbox({"recipient_domain_throttle": {"mode": "enforce", "limit": 2}})
    due = list[int]()
    for wave in range(3):
        people = [f"{wave}-{n}@hourly.test" for n in range(3)]
        told = trace(gate, taken(agent.submit(people, agent.receipt(people[0]))))
        found = [c for c in told["checks"] if c["rule"] == "recipient_domain_throttle"]
        due += [parse_time(c["scheduled_for"]) if "scheduled_for" in c else gate.clock() for c in found]
        gate.later(61 * 60)
    assert len(due) == 9
    assert max(sum(end - HOUR < at <= end for at in due) for end in due) == 2
