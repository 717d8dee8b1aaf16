"""What is a command, what is a message, and where each ends (faults S1 to S10)."""

import socket

import pytest

from policy.decision import Check, Decision, Refusal
from policy.state import Ahead
from relay.mail.address import Address
from relay.submission.connection import COMMANDS_IN_A_ROW
from relay.submission.submission import Principal, Submission
from tests.submission.house import APPROVED, Hall, MakeHall, ScriptedDesk
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client, plain

LOOKALIKES = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n\r.\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
    b"\r\n.\r\r\n",
)  # fmt: skip
SMUGGLED = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: evil\r\n\r\nx"
ENVELOPE = f"MAIL FROM:<{ADDRESS}>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n".encode()


def begin(client: Client) -> None:
    for line, code in ((f"MAIL FROM:<{ADDRESS}>", 250), ("RCPT TO:<bob@example.net>", 250), ("DATA", 354)):
        assert client.command(line).code == code


def refuses_bare_cr_and_nul(submission: Submission) -> Decision:
    bad = submission.data.count(b"\r") != submission.data.count(b"\r\n") or b"\0" in submission.data
    why = Refusal("malformed_message", "bare CR or NUL", "never", "change_content")
    return Decision("blocked", (), (), "message_form", why) if bad else APPROVED


@pytest.mark.parametrize("lookalike", LOOKALIKES, ids=repr)
def test_S1_only_crlf_dot_crlf_ends_the_data(make_hall: MakeHall, lookalike: bytes) -> None:
    hall = make_hall(ScriptedDesk(answer=refuses_bare_cr_and_nul))
    with hall.connect(login=True) as client:
        begin(client)
        client.send(b"Subject: one\r\n\r\nfirst" + lookalike + SMUGGLED + b"\r\n.\r\n")
        first = client.reply()
        assert client.command("NOOP").code == 250
    assert not any("evil" in asked for asked in hall.desk.asked)
    if first.code == 250:
        (taken,) = hall.desk.taken
        assert b"evil@example.org" in taken.data
        assert taken.data.count(b"\n") == taken.data.count(b"\r\n")
    else:
        assert str(first).startswith("554 5.6.0 malformed_message: ")


def test_S1_a_bare_lf_is_left_to_the_rule_where_it_is_to_be_refused(make_hall: MakeHall) -> None:
    hall = make_hall(bare_newline="reject")
    with hall.connect(login=True) as client:
        begin(client)
        client.send(b"Subject: one\r\n\r\nfirst\nsecond\r\n.\r\n")
        client.reply()
    assert b"first\nsecond" in hall.desk.taken[0].data


def test_S1_dots_after_a_bare_lf_are_unstuffed_as_smtplib_stuffs_them(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        begin(client)
        client.send(b"Subject: x\n\n..first\n...second\n.\r\n\r\n.\r\n")
        assert client.reply().code == 250
    assert hall.desk.taken[0].data == b"Subject: x\r\n\r\n.first\r\n..second\r\n\r\n\r\n"


def test_S2_a_cr_before_the_end_belongs_to_the_message_and_what_follows_are_commands(make_hall: MakeHall) -> None:
    hall = make_hall(ScriptedDesk(answer=refuses_bare_cr_and_nul))
    with hall.connect(login=True) as client:
        begin(client)
        client.send(b"Subject: one\r\n\r\nfirst\r\r\n.\r\nNOOP\r\n")
        assert str(client.reply()).startswith("554 5.6.0 malformed_message: ")
        assert client.reply().code == 250
    assert hall.desk.taken == [] or b"\r\r\n" in hall.desk.taken[0].data


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b"..x\r\n.\r\n", b".x\r\n"),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"a\r\n..\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
        (b"a" * 65534 + b"\r\n..b\r\n.\r\n", b"a" * 65534 + b"\r\n.b\r\n"),
        (b"a" * 65533 + b"\r\n..b\r\n.\r\n", b"a" * 65533 + b"\r\n.b\r\n"),
    ],
)
def test_S4_dots_are_unstuffed_exactly(hall: Hall, wire: bytes, message: bytes) -> None:
    with hall.connect(login=True) as client:
        begin(client)
        client.send(wire)
        assert client.reply().code == 250
    assert hall.desk.taken[0].data == message


@pytest.mark.parametrize("length", [998, 999, 1000, 5000, 65536])
def test_S5_a_long_line_is_read_whole(hall: Hall, length: int) -> None:
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], b"Subject: x\r\n\r\n" + b"a" * length).code == 250
    assert hall.desk.taken[0].data == b"Subject: x\r\n\r\n" + b"a" * length + b"\r\n"


