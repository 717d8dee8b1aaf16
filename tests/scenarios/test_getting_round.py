"""Ways round the rules, each through real SMTP with the verdict it gets; nothing leaves that policy refused."""

from collections.abc import Iterator
from email import message_from_bytes

import pytest

from policy.facts import alias_of
from tests.scenarios import letters
from tests.scenarios.gate import Agent, Gate
from tests.scenarios.test_exact_limits import crowd
from tests.scenarios.verdicts import refused, states, taken, trace
from tests.support.smtp import Client, Reply

SUPPRESSED = (
    "bob@corp.example",
    "bob@gmail.com",
    "kim@corp.example",
    "ren\u00e9@corp.example",
    "bob@b\u00fccher.example",
)


@pytest.fixture(scope="module", autouse=True)
def suppressed(gate: Gate) -> None:
    """Nobody may write to these people."""
    for address in SUPPRESSED:
        gate.suppress(address, reason="legal")


@pytest.fixture(scope="module")
def agent(gate: Gate) -> Agent:
    """A mailbox."""
    return gate.mailbox()


@pytest.fixture
def client(agent: Agent) -> Iterator[Client]:
    """A connection of the agent."""
    with agent.connect() as client:
        yield client


LOST = "Your message could not be delivered: the mailbox is unknown."
INVALID, LISTED = "recipient_invalid", "suppressed"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("<BOB@CORP.EXAMPLE>", LISTED),
        ("<bob@CORP.Example>", LISTED),
        ("<bob@corp.example.>", INVALID),
        ("< bob@corp.example>", INVALID),
        ("<bob@corp.example >", INVALID),
        ('<"bob"@corp.example>', LISTED),
        ('<"b\\ob"@corp.example>', LISTED),
        ("<bob(hi)@corp.example>", INVALID),
        ("<bob@corp.example(hi)>", INVALID),
        ("<(hi)bob@corp.example>", INVALID),
        ("<@relay.example:bob@corp.example>", INVALID),
        ("<bob%corp.example@relay.example>", INVALID),
        ("<corp.example!bob@relay.example>", INVALID),
        ("<bob@[192.0.2.1]>", INVALID),
        ("<bob@corp.example,x@y.example>", INVALID),
        ("<x@y.example,bob@corp.example>", INVALID),
        ("<Friends:bob@corp.example;>", INVALID),
        ("<undisclosed-recipients:;>", INVALID),
        ("<x@y.example@corp.example>", INVALID),
        ('<"x@y.example,bob"@corp.example>', INVALID),
        ("<=?utf-8?q?bob?=@corp.example>", INVALID),
        ("<bob@=?utf-8?q?corp?=.example>", INVALID),
        ("<bob+tag@corp.example>", LISTED),
        ("<bob+@corp.example>", LISTED),
        ("<b.o.b@gmail.com>", LISTED),
        ("<bob@googlemail.com>", LISTED),
        ("<B.O.B+x@GoogleMail.com>", LISTED),
        ("<.bob@gmail.com>", INVALID),
        ("<bob..@gmail.com>", INVALID),
        ("<\uff42\uff4f\uff42@corp.example>", INVALID),
        ("<bob@\uff43\uff4f\uff52\uff50.example>", LISTED),
        ("<bob@corp\u3002example>", LISTED),
        ("<bo\u00adb@corp.example>", INVALID),
        ("<bo\u200db@corp.example>", INVALID),
        ("<bob@co\u00adrp.example>", LISTED),
        ("<\u212aim@corp.example>", INVALID),
        ("<rene\u0301@corp.example>", LISTED),
        ("<REN\u00c9@corp.example>", LISTED),
        ("<bob@xn--bcher-kva.example>", LISTED),
        ("<bob@B\u00dcCHER.example>", LISTED),
        ("<bob@fa\u00df.example>", INVALID),
    ],
)
def test_P8_no_spelling_reaches_who_may_not_be_written_to(agent: Agent, client: Client, path: str, reason: str):
    client.command(f"MAIL FROM:<{agent.address}> SMTPUTF8")
    said = refused(client.command(f"RCPT TO:{path}"))
    assert (said.code // 100, said.retry, said.next) == (5, "never", "drop_recipient")
    assert said.reason == reason
    assert client.command("DATA").code == 554


def test_a_utf8_address_needs_smtputf8(agent: Agent, client: Client):
    client.command(f"MAIL FROM:<{agent.address}>")
    said = refused(client.command("RCPT TO:<ren\u00e9@other.example>"))
    assert (said.code, said.enhanced) == (553, "5.6.7")


def test_P10_an_allow_list_takes_the_exact_address_only(gate: Gate):
    agent = gate.mailbox({"recipient_allowed": {"addresses": ["kim@open.example"]}})
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}> SMTPUTF8")
        assert client.command("RCPT TO:<Kim@open.example>").code == 250
        assert refused(client.command("RCPT TO:<\u212aim@open.example>")).reason == INVALID
        assert refused(client.command("RCPT TO:<kim+x@open.example>")).reason == "recipient_not_allowed"


