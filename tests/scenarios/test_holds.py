"""What waits for a person: let go, refused, taken back, timed out; and what nobody can let go."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from policy.moment import iso
from relay.submission.wishes import parse_time
from tests.policy.rewordings import FOLLOW_UPS
from tests.scenarios.gate import INTERNAL, Agent, Gate
from tests.scenarios.verdicts import checked, events, refused, states, taken, trace


def _held(agent: Agent, to: str) -> str:
    return taken(agent.submit(to), "held for approval")


def _decide(gate: Gate, send: str, decision: str, status: int = 200, **more: object) -> dict[str, object]:
    told: dict[str, object] = gate.call("POST", f"/v1/approvals/{send}", {"decision": decision}, status, **more)
    return told


def test_an_approved_message_is_delivered_once(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "approve@example.com"
    send = _held(agent, to)
    assert states(gate, send) == {to: "held"}
    _decide(gate, send, "approve")
    gate.arrived(to)
    gate.settled(send)
    assert events(gate, send) == ["send.held", "send.approved", "delivery.active", "delivery.delivered"]
    assert _decide(gate, send, "approve", 409)["code"] == "not_waiting"


def test_a_rejected_message_never_leaves(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "reject@example.com"
    send = _held(agent, to)
    _decide(gate, send, "reject")
    assert states(gate, send) == {to: "rejected"}
    assert events(gate, send) == ["send.held", "send.rejected"]
    assert _decide(gate, send, "approve", 409)["code"] == "not_waiting"


def test_h12_subject_and_to_are_one_line_without_encoded_words_to_whoever_decides(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "subject@example.com"
    subject = "=?utf-8?q?Your_order_4711_shipped=0D=0AWhy:_routine=1B[2J?="
    letter = agent.letter(f"=?utf-8?q?K=C3=A4the=0D=0AMay?= <{to}>", subject, "Your order 4711 was shipped.")
    send = taken(agent.submit(to, letter), "held for approval")
    shown = gate.call("GET", f"/v1/sends/{send}")
    assert shown["subject"] == "Your order 4711 shipped Why: routine [2J"
    assert shown["to"] == f"Käthe May <{to}>"


def test_nobody_in_time_is_a_no_and_who_still_has_time_is_waited_for(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "late@example.com"
    send = _held(agent, to)
    gate.clock.advance(24 * 3600 + 1)
    in_time = _held(agent, "in.time@example.com")
    assert _decide(gate, send, "approve", 409)["code"] == "not_waiting"
    gate.run(gate.app.chores._approvals())
    assert states(gate, send) == {to: "rejected"}
    assert gate.call("GET", f"/v1/approvals/{send}")["status"] == "expired"
    assert gate.call("GET", f"/v1/approvals/{in_time}")["status"] == "pending"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bodies SET data = x'2121' WHERE send_id = :send",
        "UPDATE sends SET plan = '{\"footer\": {}}' WHERE id = :send",
        "UPDATE deliveries SET recipient = 'eve@example.com' WHERE send_id = :send",
    ],
)
def test_an_approval_binds_bytes_edits_and_recipients(gate: Gate, change: str):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "bound@example.com"
    send = _held(agent, to)
    gate.run(gate.app.writer.run(lambda c: c.execute(text(change), {"send": send})))
    assert _decide(gate, send, "approve", 409)["code"] == "changed_since_held"
    assert gate.call("GET", f"/v1/approvals/{send}")["status"] == "pending"


def test_who_was_suppressed_meanwhile_is_not_written_to(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "meanwhile@example.com"
    send = _held(agent, to)
    gate.suppress(to, reason="complaint")
    gate.later(2)
    _decide(gate, send, "approve")
    gate.settled(send)
    assert states(gate, send) == {to: "rejected"}
    assert events(gate, send)[-1] == "delivery.rejected"
    assert gate.provider.ledger.copies_for(to) == 0


def test_a_pause_keeps_an_approved_message_until_it_is_lifted(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "paused@example.com"
    send = _held(agent, to)
    gate.call("POST", f"/v1/mailboxes/{agent.id}/pause")
    gate.later(2)
    _decide(gate, send, "approve")
    gate.later(2)
    assert gate.provider.ledger.copies_for(to) == 0
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    gate.later(3600)
    gate.arrived(to)


def test_a_held_message_counts_and_its_repeat_is_no_second_one(gate: Gate):
    agent, to = gate.mailbox({"rate_limit_hourly": {"limit": 2}}, autonomyLevel="human_approved"), "again@example.com"
    message = agent.receipt(to)
    send = taken(agent.submit(to, message), "held for approval")
    assert taken(agent.submit(to, message), "duplicate of an earlier send") == send
    assert len(gate.call("GET", f"/v1/approvals?mailboxId={agent.id}")["data"]) == 1
    checked(trace(gate, _held(agent, to)), "rate_limit_hourly", "passed", current=1)


def test_how_long_a_person_has_is_as_the_file_says_now(gate: Gate):
    gate.change({"approvals": {"timeout": "1h"}})
    send = _held(gate.mailbox(autonomyLevel="human_approved"), "sooner@example.com")
    gate.change({"approvals": {"timeout": "24h"}})
    (held,) = [a for a in gate.call("GET", "/v1/approvals?limit=200")["data"] if a["sendId"] == send]
    assert datetime.fromisoformat(held["expiresAt"]) - datetime.fromisoformat(held["requestedAt"]) == timedelta(hours=1)


@pytest.mark.parametrize("end", ["reject", "withdraw", "timeout"])
def test_what_a_person_or_the_clock_ended_is_no_first_and_its_repeat_is_judged_anew(gate: Gate, end: str):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), f"anew.{end}@example.com"
    message = agent.receipt(to, "X-Gatepost-Dedupe-Key: once")
    first = taken(agent.submit(to, message), "held for approval")
    if end == "timeout":
        gate.clock.advance(24 * 3600 + 1)
        gate.run(gate.app.chores._approvals())
    else:
        _decide(gate, first, end)
    again = taken(agent.submit(to, message), "held for approval")
    assert again != first
    assert taken(agent.submit(to, message), "duplicate of an earlier send") == again
    _decide(gate, again, "approve")
    gate.arrived(to)


@pytest.mark.parametrize("end", ["reject", "withdraw", "timeout"])
def test_what_nobody_let_go_was_not_written_and_its_corrected_version_is_no_loop_and_needs_no_cooling(
    gate: Gate, end: str
):
    rules = {"cooldown": {"mode": "enforce", "minutes": 3000}, "loop_detection": {"limit": 1}}
    agent, to = gate.mailbox(rules, autonomyLevel="human_approved"), f"corrected.{end}+tag@example.com"
    other = gate.mailbox(rules)
    taken(other.submit(to, other.letter(to, *FOLLOW_UPS[0])))
    for follow_up in FOLLOW_UPS[:2]:
        send = taken(agent.submit(to, agent.letter(to, *follow_up)), "held for approval")
        if end == "timeout":
            gate.clock.advance(24 * 3600 + 1)
            gate.run(gate.app.chores._approvals())
        else:
            _decide(gate, send, end)
    send = taken(agent.submit(to, agent.letter(to, *FOLLOW_UPS[0])), "held for approval")
    _decide(gate, send, "approve")
    gate.arrived(to, 2)
    said = refused(agent.submit(to, agent.letter(to, *FOLLOW_UPS[1])))
    assert said.reason == "loop_detected"
    checked(trace(gate, said.send), "loop_detection", "failed", to, current=1)
    checked(trace(gate, said.send), "cooldown", "failed", to)
    of_another = refused(other.submit(to, other.letter(to, *FOLLOW_UPS[1])))
    checked(trace(gate, of_another.send), "cooldown", "failed", to)


@pytest.mark.parametrize("is_early", [True, False])
def test_another_that_left_is_remembered_when_a_later_one_is_rejected(gate: Gate, is_early: bool):
    agent = gate.mailbox({"cooldown": {"mode": "shadow"}}, autonomyLevel="human_approved")
    to, sends = f"left-{is_early}@example.com", []
    for approves in (is_early, not is_early):
        sends.append(taken(agent.submit(to, agent.offer(to)), "held for approval"))
        if approves:
            _decide(gate, sends[0], "approve")
            gate.arrived(to)
            left = gate.clock()
        gate.later(60)
    _decide(gate, sends[1], "reject")
    told = trace(gate, taken(agent.submit(to, agent.offer(to)), "held for approval"))
    last = parse_time(checked(told, "cooldown", "shadowed", to)["last"])
    assert abs(last - left) < 30_000


def test_a_rejected_message_for_tomorrow_leaves_tomorrow_to_another(gate: Gate):
    agent = gate.mailbox({"cooldown": {"mode": "enforce"}}, autonomyLevel="human_approved")
    to = "freed@example.com"
    wish = f"X-Gatepost-Send-At: {iso(gate.clock() + 24 * 3_600_000)}"
    send = taken(agent.submit(to, agent.offer(to, wish)), "held for approval")
    assert refused(agent.submit(to, agent.offer(to, wish))).reason == "cooldown"
    _decide(gate, send, "reject")
    taken(agent.submit(to, agent.offer(to, wish)), "held for approval")
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 1}}, autonomyLevel="human_approved")
    for decision in ("reject", "withdraw", "reject"):
        _decide(gate, taken(agent.submit(to, agent.receipt(to, wish)), "held for approval"), decision)


def test_only_for_whom_it_was_refused_is_a_repeat_a_first_one(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    outside, inside = "part@example.com", f"part@{INTERNAL}"
    message = agent.receipt(outside)
    first = taken(agent.submit([outside, inside], message), "held for approval")
    gate.arrived(inside)
    _decide(gate, first, "reject")
    again = taken(agent.submit([outside, inside], message), "held for approval")
    told = {r["recipient"]: r["outcome"] for r in trace(gate, again)["recipients"]}
    assert told == {outside: "held", inside: "replayed"}


def test_with_hold_reply_tempfail_the_same_message_asks_for_the_state(gate: Gate):
    agent = gate.mailbox(options={"hold_reply": "tempfail"}, autonomyLevel="human_approved")
    for word, to in (("approve", "poll1@example.com"), ("reject", "poll2@example.com")):
        message = agent.receipt(to)
        said = refused(agent.submit(to, message))
        assert said.verdict == (451, "4.7.0", "held", "300", "wait")
        again = refused(agent.submit(to, message))
        assert (again.verdict, again.send) == (said.verdict, said.send)
        _decide(gate, said.send, word)
        if word == "approve":
            assert taken(agent.submit(to, message), "duplicate of an earlier send") == said.send
        else:
            told = refused(agent.submit(to, message))
            assert told.verdict == (550, "5.7.1", "rejected", "human", "ask_human")
            assert told.send == said.send
    gate.arrived("poll1@example.com")
    assert gate.provider.ledger.copies_for("poll2@example.com") == 0


def test_who_asks_for_the_state_by_content_alone_is_known_until_it_is_told(gate: Gate):
    agent = gate.mailbox(options={"hold_reply": "tempfail"}, autonomyLevel="human_approved")
    for message_id, to in (("", "poll3@example.com"), (None, "poll4@example.com")):
        sends = set()
        for _ in range(4):
            message = agent.receipt(to, number=4711, message_id=message_id)  # None: a new one each time
            sends.add(refused(agent.submit(to, message)).send)
            gate.clock.advance(1800)
        (send,) = sends
        _decide(gate, send, "approve")
        assert taken(agent.submit(to, message), "duplicate of an earlier send") == send
        gate.arrived(to)


def test_whom_a_person_has_yet_to_let_go_is_not_told_as_sent_because_of_others_in_the_envelope(gate: Gate):
    options = {"hold_reply": "tempfail", "mixed": "deliver_passing"}
    rules = {"consent_validation": {"required": True}}
    agent = gate.mailbox(rules, options=options, autonomyLevel="human_approved")
    good, late, bad = (f"{name}.poll@example.com" for name in ("good", "late", "bad"))
    for person in (good, late):
        gate.call("POST", "/v1/consents", {"email": person}, 201)
    message = agent.offer(good)
    first = refused(agent.submit([good, bad], message))
    assert first.reason == "held"
    assert refused(agent.submit([good, bad], message)) == first
    second = refused(agent.submit([good, late], message))
    _decide(gate, first.send, "approve")
    assert refused(agent.submit([good, late], message)) == second
    _decide(gate, second.send, "reject")
    taken(agent.submit([good, late], message), "duplicate of an earlier send")
    assert refused(agent.submit([late, bad], message)).reason == "rejected"


def test_an_approved_message_still_waits_for_its_time(gate: Gate):
    agent, to = gate.mailbox(autonomyLevel="human_approved"), "tomorrow@example.com"
    at = iso(gate.clock() + 24 * 3_600_000)
    send = taken(agent.submit(to, agent.receipt(to, f"X-Gatepost-Send-At: {at}")), "held for approval")
    _decide(gate, send, "approve")
    assert states(gate, send) == {to: "scheduled"}
    assert events(gate, send) == ["send.held", "send.approved"]
    gate.later(24 * 3600)
    gate.arrived(to)
