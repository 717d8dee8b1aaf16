"""The scripted provider's accounts, without which nothing that rests on them would fail."""

import json
import smtplib
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.ports import free_port
from tests.support.provider import HOST, Provider
from tests.support.script import Script, at_random, fault
from tests.support.smtp import Client, stuffed

MESSAGE = (
    b"From: a@x.test\r\nTo: b@y.test\r\nMessage-ID: <1@x.test>\r\nSubject: hello\r\n there\r\n\r\n.\r\n..two\r\nend\r\n"
)


def send(provider: Provider, to: list[str] | None = None, message: bytes = MESSAGE) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP(HOST, provider.port, timeout=5) as client:
        return client.sendmail("a@x.test", to or ["b@y.test"], message)


def test_a_message_arrives_to_the_byte(provider):
    send(provider)
    (taken,) = provider.ledger.taken
    assert taken.data == MESSAGE
    assert (taken.mail_from, taken.rcpt_to, taken.header("subject")) == ("a@x.test", ("b@y.test",), "hello there")
    assert provider.ledger.copies == {("<1@x.test>", "b@y.test"): 1}
    assert not provider.ledger.violations


def test_an_empty_message_and_two_in_one_packet_stay_in_step(provider):
    with Client((HOST, provider.port)) as client:
        client.greet()
        envelope = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n"
        client.send(envelope + b".\r\n" + envelope + stuffed(MESSAGE) + b"QUIT\r\n")
        assert [client.reply().code for _ in range(9)] == [250, 250, 354, 250, 250, 250, 354, 250, 221]
    assert [taken.data for taken in provider.ledger.taken] == [b"", MESSAGE]


def test_authentication_is_checked_and_may_be_scripted(make_provider):
    provider = make_provider(Script(users={"u": "p"}, require_auth=True))
    for user, password, code in (("u", "p", 235), ("u", "wrong", 535)):
        with Client((HOST, provider.port)) as client:
            client.greet()
            assert client.command("MAIL FROM:<a@x.test>").code == 530
            assert client.login(user, password).code == code
    with smtplib.SMTP(HOST, provider.port) as client:
        client.ehlo()
        client.user, client.password = "u", "p"
        assert client.auth("LOGIN", client.auth_login)[0] == 235
    assert all(line == "AUTH PLAIN" for _, line in provider.ledger.commands if line.startswith("AUTH P"))


def test_a_dropped_answer_leaves_the_message_counted_and_named_as_lost(make_provider):
    provider = make_provider(fault("dot_taken_drop"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(provider)
    provider.ledger.wait(lambda ledger: ledger.lost == [1])
    assert provider.ledger.copies_for("b@y.test") == 1


def test_what_a_client_may_never_send_is_named(provider):
    with Client((HOST, provider.port)) as client:
        client.greet()
        client.submit(
            "a@x.test", ["b@y.test", "b@y.test"], b"Subject: x\r\n\r\nbare\nl\xc3\xa9\r\n" + b"y" * 999 + b"\r\n"
        )
    assert len(provider.ledger.violations) == 4


def test_chance_is_the_same_for_the_same_seed_and_unknown_faults_are_refused():
    def drawn(seed: int) -> list[object]:
        step = at_random({"dot_451": 0.3, "dot_554": 0.2}, seed).steps["dot"]
        return [step(asked) for _ in range(50)]

    asked = type("Dot", (), {"phase": "dot"})()
    assert drawn(1) == drawn(1) != drawn(2)
    with pytest.raises(ValueError, match="no such fault: nonsense"):
        at_random({"nonsense": 1.0}, 1)


def test_the_journal_survives_its_provider(tmp_path):
    for _ in range(2):
        provider = Provider(ledger=Ledger(tmp_path / "journal"))
        send(provider)
        provider.close()
    with closing(Ledger(tmp_path / "journal")) as ledger:
        assert ledger.duplicates() == {("<1@x.test>", "b@y.test"): 2}


def test_as_a_process_it_counts_over_http_and_survives_kill_nine(tmp_path):
    port, ctl = free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "tests.support.provider",
        f"--port={port}",
        f"--ctl={ctl}",
        f"--journal={tmp_path / 'j'}",
    ]

    def ask(path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"http://{HOST}:{ctl}{path}", timeout=10) as answer:
            return json.load(answer)

    for round_ in (1, 2):
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            with smtplib.SMTP(HOST, port) as client:
                client.sendmail("a@x.test", ["b@y.test"], MESSAGE.replace(b"1@x", f"{round_}@x".encode()))
            stats = ask("/wait?copies=1&seconds=5")
            assert (stats["unique"], stats["duplicates"]) == (round_, [])
            process.kill()