OWN, BOSS = "{own}", "boss@sender.test"


@pytest.mark.parametrize(
    "author",
    [
        f"From: {OWN}\r\nFrom: {BOSS}",
        f"From: {OWN}\r\nfrom: {BOSS}",
        f"From: {BOSS}\r\nFrom: {OWN}",
        f"From: {OWN}, {BOSS}",
        f"From: Group: {OWN}, {BOSS};",
        f"From: Group:;\r\nSender: {OWN}",
        "From:",
        "From: ,",
        "Subject: no author",
        f"From : {OWN}",
        f"From\0: {OWN}",
        f"Fro\r\n m: {OWN}",
        f" From: {BOSS}\r\nFrom: {OWN}",
        f"From: {OWN}\r\n \r\nFrom: {BOSS}",
        f"From: {OWN}\r\n \r\n\tFrom: {BOSS}",
        f"From: {OWN} <{BOSS}>",
        f"From: <{OWN}><{BOSS}>",
        f"From: <{OWN}> <{BOSS}>",
        f'From: "{OWN}\\" <" {BOSS}>',
        f"From: {OWN}(<{BOSS}>)",
        f"From: ({BOSS}) {OWN}",
        f"From: {OWN}\r\n\t<{BOSS}>",
        f"From: =?utf-8?q?boss=40sender.test?= <{OWN}>",
        f"From: =?utf-8?b?Ym9zc0BzZW5kZXIudGVzdAA=?= <{OWN}>",
        f"From: <@relay.example:{OWN}>",
        "From: \uff42oss@sender.test",
        f"From: {OWN}\r\nSender: {BOSS}",
        f"From: {OWN}\r\nSender: {OWN}, {BOSS}",
        f"From: {OWN}\r\nSender: {OWN}\r\nSender: {BOSS}",
        f"From: {OWN}\r\nResent-From: {BOSS}",
        f"From: {OWN}\r\nResent-Sender: {OWN}",
        f"From: {OWN}\r\nReply-To: a@b.example\r\nReply-To: {BOSS}",
        f"From {BOSS} Tue Mar 24 12:00:00 2026\r\nFrom: {OWN}",
        f"From: {OWN}\r\nSubject: one\r\nSubject: two",
        f"From: {OWN}\r\nTo: a@b.example\r\nTo: c@d.example",
        f"From: {OWN}\r\nnot a header\r\nFrom: {BOSS}",
    ],
)
def test_P3_P4_no_author_but_one_plain_own_one(gate: Gate, agent: Agent, author: str):
    header = author.replace(OWN, agent.address)
    said = refused(agent.submit("author@example.com", f"{header}\r\nX-Last: one\r\n\r\nhello\r\n".encode()))
    assert (said.code, said.reason) in {(550, "sender_not_allowed"), (554, "malformed_message")}
    assert said.retry == "never"
    assert trace(gate, said.send)["decision"] == "blocked"
    assert gate.provider.ledger.copies_for("author@example.com") == 0


@pytest.mark.parametrize(
    "name",
    [f'"{BOSS}" ', "=?utf-8?q?Sarah_=E2=80=AE?= ", "\u202eSarah\u202c ", "S\u0430rah Chen ", '"Sarah Chen, CEO" ', ""],
)
def test_P5_a_dubious_name_leaves_with_one_author_whoever_reads_it(gate: Gate, agent: Agent, name: str):
    to = f"name{abs(hash(name)) % 10**8}@example.com"
    message = agent.receipt(to).replace(agent.address.encode(), f"{name}<{agent.address}>".encode(), 1)
    with agent.connect() as client:
        for step in (f"MAIL FROM:<{agent.address}> SMTPUTF8", f"RCPT TO:<{to}>", "DATA"):
            client.command(step)
        client.send(message + b".\r\n")
        taken(client.reply())
    arrived = message_from_bytes(gate.arrived(to))
    assert len(arrived.get_all("From", [])) == 1
    assert str(arrived["From"]).endswith(f"<{agent.address}>")


