"""Rule 12: who is on a list is not written to, whoever asks."""

import re

import pytest

from policy.moment import iso
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, states, taken, trace
from tests.support.script import Script

TODAY = r"\d{4}-\d\d-\d\d"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("hard_bounce", "bounced"),
        ("complaint", "complained"),
        ("manual", "suppressed by hand"),
        ("legal", "suppressed for legal reasons"),
    ],
)
def test_kinds_that_bind_all_mail_are_refused_at_rcpt(gate: Gate, reason: str, words: str):
    agent, address = gate.mailbox(), f"{reason}@example.com"
    gate.suppress(address, reason=reason)
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command(f"RCPT TO:<{address}>"))
        assert client.command("RCPT TO:<other@example.com>").code == 250
    assert said.verdict == (550, "5.7.1", "suppressed", "never", "drop_recipient")
    assert re.fullmatch(f"{address} {words} {TODAY}", said.detail)


def test_an_unsubscribe_binds_commercial_mail_only_and_is_told_at_the_dot(gate: Gate):
    agent = gate.mailbox()
    gate.suppress("unsub@example.com", reason="unsubscribe")
    said = refused(agent.submit("unsub@example.com", agent.offer("unsub@example.com")))
    assert said.verdict == (550, "5.7.1", "unsubscribed", "never", "drop_recipient")
    checked(trace(gate, said.send), "suppression_check", "failed", scope="tenant", kind="unsubscribe")
    assert events(gate, said.send) == ["send.blocked"]
    checked(trace(gate, taken(agent.submit("unsub@example.com"))), "suppression_check", "passed")


def test_an_unsubscribe_may_be_made_to_bind_all_mail_and_is_then_told_at_rcpt(gate: Gate):
    agent = gate.mailbox({"suppression_check": {"unsubscribe_binds_all": True}})
    gate.suppress("unsub2@example.com", reason="unsubscribe")
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        said = refused(client.command("RCPT TO:<unsub2@example.com>"))
    assert said.verdict == (550, "5.7.1", "suppressed", "never", "drop_recipient")
    assert re.fullmatch(f"unsub2@example.com unsubscribed {TODAY}", said.detail)


def test_a_global_entry_tells_neither_its_date_nor_its_kind(gate: Gate):
    agent = gate.mailbox()
    gate.suppress("everywhere@example.com", reason="complaint", scope="global")
    said = refused(agent.submit("everywhere@example.com"))
    assert (said.reason, said.detail) == ("suppressed", "everywhere@example.com")


def test_an_entry_of_one_mailbox_does_not_bind_another(gate: Gate):
    one, other = gate.mailbox(), gate.mailbox()
    gate.suppress("mine@example.com", reason="manual", scope="mailbox", mailboxId=one.id)
    assert refused(one.submit("mine@example.com")).reason == "suppressed"
    taken(other.submit("mine@example.com"))


def test_a_suppressed_domain_covers_what_is_below_it(gate: Gate):
    agent = gate.mailbox()
    gate.call("POST", "/v1/suppressed-domains", {"domain": "gone.test"}, 201)
    said = refused(agent.submit("a@deep.gone.test"))
    assert said.verdict == (550, "5.7.1", "suppressed", "never", "drop_recipient")


def test_an_entry_that_was_removed_or_ran_out_binds_no_more(gate: Gate):
    agent = gate.mailbox()
    entry = gate.suppress("back@example.com", reason="manual")
    assert refused(agent.submit("back@example.com")).reason == "suppressed"
    gate.call("DELETE", f"/v1/suppressions/{entry}", None, 204)
    taken(agent.submit("back@example.com"))


@pytest.mark.parametrize(
    ("entered", "asked"),
    [
        ("al.i+tag@example.com", "al.i@example.com"),
        ("al.i@example.com", "al.i+other@example.com"),
        ("al.i+tag@example.com", "AL.i+other@example.com"),
        ("al.i@gmail.com", "ali@gmail.com"),
        ("al.i@gmail.com", "a.l.i+x@googlemail.com"),
    ],
)
def test_an_entry_binds_every_alias_of_its_address_in_both_directions(gate: Gate, entered: str, asked: str):
    agent = gate.mailbox()
    entry = gate.suppress(entered, reason="legal", scope="mailbox", mailboxId=agent.id)
    assert refused(agent.submit(asked)).reason == "suppressed"
    gate.call("DELETE", f"/v1/suppressions/{entry}", None, 204)
    taken(agent.submit(asked))


def test_who_unsubscribes_under_a_tag_gets_no_offer_under_another_spelling(gate: Gate):
    agent, under, others = gate.mailbox(), "u9+tag@example.com", ("u9@example.com", "u9+other@example.com")
    taken(agent.submit(under, agent.offer(under)))
    link = re.search(rb"http://[^/\s]+(/u/[\w-]+)", gate.arrived(under))[1].decode()
    with gate.api() as api:
        assert api.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    for spelling in others:
        assert refused(agent.submit(spelling, agent.offer(spelling))).reason == "unsubscribed"
        taken(agent.submit(spelling))


def test_what_bounced_under_a_tag_stops_nobody_under_another_spelling(gate: Gate):
    agent, tagged = gate.mailbox(), "gina+nouser@example.com"
    with gate.provider_says(Script().for_recipient(**{tagged: "550 5.1.1 no such user"})):
        gate.settled(taken(agent.submit(tagged)))
    for spelling in ("gina@example.com", "gina+other@example.com"):
        taken(agent.submit(spelling))
    assert refused(agent.submit(tagged)).reason == "suppressed"


def test_an_alias_suppressed_while_mail_waits_does_not_leave(gate: Gate):
    agent = gate.mailbox()
    wish = f"X-Gatepost-Send-At: {iso(gate.clock() + 3_600_000)}"
    send = taken(agent.submit("wait@example.com", agent.receipt("wait@example.com", wish)))
    gate.suppress("wait+news@example.com", scope="mailbox", mailboxId=agent.id)
    gate.later(3601)
    gate.settled(send)
    assert states(gate, send) == {"wait@example.com": "rejected"}


def test_where_aliases_are_not_folded_an_entry_binds_one_spelling(gate: Gate):
    agent = gate.mailbox({"suppression_check": {"fold_aliases": False}})
    gate.suppress("apart+tag@example.com", scope="mailbox", mailboxId=agent.id)
    taken(agent.submit("apart@example.com"))
    assert refused(agent.submit("apart+tag@example.com")).reason == "suppressed"


def test_where_aliases_are_not_folded_they_are_not_at_departure_either(gate: Gate):
    agent = gate.mailbox({"suppression_check": {"fold_aliases": False}})
    gate.suppress("kim@gmail.com", scope="global")
    wish = f"X-Gatepost-Send-At: {iso(gate.clock() + 3_600_000)}"
    send = taken(agent.submit("kim+news@gmail.com", agent.receipt("kim+news@gmail.com", wish)))
    gate.later(3601)
    gate.settled(send)
    assert states(gate, send) == {"kim+news@gmail.com": "delivered"}
