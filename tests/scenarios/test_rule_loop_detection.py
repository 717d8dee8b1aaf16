"""Rule 15: the same thing in other words, to one person or to a crowd."""

from concurrent.futures import ThreadPoolExecutor

from tests.policy.notifications import NOTIFICATIONS
from tests.policy.rewordings import FOLLOW_UPS
from tests.scenarios.gate import Gate
from tests.scenarios.letters import letter
from tests.scenarios.verdicts import checked, events, refused, taken, trace
from tests.support.provider import Provider
from tests.support.server import MakeServer
from tests.support.settings import DOMAIN


def test_P22_the_fourth_rewording_to_one_recipient_is_stopped_and_so_are_all_after_it(gate: Gate):
    agent, to = gate.mailbox(), "dana@example.com"
    with agent.connect() as client:
        replies = [client.submit(agent.address, [to], agent.letter(to, subject, text)) for subject, text in FOLLOW_UPS]
    assert [reply.code for reply in replies] == [250] * 3 + [550] * 17
    said = refused(replies[3])
    assert said.verdict == (550, "5.7.1", "loop_detected", "human", "ask_human")
    assert said.detail == f"4 similar messages to {to} in 24 hours"
    told = trace(gate, said.send)
    assert told["rule"] == "loop_detection"
    checked(told, "loop_detection", "failed", to, current=3, limit=3)
    assert [events(gate, said.send).count(kind) for kind in ("send.blocked", "alert.raised")] == [1, 1]
    gate.arrived(to, 3)


def test_forty_notifications_that_differ_in_their_facts_all_arrive(gate: Gate):
    agent, to = gate.mailbox(), "dana.fleet@example.com"
    with agent.connect() as client:
        for subject, text in NOTIFICATIONS:
            taken(client.submit(agent.address, [to], agent.letter(to, subject, text)))
    gate.arrived(to, 40)


def test_in_mode_warn_the_fourth_goes_and_the_trace_says_warned(gate: Gate):
    agent, to = gate.mailbox({"loop_detection": {"mode": "warn"}}), "warned@example.com"
    with agent.connect() as client:
        sends = [
            taken(client.submit(agent.address, [to], agent.letter(to, subject, text)))
            for subject, text in FOLLOW_UPS[:4]
        ]
    checked(trace(gate, sends[3]), "loop_detection", "warned", to)


def test_the_same_offer_to_a_crowd_by_an_agent_warns(gate: Gate):
    agent = gate.mailbox({"loop_detection": {"fan_out": {"limit": 3, "mode": "enforce"}}}, role="agent")
    with agent.connect() as client:
        replies = [
            client.submit(
                agent.address, [f"crowd{n}@example.com"], agent.letter(f"crowd{n}@example.com", *FOLLOW_UPS[0])
            )
            for n in range(3)
        ]
    assert [reply.code for reply in replies] == [250, 250, 550]
    assert refused(replies[2]).reason == "loop_detected"


def test_with_pause_a_loop_pauses_the_mailbox_until_a_person_resumes_it(gate: Gate):
    agent, to = gate.mailbox({"loop_detection": {"limit": 1, "pause": True}}), "paused-loop@example.com"
    with agent.connect() as client:
        replies = [client.submit(agent.address, [to], agent.letter(to, *follow_up)) for follow_up in FOLLOW_UPS[:3]]
    assert [reply.code for reply in replies] == [250, 550, 550]
    assert [refused(reply).reason for reply in replies[1:]] == ["loop_detected", "mailbox_paused"]
    cause = "a loop: 2 similar messages to one recipient in 24 hours"
    assert refused(replies[2]).detail == f"{agent.name} is paused by the policy, {cause}"
    told = gate.call("GET", f"/v1/mailboxes/{agent.id}")
    assert (told["status"], told["pausedBy"]) == ("paused", "policy")
    happened = gate.call("GET", f"/v1/events?types=mailbox.paused&mailboxId={agent.id}")["data"]
    assert [event["data"]["by"] for event in happened] == ["policy"]
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    taken(agent.submit("somebody-else@example.com"))


def test_a_loop_that_is_only_watched_pauses_nobody(gate: Gate):
    agent, to = gate.mailbox({"loop_detection": {"mode": "warn", "limit": 1, "pause": True}}), "watched@example.com"
    with agent.connect() as client:
        for subject, text in FOLLOW_UPS[:3]:
            taken(client.submit(agent.address, [to], agent.letter(to, subject, text)))
    assert gate.call("GET", f"/v1/mailboxes/{agent.id}")["status"] == "active"


def test_a_loop_seen_by_several_processes_at_once_pauses_once(make_server: MakeServer, provider: Provider):
    server = make_server(
        {
            "server": {"workers": 2},
            "policies": {"default": {"rules": {"loop_detection": {"limit": 1, "pause": True}}}},
        },
        providers=[provider.settings()],
    )
    to, sender = "dana@example.com", f"agent@{DOMAIN}"
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda one: server.submit([to], letter(sender, to, *one)), FOLLOW_UPS[:8]))
    assert [reply.code for reply in replies].count(250) == 1
    assert {refused(reply).reason for reply in replies if reply.code != 250} <= {"loop_detected", "mailbox_paused"}
    assert len(server.call("GET", "/v1/events?types=mailbox.paused")["data"]) == 1
    assert server.call("GET", "/v1/mailboxes/agent")["pausedBy"] == "policy"