def test_P4_P6_fields_that_are_not_the_agents_to_set_do_not_leave(gate: Gate, agent: Agent):
    to = "fields@example.com"
    theirs = (
        "Bcc: bob@corp.example",
        "Return-Path: <boss@sender.test>",
        'X-SMTPAPI: {"to": ["bob@corp.example"]}',
        "X-PM-Message-Stream: other",
        "X-SES-CONFIGURATION-SET: none",
        "X-Mailgun-Recipient-Variables: {}",
        "Resend-Idempotency-Key: mine",
        "X-Gatepost-Campaign: spring",
        "X-Gatepost-Anything: else",
    )
    taken(agent.submit(to, agent.receipt(to, *theirs)))
    head = gate.arrived(to).partition(b"\r\n\r\n")[0].lower()
    for field in theirs:
        assert b"\n" + field.partition(":")[0].lower().encode() + b":" not in head


def test_P7_only_the_envelope_says_who_gets_it(gate: Gate, agent: Agent):
    to = "envelope@example.com"
    crowd = ",\r\n ".join(f"crowd{n}@example.com" for n in range(200))
    message = agent.receipt(to).replace(f"To: {to}".encode(), f"To: {crowd}".encode())
    send = taken(agent.submit(to, message))
    gate.arrived(to)
    assert set(states(gate, send)) == {to}
    assert gate.provider.ledger.copies_for("crowd1@example.com") == 0


def test_P7_bcc_by_the_envelope_is_honoured_and_judged_like_any_other(gate: Gate, agent: Agent):
    to, hidden = "shown@example.com", "hidden@example.com"
    with agent.connect() as client:
        client.command(f"MAIL FROM:<{agent.address}>")
        assert client.command(f"RCPT TO:<{to}>").code == 250
        assert client.command(f"RCPT TO:<{hidden}>").code == 250
        assert refused(client.command("RCPT TO:<bob@corp.example>")).reason == LISTED
        client.command("DATA")
        client.send(agent.receipt(to, f"Bcc: {hidden}, bob@corp.example") + b".\r\n")
        taken(client.reply())
    assert hidden.encode() not in gate.arrived(hidden)
    gate.arrived(to)
    assert gate.provider.ledger.copies_for("bob@corp.example") == 0


def test_one_person_named_twice_gets_one_copy_and_counts_once(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 2}})
    people = ["ann@twice.example", "ANN@twice.example", '"ann"@twice.example', "ann@TWICE.example"]
    send = taken(agent.submit(people))
    gate.settled(send)
    assert sum(gate.provider.ledger.copies_for(p) for p in ("ann@twice.example", "ANN@twice.example")) == 1
    taken(agent.submit("other@twice.example"))


def test_one_person_under_seven_spellings_at_once_gets_one_offer_and_an_answer_lets_the_next_pass(gate: Gate):
    agent = gate.mailbox({"cooldown": {"mode": "enforce"}})
    spelled = [f"ann+{n}@seven.example" for n in range(6)] + ["ann@seven.example"]
    replies = dict[str, Reply]()
    crowd(7, lambda n: replies.update({spelled[n]: agent.submit(spelled[n], agent.offer(spelled[n]))}))
    won = [to for to, reply in replies.items() if reply.code == 250]
    assert len(won) == 1
    assert {refused(reply).reason for to, reply in replies.items() if to not in won} == {"cooldown"}
    gate.arrived(won[0])
    taken(agent.submit("an.n@seven.example", agent.offer("an.n@seven.example")))  # dots are Gmail's alone
    both = refused(agent.submit(["kim+a@seven.example", "kim+b@seven.example"], agent.offer("kim@seven.example")))
    assert (both.code, both.reason, both.retry, both.next) == (550, "cooldown", "never", "drop_recipient")
    gate.later(1)
    gate.call("POST", "/v1/analytics/events", {"eventType": "replied", "email": "ann@seven.example"}, 202)
    taken(agent.submit("ann+7@seven.example", agent.offer("ann+7@seven.example")))


def test_P13_small_steps_rset_and_refused_attempts_dodge_no_limit_and_cost_nothing(gate: Gate):
    agent = gate.mailbox({"rate_limit_hourly": {"limit": 3}})
    with agent.connect() as client:
        for n in range(10):
            client.command(f"MAIL FROM:<{agent.address}>")
            client.command(f"RCPT TO:<step{n}@example.com>")
            client.command("RSET")
        codes = []
        for n in range(5):
            to = f"step{n}@example.com"
            codes.append(client.submit(agent.address, [to], agent.receipt(to)).code)
            client.command("RSET")
    assert codes == [250, 250, 250, 451, 451]


