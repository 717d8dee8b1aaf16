"""Rule 24: a mailbox whose rates are sure to be bad sends nothing until a person lifts the pause."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken
from tests.support.script import Script


def test_five_bounces_of_five_pause_the_mailbox_until_a_person_resumes_it(gate: Gate):
    agent = gate.mailbox()
    gone = [f"dead{n}@example.net" for n in range(5)]
    with gate.provider_says(Script().for_recipient(**dict.fromkeys(gone, "550 5.1.1 no such user"))):
        with agent.connect() as client:
            sends = [taken(client.submit(agent.address, [address], agent.receipt(address))) for address in gone]
        gate.settled(*sends)
    gate.later(61)
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.code == 550
    assert said.reason in ("reputation_paused", "mailbox_paused")
    assert (said.retry, said.next) == ("human", "ask_human")
    gate.call("POST", f"/v1/mailboxes/{agent.id}/resume")
    taken(agent.submit("alive@example.net"))
