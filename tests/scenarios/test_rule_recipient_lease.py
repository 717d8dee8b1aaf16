"""Rule 17: where it is on, one person hears from one mailbox of a tenant at a time."""

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken

RULE = {"recipient_lease": {"mode": "enforce", "minutes": 30}}


def test_another_mailbox_waits_until_the_lease_ends(gate: Gate):
    first, second, to = gate.mailbox(RULE), gate.mailbox(RULE), "leased@example.com"
    taken(first.submit(to))
    with second.connect() as client:
        client.command(f"MAIL FROM:<{second.address}>")
        said = refused(client.command(f"RCPT TO:<{to}>"))
    assert said.verdict[:3] == (450, "4.7.0", "lease_conflict")
    assert said.next == "wait"
    assert 1700 < int(said.retry) <= 1800
    taken(first.submit(to))
    gate.later(1801)
    taken(second.submit(to))


def test_it_is_off_unless_switched_on(gate: Gate):
    first, second = gate.mailbox(), gate.mailbox()
    taken(first.submit("unleased@example.com"))
    taken(second.submit("unleased@example.com"))
