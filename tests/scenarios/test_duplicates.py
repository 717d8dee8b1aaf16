"""The same message is sent once, however often, from wherever and at whatever moment it comes (faults D1 to D6)."""

import smtplib
from typing import Any

import pytest

from tests.scenarios.gate import Agent, Gate
from tests.scenarios.test_exact_limits import crowd
from tests.scenarios.verdicts import checked, events, refused, taken, trace

REPEAT = "duplicate of an earlier send"


class Listening(smtplib.SMTP):
    """smtplib as it is, with an ear on the replies it throws away."""

    def __init__(self, agent: Agent) -> None:
        self.heard: list[str] = []
        super().__init__(*agent.gate.smtp)
        self.login(agent.name, agent.password)

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        self.heard.append(f"{code} {text.decode()}")
        return code, text


@pytest.mark.parametrize("message_id", [None, ""], ids=["with a Message-ID", "without one"])
def test_D1_two_hundred_retries_over_ten_connections_are_delivered_once_under_one_id(
    gate: Gate, message_id: str | None
):
    agent, to = gate.mailbox(), f"retries{message_id is None}@example.com".lower()
    message, answers = agent.receipt(to, message_id=message_id), list[str]()

    def work(_: int) -> None:
        with Listening(agent) as client:
            for _ in range(20):
                assert client.sendmail(agent.address, [to], message) == {}
                answers.append(client.heard[-1])

    crowd(10, work)
    sends = [taken(a) if "duplicate" not in a else taken(a, REPEAT) for a in answers]
    assert len(sends) == 200
    assert len(set(sends)) == 1
    gate.arrived(to)
    gate.settled(sends[0])
    assert gate.provider.ledger.copies_for(to) == 1
    assert events(gate, sends[0]).count("send.queued") == 1


def test_D2_twins_at_one_instant_by_smtp_and_http_are_one_delivery(gate: Gate):
    agent, to, sends = gate.mailbox(), "twins@example.com", list[str]()
    message = agent.receipt(to, "X-Gatepost-Dedupe-Key: order-7")
    body = {
        "mailboxId": agent.id,
        "to": to,
        "subject": "Your order 7",
        "body": "It has shipped.",
        "dedupeKey": "order-7",
    }

    def work(n: int) -> None:
        if n % 4 == 0:
            sends.append(gate.call("POST", "/v1/send/request", body)["sendId"])
        else:
            sends.append(str(agent.submit(to, message)).split()[5])

    crowd(12, work)
    assert len(sends) == 12
    assert len(set(sends)) == 1
    gate.arrived(to)
    gate.settled(sends[0])
    assert gate.provider.ledger.copies_for(to) == 1


def test_D3_a_dedupe_key_replays_whatever_the_body(gate: Gate):
    agent, to = gate.mailbox(), "key@example.com"
    first = taken(agent.submit(to, agent.receipt(to, "X-Gatepost-Dedupe-Key: k1")))
    assert taken(agent.submit(to, agent.offer(to, "X-Gatepost-Dedupe-Key: k1")), REPEAT) == first
    other = taken(agent.submit(to, agent.offer(to, "X-Gatepost-Dedupe-Key: k2")))
    assert other != first
    gate.arrived(to, 2)


def test_a_key_that_came_with_a_repeat_is_that_of_what_it_repeats(gate: Gate):
    agent, to = gate.mailbox(), "learned@example.com"
    message = agent.receipt(to, message_id="")
    first = taken(agent.submit(to, message))
    assert taken(agent.submit(to, b"X-Gatepost-Dedupe-Key: learned\r\n" + message), REPEAT) == first
    assert taken(agent.submit(to, agent.offer(to, "X-Gatepost-Dedupe-Key: learned")), REPEAT) == first
    gate.arrived(to)


def test_D4_a_key_is_free_again_after_its_window_and_for_another_mailbox(gate: Gate):
    agent, other, to = gate.mailbox({"duplicate": {"dedupe_key_days": 1}}), gate.mailbox(), "free@example.com"
    key = "X-Gatepost-Dedupe-Key: shared"
    first = taken(agent.submit(to, agent.receipt(to, key)))
    assert taken(other.submit(to, other.receipt(to, key))) != first
    gate.later(86_400 + 1)
    assert taken(agent.submit(to, agent.receipt(to, key))) != first
    gate.arrived(to, 3)