def test_the_null_sender_dodges_neither_people_nor_lists_nor_its_own_bucket(gate: Gate):
    agent = gate.mailbox(autonomyLevel="human_approved")
    with agent.connect() as client:
        assert taken(client.submit("", ["null0@example.com"], agent.offer("null0@example.com")), "held for approval")
        client.command("MAIL FROM:<>")
        assert refused(client.command("RCPT TO:<bob@corp.example>")).reason == LISTED
        client.command("RSET")
        foreign = agent.receipt("null1@example.com").replace(agent.address.encode(), BOSS.encode())
        assert refused(client.submit("", ["null1@example.com"], foreign)).reason == "sender_not_allowed"
        codes = [client.submit("", [f"null{n}@example.com"], agent.receipt("x@example.com")).code for n in range(1, 20)]
        said = refused(client.submit("", ["null20@example.com"], agent.receipt("x@example.com")))
    assert set(codes) == {250}
    assert (said.code, said.reason) == (451, "rate_limited")
    assert gate.provider.ledger.copies_for("null0@example.com") == 0


def test_the_null_sender_dodges_no_rule_unless_it_is_a_return_by_its_form(gate: Gate):
    agent, to = gate.mailbox({"cooldown": {"mode": "enforce"}}), "dodge@example.com"
    stopped = gate.mailbox({"rate_limit_hourly": {"limit": 0}})
    with agent.connect() as client:
        first = taken(client.submit("", [to], offer := agent.offer(to)))
        assert taken(client.submit("", [to], offer), "duplicate of an earlier send") == first
        forged = agent.offer(to, "Auto-Submitted: auto-replied")
        assert refused(client.submit("", [to], forged)).reason == "cooldown"
    with stopped.connect() as client:
        assert refused(client.submit("", [to], stopped.receipt(to))).reason == "rate_limited"
        automatic = stopped.receipt(to, "Auto-Submitted: auto-replied")
        assert refused(client.submit("", [to], automatic)).reason == "rate_limited"
        hollow = letters.report(stopped.address, to, LOST, "text/plain")
        assert refused(client.submit("", [to], hollow)).reason == "rate_limited"
        taken(client.submit("", [to], letters.report(stopped.address, to, LOST)))
    assert refused(agent.submit(to, agent.offer(to))).reason == "cooldown"  # it counted as the agent's own


def test_nobody_speaks_as_the_mail_system_but_in_a_report(gate: Gate):
    agent, to = gate.mailbox(), "helpdesk@example.com"
    system = "postmaster@sender.test"
    phish = "Your mailbox is full. Sign in at https://sender.test.example/keep to keep your mail."
    with agent.connect() as client:

        def said(author: str, *form: str) -> str:
            message = letters.letter(author, to, "Mailbox full", phish, "Auto-Submitted: auto-generated", *form)
            return refused(client.submit("", [to], message)).reason

        assert said(system) == "sender_not_allowed"
        assert said(f"IT Helpdesk <{system}>") == "sender_not_allowed"
        assert said(system, "MIME-Version: 1.0", "Content-Type: multipart/report; boundary=b") == "sender_not_allowed"
        named = letters.report(f"IT Helpdesk <{system}>", to, LOST)
        assert refused(client.submit("", [to], named)).reason == "sender_not_allowed"
        for name in ("", "Mail Delivery System ", '"Mailer-Daemon" '):
            taken(client.submit("", [to], letters.report(f"{name}<{system}>", to, LOST)))
        taken(client.submit("", [to], agent.letter(to, "Away", "I am away.", "Auto-Submitted: auto-replied")))


def test_an_offer_dressed_as_a_quotation_reaches_nobody_who_unsubscribed(gate: Gate, agent: Agent):
    to = "quoted@example.com"
    gate.suppress(to, reason="unsubscribe")
    offer = "50% off every kettle until Sunday. Buy now and save, free shipping with code SUN50."
    page = f'<p>Hello Kim, see below.</p><blockquote type=cite style="margin:0;border:0">{offer}</blockquote>'
    thread, html = "In-Reply-To: <z@example.com>", ("MIME-Version: 1.0", "Content-Type: text/html")
    for text, more in ((page, html), (f"Hello Kim, see below.\n\n> {offer}", ())):
        said = refused(agent.submit(to, agent.letter(to, "Re: your question", text, thread, *more)))
        assert said.reason == "unsubscribed"
    taken(agent.submit(to, agent.letter(to, "Re: your question", "Yes, it works again.\n\n> Does it work?", thread)))


def test_I3_nobody_on_the_wire_who_was_not_accepted(gate: Gate, agent: Agent):
    agent.submit("last@example.com")
    gate.arrived("last@example.com")
    reached = gate.provider.ledger.recipients()
    assert not {r for r in reached if r.endswith(("corp.example", "cher.example")) or alias_of(r) == "bob@gmail.com"}
    assert not gate.provider.ledger.violations