def test_S5_a_line_over_64_kib_is_refused_and_the_connection_stays_in_step(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        reply = client.submit(ADDRESS, ["bob@example.net"], b"Subject: x\r\n\r\n" + b"a" * 65537)
        assert str(reply).startswith("554 5.6.0 malformed_message: a line is longer than 65536 octets; retry=never")
        assert client.command("NOOP").code == 250
    assert not hall.desk.taken


@pytest.mark.parametrize(
    "line", [b"MAIL FROM:<a\0@b.test>", b"RCPT TO:<a@b\0.test>", b"NOOP \0", b"EHLO a\rX: 1", b"N\0P"]
)
def test_S6_a_control_character_in_a_command_is_501(hall: Hall, line: bytes) -> None:
    with hall.connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>") if line.startswith(b"RCPT") else None
        assert str(client.command(line)).startswith("501 5.5.2")
        assert client.command("NOOP").code == 250


@pytest.mark.parametrize("octets", [b"NOOP " + b"x" * 600, b"NOOP " + b"x" * 1100, b"x" * 1_000_000])
def test_S7_an_overlong_command_is_refused_in_step(hall: Hall, octets: bytes) -> None:
    with hall.connect() as client:
        assert client.command(octets).code == 500
        assert client.command("NOOP").code == 250
        assert client.command(octets).code == 500
        assert client.command(octets).code == 500
        assert client.is_closed()


def test_S7_mail_has_room_for_its_parameters(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        line = f"MAIL FROM:<{ADDRESS}> SIZE=1000 BODY=8BITMIME SMTPUTF8 AUTH=<{'x' * 480}>"
        assert len(line) > 512
        assert client.command(line).code == 250


def test_S7_an_endless_line_costs_no_memory(hall: Hall) -> None:
    with hall.connect() as client:
        for _ in range(64):
            client.send(b"x" * 65536)
        client.send(b"\r\nNOOP\r\n")
        assert client.reply().code == 500
        assert client.reply().code == 250


def test_S8_the_limit_of_a_command_is_the_same_however_often_ehlo_was_said(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        for _ in range(40):
            client.command("EHLO again.test")
        assert client.command("MAIL FROM:<" + "a" * 1100 + "@b.test>").code == 500
        with hall.connect():
            assert client.command(f"MAIL FROM:<{ADDRESS}> AUTH=<{'x' * 480}>").code == 250


def test_S9_everything_in_one_packet_gets_one_reply_each_in_order(hall: Hall) -> None:
    auth = f"EHLO a.test\r\nAUTH PLAIN {plain(USER, PASSWORD)}\r\n".encode()
    with Client(hall.address) as client:
        client.reply()
        client.send(
            auth + ENVELOPE + b"Subject: x\r\n\r\nx\r\n.\r\n" + ENVELOPE + b"Subject: y\r\n\r\ny\r\n.\r\nQUIT\r\n"
        )
        codes = [client.reply().code for _ in range(11)]
        assert codes == [250, 235, 250, 250, 354, 250, 250, 250, 354, 250, 221]
        assert client.is_closed()
    assert [taken.data[-3:] for taken in hall.desk.taken] == [b"x\r\n", b"y\r\n"]


def test_S9_one_octet_a_packet_is_the_same_conversation(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        for octet in ENVELOPE + b"..x\r\n.\r\nQUIT\r\n":
            client.send(bytes((octet,)))
        assert [client.reply().code for _ in range(5)] == [250, 250, 354, 250, 221]
    assert hall.desk.taken[0].data == b".x\r\n"


def test_S9_what_comes_while_others_have_their_turn_is_not_forgotten(make_hall: MakeHall) -> None:
    class Interrupted(ScriptedDesk):
        async def at_rcpt(
            self, principal: Principal, mail_from: Address | None, recipient: Address, ahead: Ahead
        ) -> Check | Ahead:
            if ahead.recipients == COMMANDS_IN_A_ROW - 2:  # MAIL was the first of the row
                hall.loop.call_soon(hall.session.data_received, b"NOOP\r\n")
            return await super().at_rcpt(principal, mail_from, recipient, ahead)

    hall = make_hall(Interrupted())
    with hall.connect(login=True) as client:
        count = COMMANDS_IN_A_ROW - 1
        client.send(
            f"MAIL FROM:<{ADDRESS}>\r\n".encode() + b"".join(b"RCPT TO:<r%d@b.test>\r\n" % n for n in range(count))
        )
        assert [client.reply().code for _ in range(count + 2)] == [250] * (count + 2)


def test_S9_replies_of_one_batch_leave_together(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        client.send(ENVELOPE)
        raw: socket.socket = client._socket
        got = raw.recv(4096)
        assert got.count(b"\r\n") == 3


def test_S10_who_speaks_before_the_greeting_is_sent_away(make_hall: MakeHall) -> None:
    hall = make_hall(start=False)
    with Client(hall.address) as client:  # the system has taken the connection, we have not yet
        client.send(b"EHLO a.test\r\n")
        hall.start()
        assert str(client.reply()).startswith("554 5.5.0")
        assert client.is_closed()


@pytest.mark.parametrize(
    "first", [b"POST / HTTP/1.1", b"GET / HTTP/1.0", b"Host: relay.test", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2"]
)
def test_S10_S46_another_protocol_is_told_so_and_nothing_in_it_is_run(hall: Hall, first: bytes) -> None:
    with hall.connect(login=True) as client:
        client.send(first + b"\r\nX: y\r\n\r\n" + ENVELOPE)
        assert str(client.reply()).startswith("554 5.5.0")
        assert client.is_closed()
    assert not any("MAIL" in asked for asked in hall.desk.asked)


def test_S10_a_tls_hello_on_a_plain_port_is_told_off(hall: Hall) -> None:
    with Client(hall.address) as client:
        client.reply()
        client.send(bytes.fromhex("1603010200010001fc0303") + b"\n")
        assert client.reply().code == 554
        assert client.is_closed()