def test_D5_a_refused_first_is_judged_anew_and_the_same_verdict_keeps_its_id(gate: Gate):
    agent, to = gate.mailbox({"consent_validation": {"required": True}}), "mended@example.com"
    message = agent.offer(to)
    first, second = refused(agent.submit(to, message)), refused(agent.submit(to, message))
    assert (second.verdict, second.send) == (first.verdict, first.send)
    gate.call("POST", "/v1/consents", {"email": to}, 201)
    taken(agent.submit(to, message))
    gate.arrived(to)
    assert trace(gate, first.send)["decision"] == "blocked"
    assert events(gate, first.send) == ["send.blocked"]


def test_identical_refusals_are_one_id_for_a_minute_and_then_another(gate: Gate):
    agent, to = gate.mailbox(allowedClasses=["transactional"]), "minute@example.com"
    ids = {refused(agent.submit(to, agent.offer(to))).send for _ in range(5)}
    assert len(ids) == 1
    gate.later(61)
    assert refused(agent.submit(to, agent.offer(to))).send not in ids


def test_a_refusal_for_another_cause_within_the_minute_has_a_record_of_its_own(gate: Gate):
    agent, to = gate.mailbox(), "causes@example.com"
    for wrong in ("X-Gatepost-Send-At: tomorrow", "X-Gatepost-Metadata: none"):
        told = refused(agent.submit(to, agent.receipt(to, wrong)))
        assert gate.call("GET", f"/v1/sends/{told.send}")["detail"] == told.detail


def test_a_misspelt_key_is_named_and_not_passed_over(gate: Gate):
    agent, to = gate.mailbox(), "misspelt@example.com"
    told = refused(agent.submit(to, agent.receipt(to, "X-Gatepost-Dedup-Key: order-8")))
    assert told.detail == "X-Gatepost-Dedup-Key is unknown, did you mean X-Gatepost-Dedupe-Key?"


def test_D6_equal_alerts_with_new_message_ids_are_wanted_after_a_minute(gate: Gate):
    agent, to = gate.mailbox(), "alerts@example.com"
    alert = ("Your order 4711 has shipped", "Your order 4711 was shipped today. Tracking number: 1Z4711.")
    first = taken(agent.submit(to, agent.letter(to, *alert)))
    again = agent.submit(to, agent.letter(to, *alert))
    assert taken(again, REPEAT) == first
    gate.later(61)
    assert taken(agent.submit(to, agent.letter(to, *alert))) != first
    gate.arrived(to, 2)


def test_D6_equal_offers_are_not_wanted_within_the_hour(gate: Gate):
    agent, to = gate.mailbox(), "offers@example.com"
    first = taken(agent.submit(to, agent.offer(to, number=31)))
    gate.later(3500)
    assert taken(agent.submit(to, agent.offer(to, number=31)), REPEAT) == first
    gate.later(200)
    assert taken(agent.submit(to, agent.offer(to, number=31))) != first


def test_of_a_mixed_set_only_the_new_recipients_are_sent_under_a_new_id(gate: Gate):
    agent, old, new = gate.mailbox(), ["mix1@example.com", "mix2@example.com"], "mix3@example.com"
    message = agent.receipt(old[0])
    first = taken(agent.submit(old, message))
    second = taken(agent.submit([*old, new], message))
    assert second != first
    told = {r["recipient"]: (r["outcome"], r["firstSend"]) for r in trace(gate, second)["recipients"]}
    assert told == {old[0]: ("replayed", first), old[1]: ("replayed", first), new: ("queued", None)}
    gate.arrived(new)
    gate.arrived(old[0])
    gate.arrived(old[1])


def test_a_refusal_beside_a_repeat_is_a_refusal_of_its_own(gate: Gate):
    agent, old, new, gone = gate.mailbox(), "side1@example.com", "side2@example.com", "side3@example.com"
    gate.suppress(gone, reason="manual")
    body = {"mailboxId": agent.id, "to": [old], "subject": "Your order 8", "body": "It has shipped."}
    first = gate.call("POST", "/v1/send/request", body)["sendId"]
    told = gate.call("POST", "/v1/send/request", body | {"to": [old, gone, new]})
    assert (told["status"], told["reason"], told["replayed"]) == ("blocked", "suppressed", False)
    assert told["sendId"] != first
    assert [r["outcome"] for r in told["recipients"]] == ["replayed", "refused", "refused"]
    assert events(gate, told["sendId"]) == ["send.blocked"]
    assert trace(gate, told["sendId"])["decision"] == "blocked"
    assert gate.call("GET", f"/v1/sends/{told['sendId']}")["status"] == "blocked"
    assert gate.call("POST", "/v1/send/request", body | {"to": [old, new]})["replayed"] is False
    gate.arrived(new)


