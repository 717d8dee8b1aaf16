"""Stock clients, with nothing told to them but host, port, user and password."""

import smtplib
from email.message import EmailMessage

import aiosmtplib
import pytest

from policy.decision import Decision, Refusal
from tests.submission.house import MESSAGE, MakeHall, ScriptedDesk
from tests.support.settings import ADDRESS, PASSWORD, USER


def message(*to: str) -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Bcc"], written["Subject"] = (
        ADDRESS,
        ", ".join(to),
        "secret@example.net",
        "hi",
    )
    written.set_content("Hello.\n.\n..dots\nand häh\n")
    return written


def test_smtplib_sends_a_message_with_bcc(make_hall: MakeHall) -> None:
    hall = make_hall()
    with smtplib.SMTP(*hall.address) as client:
        client.login(USER, PASSWORD)
        assert client.send_message(message("bob@example.net", "ann@example.net")) == {}
    (taken,) = hall.desk.taken
    assert [a.wire for a in taken.rcpt_to] == ["bob@example.net", "ann@example.net", "secret@example.net"]
    assert taken.data.count(b"\n") == taken.data.count(b"\r\n")


def test_smtplib_with_bare_lf_bytes_is_normalised_with_its_dots(make_hall: MakeHall) -> None:
    hall = make_hall()
    written = b"From: <a@b.test>\nSubject: x\n\n.\n..\nend\n"
    with smtplib.SMTP(*hall.address) as client:
        client.login(USER, PASSWORD)
        client.sendmail(ADDRESS, ["bob@example.net"], written)
    assert hall.desk.taken[0].data.rstrip() == written.replace(b"\n", b"\r\n").rstrip()


def test_smtplib_learns_of_a_partial_refusal_as_a_dict(make_hall: MakeHall) -> None:
    why = Refusal("suppressed", "bob@example.net complained", "never", "drop_recipient")
    hall = make_hall(ScriptedDesk(rcpt={"bob@example.net": why}))
    with smtplib.SMTP(*hall.address) as client:
        client.login(USER, PASSWORD)
        refused = client.sendmail(ADDRESS, ["bob@example.net", "ann@example.net"], MESSAGE)
        assert list(refused) == ["bob@example.net"]
        assert refused["bob@example.net"][0] == 550
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(ADDRESS, ["bob@example.net"], MESSAGE)
        assert client.noop()[0] == 250


def test_smtplib_learns_of_a_refusal_at_the_dot_and_goes_on(make_hall: MakeHall) -> None:
    why = Refusal("secret_leak", "an API key in the text", "human", "change_content")
    desk = ScriptedDesk(answer=Decision("blocked", (), (), "content_safety", why))
    hall = make_hall(desk)
    with smtplib.SMTP(*hall.address) as client:
        client.login(USER, PASSWORD)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail(ADDRESS, ["bob@example.net"], MESSAGE)
        assert refused.value.smtp_code == 550
        assert b"5.7.1 secret_leak: an API key" in refused.value.smtp_error
        desk.answer = Decision("approved", (), ())
        assert client.sendmail(ADDRESS, ["bob@example.net"], MESSAGE) == {}


def test_smtplib_sends_many_on_one_connection(make_hall: MakeHall) -> None:
    hall = make_hall()
    with smtplib.SMTP(*hall.address) as client:
        client.login(USER, PASSWORD)
        for _ in range(150):
            client.sendmail(ADDRESS, ["bob@example.net"], MESSAGE)
            client.rset()
    assert len(hall.desk.taken) == 150


async def test_aiosmtplib_sends_an_international_address(make_hall: MakeHall) -> None:
    hall = make_hall()
    host, port = hall.address
    async with aiosmtplib.SMTP(hostname=host, port=port, username=USER, password=PASSWORD) as client:
        await client.sendmail(ADDRESS, ["jürgen@example.net"], MESSAGE, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert hall.desk.taken[0].rcpt_to[0].wire == "jürgen@example.net"
