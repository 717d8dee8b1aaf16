"""What is refused at MAIL or RCPT can be looked up, also when the transaction goes on without it."""

from datetime import UTC, datetime

from relay.submission import patience
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, found, refused, states, taken, trace


def test_a_refusal_at_mail_names_its_rule(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        said = refused(client.command("MAIL FROM:<somebody@else.test>"))
    told = trace(gate, said.send)
    assert (told["decision"], told["rule"], told["reason"]) == ("blocked", "sender_identity", "sender_not_allowed")
    assert told["recipients"] == []
    checked(told, "sender_identity", "failed")
    assert events(gate, said.send) == ["send.blocked"]


def test_a_refusal_at_rcpt_names_its_rule_and_recipient(gate: Gate):
    agent = gate.mailbox()
    gate.suppress("door-gone@example.com")
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command("RCPT TO:<door-gone@example.com>"))
    told = trace(gate, said.send)
    assert (told["decision"], told["rule"]) == ("blocked", "suppression_check")
    assert [(r["recipient"], r["outcome"]) for r in told["recipients"]] == [("door-gone@example.com", "refused")]
    checked(told, "suppression_check", "failed", "door-gone@example.com")
    assert states(gate, said.send) == {"door-gone@example.com": "blocked"}
    assert found(gate, "door-gone@example.com") == [said.send]
    assert found(gate, "door-gone@example.com", "blocked") == [said.send]


def test_an_address_that_is_none_is_recorded_too(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command("RCPT TO:<@relay.test:bob@example.com>"))
    assert said.verdict == (553, "5.1.3", "recipient_invalid", "never", "drop_recipient")
    assert trace(gate, said.send)["rule"] == "recipient_valid"
    assert gate.call("GET", f"/v1/decisions/{said.send}", params={"full": True})["facts"] is None


def test_a_refusal_of_another_address_is_another_record(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        senders = [refused(client.command(f"MAIL FROM:<{who}@else.test>")).send for who in ("a", "b", "a")]
        client.command(f"MAIL FROM:<{agent.address}>")
        one = refused(client.command("RCPT TO:<@relay.test:bob@example.com>")).send
        client.command("RSET")
        client.command(f"MAIL FROM:<{agent.address}>")
        other = refused(client.command("RCPT TO:<bob@a@example.com>")).send
    assert senders[0] == senders[2] != senders[1]
    assert one != other
    assert "b@else.test" in checked(trace(gate, senders[1]), "sender_identity", "failed")["detail"]


def test_the_message_that_goes_on_without_them_is_the_decision(gate: Gate):
    agent = gate.mailbox()
    gone = ["door-one@example.com", "door-two@example.com"]
    for address in gone:
        gate.suppress(address)
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = [refused(client.command(f"RCPT TO:<{address}>")) for address in gone]
        assert client.command("RCPT TO:<door-stays@example.com>").code == 250
        client.command("DATA")
        client.send(agent.receipt("door-stays@example.com") + b".\r\n")
        send = taken(client.reply())
    assert {one.send for one in said} == {send}
    told = trace(gate, send)
    assert told["decision"] == "approved"
    assert {r["recipient"]: r["outcome"] for r in told["recipients"]} == {
        **dict.fromkeys(gone, "refused"),
        "door-stays@example.com": "queued",
    }
    for address in gone:
        checked(told, "suppression_check", "failed", address)
    checked(told, "suppression_check", "passed", "door-stays@example.com")
    gate.settled(send)
    assert states(gate, send) == {"door-stays@example.com": "delivered"}
    assert found(gate, gone[0]) == [send]
    assert found(gate, gone[0], "blocked") == []


def test_the_same_refusal_within_a_minute_keeps_its_first_id(gate: Gate):
    agent = gate.mailbox()
    gate.suppress("door-again@example.com")
    ids = set()
    for _ in range(3):
        with agent.connect() as client:
            client.command(f"MAIL FROM:<{agent.address}>")
            ids.add(refused(client.command("RCPT TO:<door-again@example.com>")).send)
    assert len(ids) == 1


def test_who_is_refused_too_much_in_a_minute_is_not_judged_until_the_next(gate: Gate, monkeypatch):
    monkeypatch.setattr(patience, "IN_VAIN", 4)
    agent, other = gate.mailbox(), gate.mailbox()
    key = gate.call("POST", "/v1/me/keys", {"label": "k", "scope": f"agent:{agent.address}"}, 201)["key"]
    letter = {"to": ["a@x.invalid", "b@x.invalid"], "subject": "Your order 7", "text": "It has shipped."}
    gate.clock.advance(60 - gate.clock() / 1000 % 60)
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        refused(client.command("RCPT TO:<c@x.invalid>"))
        assert gate.call("POST", "/v1/send/request", letter, key=key)["reason"] == "recipient_invalid"
        assert gate.call("POST", "/v1/send/simulate", letter | {"to": "d@example.com"}, key=key)["status"] == "queued"
        client.command("RSET")
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
        assert (said.code, said.enhanced, said.reason, said.next) == (451, "4.7.0", "too_many_refusals", "wait")
        for path in ("/v1/send/request", "/v1/send/simulate"):
            assert gate.call("POST", path, letter, 429, key=key)["code"] == "too_many_requests"
        taken(other.submit("e@example.com"))
        gate.clock.advance(int(said.retry))
        taken(client.submit(agent.address, ["f@example.com"], agent.receipt("f@example.com")))


def test_what_is_taken_back_was_judged_in_vain_too(gate: Gate, monkeypatch):
    monkeypatch.setattr(patience, "IN_VAIN", 2)
    for path, body, fields in (
        ("/v1/sends/{}/cancel", {}, {}),
        ("/v1/approvals/{}", {"decision": "withdraw"}, {"autonomyLevel": "human_approved"}),
    ):
        agent = gate.mailbox(**fields)
        key = gate.call("POST", "/v1/me/keys", {"label": "k", "scope": f"agent:{agent.address}"}, 201)["key"]
        letter = {"to": ["a@example.com", "b@example.com"], "subject": "Your order 7", "text": "It has shipped."}
        gate.clock.advance(60 - gate.clock() / 1000 % 60)
        later = {"sendAt": f"{datetime.fromtimestamp(gate.clock() / 1000 + 7200, UTC):%FT%TZ}"}
        sent = gate.call("POST", "/v1/send/request", letter | later, key=key)["sendId"]
        gate.call("POST", path.format(sent), body, key=key)
        gate.call("POST", "/v1/send/request", letter | later, 429, key=key)
