"""Rule 10: an address that can never receive is refused where it is named."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import Said, refused, taken
from tests.support.inside import MakeInside
from tests.support.nameserver import NameServer
from tests.support.provider import Provider


def said_of(gate: Gate, address: str, parameters: str = "") -> Said:
    """What RCPT says to an address; the next one is taken all the same."""
    agent = gate.mailbox()
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>{parameters}")
        said = refused(client.command(f"RCPT TO:<{address}>"))
        assert client.command("RCPT TO:<fine@example.com>").code == 250
    return said


@pytest.mark.parametrize(
    ("address", "code", "enhanced"),
    [
        ("bob", 553, "5.1.3"),
        ("bob@@example.com", 553, "5.1.3"),
        ("bob@exa_mple.com", 553, "5.1.3"),
        ("bob@localhost", 550, "5.1.2"),
        ("bob@printer.local", 550, "5.1.2"),
        ("bob@nowhere.invalid", 550, "5.1.2"),
        ("bob@abc.onion", 550, "5.1.2"),
    ],
)
def test_an_impossible_recipient_is_refused_at_rcpt(gate: Gate, address: str, code: int, enhanced: str):
    said = said_of(gate, address)
    assert said.verdict == (code, enhanced, "recipient_invalid", "never", "drop_recipient")


@pytest.mark.parametrize(
    ("address", "code", "enhanced"),
    [
        ("b\N{CYRILLIC SMALL LETTER O}b@example.com", 553, "5.1.3"),
        ("bob@ex\N{CYRILLIC SMALL LETTER A}mple.com", 550, "5.1.2"),
        ("bob@xn--exmple-4nf.com", 550, "5.1.2"),
    ],
)
def test_a_look_alike_of_a_latin_address_is_refused(gate: Gate, address: str, code: int, enhanced: str):
    said = said_of(gate, address, " SMTPUTF8")
    assert said.verdict == (code, enhanced, "recipient_invalid", "never", "drop_recipient")
    assert "mixes Latin with Cyrillic or Greek letters" in said.detail


def test_with_check_mx_dns_says_who_takes_mail(make_inside: MakeInside, provider: Provider, nameserver: NameServer):
    nameserver.publish("fine.test", "MX", "10 mx.fine.test.")
    nameserver.publish("null.test", "MX", "0 .")
    rules = {"rules": {"recipient_valid": {"check_mx": True}}}
    inside = make_inside(
        {"policies": {"default": rules}, "dns": {"nameservers": [nameserver.address]}}, providers=[provider.settings()]
    )
    message = b"From: agent@sender.test\r\nSubject: Your order 1\r\n\r\nYour order 1 has shipped.\r\n"
    taken(inside.submit(["bob@fine.test"], message))
    none = refused(inside.submit(["bob@nothing.test"], message))
    assert none.verdict == (550, "5.1.2", "recipient_invalid", "never", "drop_recipient")
    null = refused(inside.submit(["bob@null.test"], message))
    assert null.verdict == (556, "5.1.10", "recipient_invalid", "never", "drop_recipient")
