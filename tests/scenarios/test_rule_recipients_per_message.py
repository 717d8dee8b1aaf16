"""Rule 6: one message goes to a bounded number of people."""

import smtplib

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused, taken

PEOPLE = [f"r{n}@example.com" for n in range(4)]
LIMIT = {"recipients_per_message": {"limit": 3}}


def test_the_recipient_one_too_many_is_refused_and_the_first_stay_valid(gate: Gate):
    agent = gate.mailbox(LIMIT)
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        replies = [client.command(f"RCPT TO:<{person}>") for person in PEOPLE]
        assert [reply.code for reply in replies] == [250, 250, 250, 452]
        assert refused(replies[3]).verdict == (452, "4.5.3", "too_many_recipients", "0", "reduce_recipients")
        client.command("DATA")
        client.send(agent.receipt(PEOPLE[0]) + b".\r\n")
        taken(client.reply())


def test_smtplib_hears_it_as_a_partial_refusal(gate: Gate):
    agent = gate.mailbox(LIMIT)
    with smtplib.SMTP(*gate.smtp) as client:
        client.login(agent.name, agent.password)
        told = client.sendmail(agent.address, PEOPLE, agent.receipt(PEOPLE[0]))
    assert set(told) == {PEOPLE[3]}
    assert told[PEOPLE[3]][0] == 452


def test_over_rcpt_reject_all_sends_to_nobody(gate: Gate):
    agent = gate.mailbox(LIMIT, options={"over_rcpt": "reject_all"})
    with agent.connect() as client:
        said = refused(client.submit(agent.address, PEOPLE, agent.receipt(PEOPLE[0])))
    assert said.verdict == (550, "5.5.3", "too_many_recipients", "0", "reduce_recipients")


def test_a_bounce_has_one_recipient(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        client.command("MAIL FROM:<>")
        assert client.command("RCPT TO:<a@example.com>").code == 250
        said = refused(client.command("RCPT TO:<b@example.com>"))
    assert said.verdict == (452, "4.5.3", "too_many_recipients", "0", "reduce_recipients")
