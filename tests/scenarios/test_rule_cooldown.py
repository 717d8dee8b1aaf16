"""Rule 16: some minutes between two commercial messages to one person."""

from policy.moment import iso
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace
from tests.support.waiting import until

RULE = {"cooldown": {"mode": "enforce", "minutes": 10}}


def test_a_second_offer_within_ten_minutes_waits_and_then_passes(gate: Gate):
    agent, to = gate.mailbox(RULE), "cool@example.com"
    taken(agent.submit(to, agent.offer(to)))
    said = refused(agent.submit(to, second := agent.offer(to)))
    assert said.verdict[:3] == (451, "4.7.0", "cooldown")
    assert said.next == "wait"
    assert 590 <= int(said.retry) <= 600
    told = trace(gate, said.send)
    assert (told["decision"], told["reason"]) == ("deferred", "cooldown")
    assert checked(told, "cooldown", "failed", to)["resets_at"]
    assert events(gate, said.send) == ["send.blocked"]
    taken(agent.submit(to))  # transactional mail does not wait
    gate.later(601)
    taken(agent.submit(to, second))


def test_a_wait_longer_than_a_day_is_permanent_and_still_named(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 3000}}), "long@example.com"
    taken(agent.submit(to, agent.offer(to)))
    said = refused(agent.submit(to, agent.offer(to)))
    assert said.verdict[:3] == (550, "5.7.1", "cooldown")
    assert int(said.retry) > 86_400


def test_a_wait_longer_than_a_day_is_a_block_at_rcpt_by_http_and_in_the_trace(gate: Gate):
    agent = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 2000, "all_mail": True}})
    to = "longer@example.com"
    taken(agent.submit(to))
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command(f"RCPT TO:<{to}>"))
    assert said.verdict[:3] == (550, "5.7.1", "cooldown")
    body = {"mailboxId": agent.id, "to": to, "subject": "Another", "body": "Another one."}
    told = gate.call("POST", "/v1/send/request", body)
    assert (told["decision"], told["reason"]) == ("blocked", "cooldown")
    for send in (said.send, told["sendId"]):
        until(lambda send=send: gate.call("GET", f"/v1/events?sendId={send}")["data"])
        assert trace(gate, send)["decision"] == "blocked"


def test_where_it_is_for_all_mail_it_is_told_at_rcpt(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 10, "all_mail": True}}), "all@example.com"
    taken(agent.submit(to))
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command(f"RCPT TO:<{to}>"))
    assert said.verdict[:3] == (450, "4.7.0", "cooldown")


def test_two_for_one_moment_do_not_leave_within_the_cooldown_whichever_was_accepted_first(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce", "minutes": 1}}), "moment@example.com"
    at = iso(gate.clock() + 180_000)
    first = taken(agent.submit(to, agent.offer(to, f"X-Gatepost-Send-At: {at}")))
    gate.later(70)
    said = refused(agent.submit(to, agent.offer(to, f"X-Gatepost-Send-At: {at}")))
    assert said.verdict[:3] == (451, "4.7.0", "cooldown")
    assert f"gets other mail at {at}, less than 1 minutes from this" in said.detail
    assert checked(trace(gate, said.send), "cooldown", "failed", to)["last"] == at
    taken(agent.submit(to, agent.offer(to)))  # today's is not stopped by what leaves later
    gate.later(120)
    gate.settled(first)
    second = agent.offer(to)
    assert refused(agent.submit(to, second)).reason == "cooldown"
    gate.later(61)
    taken(agent.submit(to, second))
    gate.arrived(to, 3)
