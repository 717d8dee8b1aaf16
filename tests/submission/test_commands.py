"""The order of commands, their parameters, and what they answer (faults S24 to S31, S38 to S40)."""

import pytest
from msgspec.structs import replace

from policy.decision import Refusal
from policy.settings import Options
from relay.store.writer import Unavailable
from tests.submission.house import MESSAGE, Hall, MakeHall, ScriptedDesk
from tests.support.clock import NOON
from tests.support.settings import ADDRESS
from tests.support.smtp import Client

MAIL = f"MAIL FROM:<{ADDRESS}>"
BOB = "RCPT TO:<bob@example.net>"
SOON = Refusal("cooldown", "", "after", "wait", 600)
TOMORROW = Refusal("first_contact_limit", "", "after", "wait", 90_000)
NEVER = Refusal("suppressed", "", "never", "drop_recipient")


def said(client: Client, *commands: str) -> list[int]:
    return [client.command(command).code for command in commands]


def test_S24_commands_out_of_order_change_nothing(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert said(client, BOB, "DATA", MAIL, MAIL, "DATA", "RSET", BOB) == [503, 503, 250, 503, 554, 250, 503]
        assert said(client, MAIL, "EHLO again.test", BOB, MAIL, BOB, "DATA") == [250, 250, 503, 250, 250, 354]
        client.send(b".\r\n")
        assert client.reply().code == 250
        assert said(client, BOB, "DATA") == [503, 503]


def test_S24_a_lone_dot_after_a_refused_message_is_an_unknown_command(make_hall: MakeHall) -> None:
    hall = make_hall(max_message_size=65_536)
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], b"x\r\n" * 50_000).code == 552
        assert said(client, ".", "NOOP", MAIL) == [500, 250, 250]


def test_S24_mail_before_ehlo_is_out_of_order(hall: Hall) -> None:
    with Client(hall.address) as client:
        client.reply()
        assert said(client, MAIL, "AUTH PLAIN", "HELO a.test", "AUTH PLAIN", MAIL) == [503, 503, 250, 503, 530]


@pytest.mark.parametrize(
    ("hello", "command", "reply"),
    [
        ("EHLO", f"mail from:  <{ADDRESS}>", "250"),  # a space is wrong there, and usual
        ("EHLO", f"MAIL FORM:<{ADDRESS}>", "501 5.5.4"),
        ("EHLO", f"MAIL FROM:{ADDRESS}", "501 5.5.4"),
        ("EHLO", f"MAIL FROM:<{ADDRESS}>SIZE=1", "501 5.5.4"),
        ("HELO", f"MAIL FROM:<{ADDRESS}>", "250"),
        ("HELO", f"MAIL FROM:<{ADDRESS}> SIZE=1", "555 5.5.4"),  # no extension without EHLO
    ],
)
def test_S24_mail_is_understood_in_the_form_that_was_agreed(hall: Hall, hello: str, command: str, reply: str) -> None:
    with hall.connect(login=True) as client:
        client.command(f"{hello} a.test")
        assert str(client.command(command)).startswith(reply)


def test_S25_the_null_sender_has_one_recipient(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert said(client, "MAIL FROM:<>", BOB) == [250, 250]
        assert str(client.command("RCPT TO:<eve@example.net>")).startswith("452 4.5.3 too_many_recipients: ")
        client.command("DATA")
        client.send(MESSAGE + b".\r\n")
        assert client.reply().code == 250
    assert hall.desk.taken[0].mail_from is None


def test_S25_an_empty_bucket_of_the_null_sender_is_451(make_hall: MakeHall) -> None:
    why = Refusal("rate_limited", "10 of 10 bounces this hour", "after", "wait", 600)
    with make_hall(ScriptedDesk(mail=why)).connect(login=True) as client:
        assert str(client.command("MAIL FROM:<>")).startswith("451 4.7.0 rate_limited: ")


@pytest.mark.parametrize(
    "parameters", ["AUTH=<>", "AUTH=bob+40example.net", "auth=<> body=8bitmime", "BODY=7BIT SMTPUTF8"]
)
def test_S26_S28_known_parameters_are_taken_in_any_case(hall: Hall, parameters: str) -> None:
    with hall.connect(login=True) as client:
        assert client.command(f"{MAIL} {parameters}").code == 250


@pytest.mark.parametrize(
    "parameters", ["RET=HDRS", "ENVID=QQ314159", "REQUIRETLS", "HOLDFOR=60", "BY=120;R", "X=Y", "MT-PRIORITY=3"]
)
def test_S27_S31_what_is_not_announced_is_555(hall: Hall, parameters: str) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command(f"{MAIL} {parameters}")).startswith("555 5.5.4")
        assert said(client, MAIL) == [250]
        for options in ("NOTIFY=NEVER", "ORCPT=rfc822;bob@example.net", "RRVS=2014-04-03T23:01:00Z"):
            assert str(client.command(f"{BOB} {options}")).startswith("555 5.5.4")


