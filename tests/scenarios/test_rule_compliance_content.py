"""Rule 8: commercial mail carries an address and a way out, or it does not leave."""

import re

from tests.scenarios.gate import BARE, Agent, Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

SIGNED = 'Content-Type: multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256; boundary=b'


def test_commercial_mail_without_a_postal_address_is_refused(gate: Gate):
    agent = gate.mailbox(fromAddress=f"shop@{BARE}")
    said = refused(agent.submit("c1@example.com", agent.offer("c1@example.com")))
    assert said.verdict == (550, "5.7.1", "physical_address_missing", "human", "ask_human")
    assert said.detail == f"no postal address is set for {BARE}"
    checked(trace(gate, said.send), "compliance_content", "failed", reason="physical_address_missing")
    assert events(gate, said.send) == ["send.blocked"]
    taken(agent.submit("c1@example.com"))


def test_commercial_mail_that_is_signed_cannot_be_given_a_footer(gate: Gate):
    agent = gate.mailbox()
    offer = agent.offer("c2@example.com").partition(b"\r\n\r\n")[2]
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n" + offer + b"\r\n"
    text = part + b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nabc\r\n--b--\r\n"
    message = agent.letter("c2@example.com", "Big sale: 50% off, buy now", "", SIGNED, "MIME-Version: 1.0") + text
    said = refused(agent.submit("c2@example.com", message))
    assert said.verdict == (550, "5.7.1", "cannot_inject_footer", "human", "change_content")


def test_commercial_mail_leaves_with_footer_and_one_click_unsubscribe(gate: Gate):
    agent = gate.mailbox()
    send = taken(agent.submit("c3@example.com", agent.offer("c3@example.com")))
    checked(trace(gate, send), "compliance_content", "passed")
    arrived = gate.arrived("c3@example.com")
    assert b"1 Main St, Springfield" in arrived
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in arrived


def test_anothers_link_is_no_way_out_and_ones_own_is_not_doubled(gate: Gate):
    agent, other = gate.mailbox(), gate.mailbox()
    taken(agent.submit("me@example.com", agent.offer("me@example.com")))
    mine = re.search(rb"http://\S+/u/[\w-]+", gate.arrived("me@example.com"))[0].decode()
    below = f"Unsubscribe: {mine}"

    def arrived(sender: Agent, *to: str, messages: int = 1) -> bytes:
        """What the last of these gets."""
        taken(sender.submit(to, sender.letter(to[0], "Big sale: 50% off, buy now", f"Save 50%, buy now.\n{below}")))
        return gate.arrived(to[-1], messages)

    for message in (
        arrived(agent, "victim@example.com"),
        arrived(other, "me@example.com", messages=2),
        arrived(agent, "me@example.com", "third@example.com"),
    ):
        assert b"1 Main St, Springfield" in message
        assert len(set(re.findall(rb"http://\S+/u/[\w-]+", message))) > 1
    gate.later(7 * 24 * 3600)
    assert b"1 Main St" not in arrived(agent, "me@example.com", messages=4)