def test_a_refusal_beside_a_repeat_has_its_own_id_by_smtp(gate: Gate):
    agent, old, bad = gate.mailbox({"consent_validation": {"required": True}}), "agreed@example.com", "not@example.com"
    gate.call("POST", "/v1/consents", {"email": old}, 201)
    message = agent.offer(old)
    first = taken(agent.submit(old, message))
    said = refused(agent.submit([old, bad], message))
    assert (said.reason, said.send != first) == ("no_consent", True)
    assert trace(gate, said.send)["decision"] == "blocked"
    assert events(gate, said.send) == ["send.blocked"]


def test_deliver_passing_reports_who_was_refused_beside_a_repeat(gate: Gate):
    rules, options = {"consent_validation": {"required": True}}, {"mixed": "deliver_passing"}
    agent, old, bad = gate.mailbox(rules, options=options), "passed@example.com", "failed@example.com"
    gate.call("POST", "/v1/consents", {"email": old}, 201)
    message = agent.offer(old)
    first = taken(agent.submit(old, message))
    send = taken(agent.submit([old, bad], message))
    assert send != first
    told = {r["recipient"]: r["outcome"] for r in trace(gate, send)["recipients"]}
    assert told == {old: "replayed", bad: "refused"}
    assert events(gate, send) == ["send.blocked"]
    assert taken(agent.submit([old, bad], message)) == send  # within a minute it is the same
    assert events(gate, send) == ["send.blocked"]
    report = gate.arrived(agent.address)
    assert bad.encode() in report
    assert b"Subject: " + _subject(message) in report


def _subject(message: bytes) -> bytes:
    return message.partition(b"Subject: ")[2].partition(b"\r\n")[0]


@pytest.mark.parametrize("by", ["smtp", "http"])
def test_of_twins_that_are_to_different_people_a_key_by_http_lets_one_win(gate: Gate, by: str):
    agent, told = gate.mailbox(), list[tuple[str, bool]]()

    def work(n: int) -> None:
        to = f"winner{n}.{by}@example.com"
        if by == "smtp":
            told.append((taken(agent.submit(to, agent.receipt(to, "X-Gatepost-Dedupe-Key: one"))), False))
            return
        body = {"mailboxId": agent.id, "to": to, "subject": "One", "body": f"For {n}.", "dedupeKey": "one"}
        answer = gate.call("POST", "/v1/send/request", body)
        told.append((answer["sendId"], answer["replayed"]))

    crowd(8, work)
    assert len({send for send, _ in told}) == (1 if by == "http" else 8)
    assert [replayed for _, replayed in told].count(False) == (1 if by == "http" else 8)


@pytest.mark.parametrize("again", ["DUP@example.com", "dup@EXAMPLE.com", '"dup"@example.com'])
def test_another_spelling_of_the_recipient_is_the_same_recipient(gate: Gate, again: str):
    agent = gate.mailbox()
    message = agent.receipt("dup@example.com")
    first = taken(agent.submit("dup@example.com", message))
    assert taken(agent.submit(again, message), REPEAT) == first


def test_a_replay_is_told_in_the_trace_with_what_it_repeats(gate: Gate):
    agent, to = gate.mailbox(), "told@example.com"
    message = agent.receipt(to)
    first = taken(agent.submit(to, message))
    taken(agent.submit(to, message), REPEAT)
    told: dict[str, Any] = trace(gate, first)
    assert told["repeats"] == 1
    checked(told, "duplicate", "passed", to)


def test_with_the_rule_off_every_copy_is_sent(gate: Gate):
    agent, to = gate.mailbox({"duplicate": {"mode": "off"}}), "everycopy@example.com"
    message = agent.receipt(to)
    assert taken(agent.submit(to, message)) != taken(agent.submit(to, message))
    gate.provider.ledger.wait(lambda ledger: ledger.copies_for(to) == 2)
