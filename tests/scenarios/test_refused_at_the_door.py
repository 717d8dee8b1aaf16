"""What is refused at MAIL or RCPT can be looked up, also when the transaction goes on without it."""

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
    with gate.api() as api:
        assert api.get(f"/v1/decisions/{said.send}", params={"full": True}).json()["facts"] is None


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
