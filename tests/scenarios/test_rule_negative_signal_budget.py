"""Rule 23: too many bounces and complaints in a day stop the mailbox for a while."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken
from tests.support.script import Script


def test_bounces_use_up_the_budget_and_mail_is_refused_for_now(gate: Gate):
    agent = gate.mailbox({"negative_signal_budget": {"limit": 2}, "reputation": {"mode": "off"}})
    gone = [f"gone{n}@example.net" for n in range(2)]
    with gate.provider_says(Script().for_recipient(**dict.fromkeys(gone, "550 5.1.1 no such user"))):
        sends = [taken(agent.submit(address)) for address in gone]
        gate.settled(*sends)
    gate.later(1)  # what is believed of a sender may be a second old
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{agent.address}>"))
    assert said.verdict[:3] == (451, "4.7.0", "negative_signal_budget")
    assert said.next == "wait"
    assert said.detail == "2 bounces and complaints in 24 hours, 2 allowed"
    assert 0 < int(said.retry) <= 90_000
