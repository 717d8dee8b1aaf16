"""README.md's code, as it stands there; only the port is the test's own."""

import re
import smtplib
from email.message import EmailMessage
from typing import Any

import pytest

from policy.decision import Refusal
from relay.cli.program import run
from relay.submission import wording
from tests.clients.conftest import CHANGES, SECRET, House
from tests.clients.pages import under
from tests.submission.test_wording import ROWS, SEND
from tests.support.inside import MakeInside
from tests.support.provider import Provider

EXAMPLE, PARSER = under("README.md", "Ten lines of smtplib", "python")
(LINES,) = under("README.md", "Ten lines of smtplib", "")


(COMMANDS,) = under("README.md", "Start your own", "")


def parser() -> Any:
    names: dict[str, Any] = {}
    exec(compile(PARSER, "README.md", "exec"), names)
    return names["refusal"]


def letter(to: str, subject: str = "Your order 4711") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "sales@yourcompany.com", to, subject
    message.set_content("It was shipped today.")
    return message


def refused(house: House, message: EmailMessage) -> smtplib.SMTPException:
    with smtplib.SMTP(*house.inside.smtp) as relay:
        relay.login("sales-agent", SECRET)
        with pytest.raises(smtplib.SMTPException) as caught:
            relay.send_message(message)
    return caught.value


def test_the_example_sends(house: House) -> None:
    host, port = house.inside.smtp
    assert f'SMTP("{host}", 2525)' in EXAMPLE
    house.python(EXAMPLE.replace("2525", str(port)))
    arrived = house.arrived()
    assert arrived.rcpt_to == ("bob@example.com",)
    assert arrived.header("From") == "Sarah Chen <sales@yourcompany.com>"


def test_the_example_and_the_parser_are_ten_lines_of_code() -> None:
    for block in (EXAMPLE, PARSER):
        code = [line for line in block.splitlines() if line.strip() and not line.strip().startswith('"""')]
        assert len(code) <= 10


def test_the_parser_reads_a_refused_recipient(house: House) -> None:
    house.suppress("bob@example.com")
    told = parser()(refused(house, letter("bob@example.com")))
    assert (told["reason"], told["retry"], told["next"]) == ("suppressed", "never", "drop_recipient")
    assert told["detail"].startswith("bob@example.com ")
    assert told["send"].startswith("send_")


def test_the_parser_reads_a_refused_message(house: House) -> None:
    message = letter("bob@example.com")
    message.replace_header("From", "ceo@elsewhere.example")
    told = parser()(refused(house, message))
    assert (told["reason"], told["retry"], told["next"]) == ("sender_not_allowed", "never", "fix_sender")


def test_the_parser_reads_a_wait_in_seconds(make_inside: MakeInside, provider: Provider, tmp_path: Any) -> None:
    limits = {"policies": {"default": {"rateLimits": {"hourly": 1}}}}
    house = House(make_inside(CHANGES | limits, providers=[provider.settings()]), provider, tmp_path)
    house.python(EXAMPLE.replace("2525", str(house.inside.smtp[1])))
    told = parser()(refused(house, letter("ann@example.com", "Another thing")))
    assert (told["reason"], told["next"]) == ("rate_limited", "wait")
    assert 0 < int(told["retry"]) <= 3700  # an hour, told in whole minutes


def test_the_parser_tells_what_has_no_reason(house: House) -> None:
    with smtplib.SMTP(*house.inside.smtp) as relay, pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        relay.login("sales-agent", "a wrong secret")
    assert set(parser()(caught.value)) == {"detail"}
    gone = parser()(smtplib.SMTPServerDisconnected("Connection unexpectedly closed"))
    assert gone == {"detail": "Connection unexpectedly closed"}


ECHOED = "bob@" + "a" * 250 + ".example sent; \r\n550 retry=0 \u202e"


@pytest.mark.parametrize("detail", ["so it is", "x" * 300, ECHOED])
def test_the_parser_reads_every_refusal_there_is(detail: str) -> None:
    read = parser()
    for reason, cause, retry, wait, next_step, phase, _ in ROWS:
        line = wording.refused(Refusal(reason, detail, retry, next_step, wait, cause), phase, SEND).line()
        assert len(line) + 2 <= 200
        told = read(smtplib.SMTPDataError(int(line[:3]), line[4:]))
        expected = (reason, str(wait) if retry == "after" else retry, next_step, SEND)
        assert (told["reason"], told["retry"], told["next"], told["send"]) == expected


def test_the_lines_shown_are_lines_the_parser_reads() -> None:
    for line in LINES.splitlines():
        code, _, text = line.partition(" ")
        if code != "250":
            told = parser()(smtplib.SMTPDataError(int(code), text.replace("…", "").encode()))
            assert set(told) == {"reason", "detail", "retry", "next", "send"}


def test_the_commands_to_start_with_work_in_a_new_folder_in_their_order(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line.partition("#")[0].split() for line in COMMANDS.splitlines()]
    assert {program for program, *_ in lines} == {".venv/bin/gatepost"}
    for _, *command in lines:
        assert command == ["serve"] or run(command) == 0, capsys.readouterr().err
    assert "smtp.login('agent', 'gp_live_" in capsys.readouterr().out


@pytest.mark.parametrize("page", [("README.md", "Ten lines of smtplib"), ("docs/clients.md", "What a refusal says")])
def test_the_refusal_shown_is_the_one_that_is_given(house: House, page: tuple[str, str]) -> None:
    (lines,) = under(*page, "")
    house.suppress("bob@example.com", "unsubscribe")
    offer = letter("bob@example.com", "50% off our new plan this week")
    offer.set_content("Buy now and get 50% off! Limited offer, book a demo today.")
    error = refused(house, offer)
    assert isinstance(error, smtplib.SMTPDataError)
    said = error.smtp_error
    given = f"{error.smtp_code} {said if isinstance(said, str) else said.decode()}"
    assert _bare(given) == _bare(lines.splitlines()[0])


def _bare(line: str) -> str:
    """Without its date and the id of the send."""
    return re.sub(r"\d{4}-\d\d-\d\d|send_\S+", "", line)
