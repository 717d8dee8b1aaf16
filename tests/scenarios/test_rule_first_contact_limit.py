"""Rule 18: new people are met a limited number a day."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken


def test_one_new_person_too_many_waits_and_an_old_one_does_not(gate: Gate):
    agent = gate.mailbox({"first_contact_limit": {"limit": 2}})
    for name in ("new1", "new2"):
        taken(agent.submit(f"{name}@example.com"))
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command("RCPT TO:<new3@example.com>"))
        assert client.command("RCPT TO:<new1@example.com>").code == 250
    assert said.verdict[:3] == (451, "4.7.0", "first_contact_limit")
    assert said.next == "wait"
    assert said.detail == "2 of 2 new recipients today"
    assert 0 < int(said.retry) <= 90_000


def test_a_message_with_too_many_new_people_is_refused_for_the_last(gate: Gate):
    agent = gate.mailbox({"first_contact_limit": {"limit": 2}})
    people = [f"meet{n}@example.com" for n in range(3)]
    said = refused(agent.submit(people))
    assert said.reason == "first_contact_limit"