@pytest.mark.parametrize("parameters", ["BODY=9BIT", "BODY=BINARYMIME", "BODY=", "SMTPUTF8=1", "SIZE=1 SIZE=2"])
def test_S28_wrong_values_are_501(hall: Hall, parameters: str) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command(f"{MAIL} {parameters}")).startswith("501 5.5.4")


def test_S28_an_eight_bit_body_is_kept_whatever_was_declared(hall: Hall) -> None:
    body = MESSAGE + bytes(range(128, 256)) + b"\r\n"
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], body).code == 250
    assert hall.desk.taken[0].data == body


def test_S29_an_international_address_needs_its_parameter(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command("MAIL FROM:<jürgen@example.net>")).startswith("553 5.6.7")
        assert client.command(MAIL).code == 250
        assert str(client.command("RCPT TO:<jürgen@example.net>")).startswith("553 5.6.7 recipient_invalid: ")
        client.command("RSET")
        assert client.command(f"{MAIL} SMTPUTF8").code == 250
        assert client.command("RCPT TO:<jürgen@bücher.example>").code == 250
        client.command("DATA")
        client.send(b".\r\n")
        assert client.reply().code == 250
    (taken,) = hall.desk.taken
    assert taken.rcpt_to[0].wire == "jürgen@xn--bcher-kva.example"
    assert taken.origin.smtputf8


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc3"])
def test_S29_what_is_no_utf8_is_501(hall: Hall, octets: bytes) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command(b"MAIL FROM:<" + octets + b"@example.net> SMTPUTF8")).startswith("501 5.5.4")
        assert client.command(MAIL).code == 250
        assert str(client.command(b"RCPT TO:<" + octets + b"@example.net>")).startswith("501 5.5.4")


def test_S30_bdat_is_not_implemented_and_its_octets_are_bounded_by_the_errors(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command("BDAT 5 LAST")).startswith("502 5.5.1")
        client.send(b"BDAT 9999\r\n" + b"some line\r\n" * 50)
        while (reply := client.reply()).code != 421:
            assert reply.code in (500, 502)
        assert client.is_closed()


@pytest.mark.parametrize("name", ["[127.0.0.1]", "m.eml", "localhost", "my_host", "bücher.example", "a b c", "x" * 255])
def test_S38_no_name_is_wrong(hall: Hall, name: str) -> None:
    with Client(hall.address) as client:
        client.reply()
        assert client.command(f"EHLO {name}").code == 250


@pytest.mark.parametrize("name", [b"a\rX-Evil: 1", b"a\0b", b"a\x1b[31m", b"x" * 256, b"\xc2\x85x"])
def test_S38_what_is_no_text_is_501(hall: Hall, name: bytes) -> None:
    with Client(hall.address) as client:
        client.reply()
        assert str(client.command(b"EHLO " + name)).startswith("501 5.5.2")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("agent.example.test", "agent.example.test"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("m.eml (evil)", ""),
        ("a.test\tX", ""),
        ("bücher.example", ""),
    ],
)
def test_S38_only_a_host_name_or_a_literal_is_repeated(hall: Hall, name: str, shown: str) -> None:
    with hall.connect(login=True) as client:
        client.command(f"EHLO {name}")
        client.submit(ADDRESS, ["bob@example.net"], MESSAGE)
    assert hall.desk.taken[0].origin.helo in (shown, "agent.example.test" if "\t" in name else shown)


def test_S39_nothing_is_echoed_and_nobody_is_looked_up(hall: Hall) -> None:
    with Client(hall.address) as client:
        client.greet()
        for command, code in (
            ("VRFY secret-name", "252 2"),
            ("EXPN secret-name", "502 5.5.1"),
            ("HELP secret-name", "214 2"),
        ):
            reply = client.command(command)
            assert str(reply).startswith(code)
            assert "secret" not in str(reply)
    assert not hall.desk.asked


