"""The promises of delivery, from a stock client to the provider, through everything in between."""

import smtplib

import dkim
import pytest

from tests.support.published import dns
from tests.support.script import Script, fault
from tests.support.settings import ADDRESS, DOMAIN, PASSWORD, USER, mailbox
from tests.support.smtp import Client, Reply

MESSAGE = (
    "From: Agent <agent@sender.test>\r\n"
    "To: bob@example.net, eve@example.net\r\n"
    "Bcc: hidden@example.net\r\n"
    "Subject: Your sign-in code\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
    "Grüße, your sign-in code is 482913. It expires in ten minutes.\r\n"
    ".a line that begins with a dot\r\n"
    "\r\n"
).encode()
THREE = {"bob@example.net", "eve@example.net", "hidden@example.net"}


def sent(server, *to: str, data: bytes = MESSAGE) -> dict:
    """What a script with smtplib sends."""
    with smtplib.SMTP(*server.smtp) as client:
        client.login(USER, PASSWORD)
        return client.sendmail(ADDRESS, list(to), data, mail_options=["BODY=8BITMIME"])


def test_Show2_two_recipients_and_a_blind_one_get_it_once_unaltered_and_both_signatures_verify(make_inside, provider):
    inside = make_inside({"mailboxes": [mailbox(role="agent")]}, providers=[provider.settings()])
    assert sent(inside, *sorted(THREE)) == {}
    provider.ledger.wait(lambda seen: len(seen.recipients()) == 3)
    taken = provider.ledger.taken
    assert provider.ledger.recipients() == THREE
    assert not provider.ledger.duplicates()
    assert not provider.ledger.violations
    original = MESSAGE.replace(b"Bcc: hidden@example.net\r\n", b"")
    published = dns(inside.app.signers.of(DOMAIN))
    for one in taken:
        assert one.data.endswith(original)
        assert b"hidden@example.net" not in one.data
        added = one.data.removesuffix(original)
        assert {line.partition(b":")[0] for line in added.split(b"\r\n") if line[:1].strip()} == {
            b"DKIM-Signature",
            b"Received",
            b"Date",
            b"Message-ID",
        }
        assert added.count(b"DKIM-Signature:") == 2
        verifier = dkim.DKIM(one.data)
        assert [verifier.verify(n, dnsfunc=published) for n in range(2)] == [True, True]


@pytest.mark.parametrize("name", ["greeting_554", "auth_535", "mail_454", "greeting_drop"])
def test_Show4_what_provider_one_does_not_take_goes_by_provider_two_in_the_same_round(make_inside, make_provider, name):
    one, two = make_provider(fault(name)), make_provider()
    login = {"username": "relay", "password": "a-password-of-a-provider"}
    inside = make_inside(providers=[one.settings("one", **login), two.settings("two", weight=0, failover=True)])
    assert sent(inside, "bob@example.net") == {}
    two.ledger.wait_for_taken(1, timeout=10)
    assert (one.ledger.copies_for("bob@example.net"), two.ledger.copies_for("bob@example.net")) == (0, 1)


def test_Show4_a_dead_address_bounces_at_once_is_suppressed_and_provider_two_is_never_asked(make_inside, make_provider):
    one, two = make_provider(Script().on(rcpt="550 5.1.1 no such user")), make_provider()
    inside = make_inside(providers=[one.settings("one"), two.settings("two", weight=0, failover=True)])
    assert sent(inside, "bob@example.net") == {}
    one.ledger.wait(lambda seen: any(line == "RSET" for _, line in seen.commands))
    with inside.connect() as client:
        while (reply := asked(client)).code == 250:
            client.command("RSET")
    assert reply.text.startswith("5.7.1 suppressed: bob@example.net")
    assert not any("bob@example.net" in line for _, line in two.ledger.commands)


def asked(client: Client) -> Reply:
    """What the server says to that recipient now; pytest's timeout ends the asking."""
    client.command(f"MAIL FROM:<{ADDRESS}>")
    return client.command("RCPT TO:<bob@example.net>")