def test_S40_no_reply_tells_a_version(hall: Hall) -> None:
    with Client(hall.address) as client:
        everything = str(client.reply()) + "".join(
            str(client.command(c))
            for c in ("EHLO a.test", "HELP", "BOGUS", "STARTTLS", "AUTH X", "MAIL", "RCPT", "QUIT")
        )
    assert not {"python", "aiosmtpd", "gatepost", "1.4.6", "0.1"} & set(everything.lower().split())
    assert "aiosmtpd" not in everything.lower()


def test_a_refusal_at_mail_carries_reason_and_pairs(make_hall: MakeHall) -> None:
    why = Refusal("tenant_paused", "the tenant is paused", "human", "ask_human")
    with make_hall(ScriptedDesk(mail=why)).connect(login=True) as client:
        assert str(client.command(MAIL)) == (
            "550 5.7.1 tenant_paused: the tenant is paused; retry=human next=ask_human "
            "send=send_01J00000000000000000000001"
        )
        assert said(client, BOB) == [503]


def test_a_refused_recipient_leaves_the_others(make_hall: MakeHall) -> None:
    why = Refusal("suppressed", "eve@example.net unsubscribed 2026-01-02", "never", "drop_recipient")
    hall = make_hall(ScriptedDesk(rcpt={"eve@example.net": why}))
    with hall.connect(login=True) as client:
        assert said(client, MAIL, BOB) == [250, 250]
        assert str(client.command("RCPT TO:<eve@example.net>")).startswith(
            "550 5.7.1 suppressed: eve@example.net unsub"
        )
        assert said(client, "RCPT TO:<ann@example.net>", "DATA") == [250, 354]
        client.send(b".\r\n")
        assert client.reply().code == 250
    assert [a.wire for a in hall.desk.taken[0].rcpt_to] == ["bob@example.net", "ann@example.net"]
    assert hall.desk.asked[-1] == "RCPT ann@example.net 1"


def test_one_refused_recipient_fails_the_message_of_a_strict_mailbox(make_hall: MakeHall) -> None:
    hall = make_hall(options=lambda _: Options(strict_recipients=True))
    with hall.connect(login=True) as client:
        assert said(client, MAIL, BOB, "RCPT TO:<no address>") == [250, 250, 553]
        assert str(client.command("DATA")).startswith("550 5.7.1 recipient_refused: ")
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


@pytest.mark.parametrize(
    ("steps", "reply"),
    [
        (
            [SOON],
            "451 4.7.0 recipient_refused: a recipient was refused and the mailbox is strict; retry=600 next=wait ",
        ),
        ([Unavailable("away"), SOON], "451 4.7.0 recipient_refused: "),
        ([Unavailable("away")], "451 4.7.0 recipient_refused: "),
        ([SOON, NEVER], "550 5.7.1 recipient_refused: "),
        (
            [SOON, TOMORROW],
            "451 4.7.0 recipient_refused: a recipient was refused and the mailbox is strict; retry=90000 next=wait ",
        ),
        (
            [replace(TOMORROW, wait=864_000), SOON],
            "550 5.7.1 recipient_refused: a recipient was refused and the mailbox is strict; retry=864000 next=wait ",
        ),
    ],
)
def test_a_strict_mailbox_waits_where_its_refused_recipients_only_have_to(
    make_hall: MakeHall, steps: list[Refusal | Unavailable], reply: str
) -> None:
    desk = ScriptedDesk(rcpt={f"r{n}@example.net": step for n, step in enumerate(steps)})
    hall = make_hall(desk, options=lambda _: Options(strict_recipients=True))
    with hall.connect(login=True) as client:
        assert said(client, MAIL, BOB) == [250, 250]
        assert all(code >= 400 for code in said(client, *(f"RCPT TO:<{address}>" for address in desk.rcpt)))
        assert str(client.command("DATA")).startswith(reply)


def test_the_id_of_mail_is_the_id_of_the_message(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        reply = client.submit(ADDRESS, ["bob@example.net"], MESSAGE)
    assert str(reply) == f"250 2.0.0 Ok: queued as {hall.desk.taken[0].send_id}"
    assert hall.desk.taken[0].received_at == NOON
