"""The fixtures that run Gatepost itself: a message goes through each of them."""

from contextlib import redirect_stderr
from io import StringIO

import pytest
import structlog

from tests.support.settings import ADDRESS

MESSAGE = b"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: hello\r\n\r\nhello\r\n"


def test_a_process_takes_a_message_and_delivers_it(server, provider):
    assert server.submit(["bob@example.net"], MESSAGE).code == 250
    (taken,) = provider.ledger.wait_for_taken(1)
    assert (taken.rcpt_to, taken.mail_from) == (("bob@example.net",), ADDRESS)
    assert not provider.ledger.violations
    assert server.terminate() == 0


def test_a_process_killed_comes_back_on_the_same_ports_and_store(make_server, provider):
    provider.refuse()
    soon = {"deliveryConfig": {"retry": ["1s"], "uncertain": {"wait": "1s"}}}  # the attempt may have failed by then
    server = make_server(soon, providers=[provider.settings()])
    assert server.submit(["bob@example.net"], MESSAGE).code == 250
    server.kill9()
    assert not server.is_running()
    provider.listen()
    server.start()
    provider.ledger.wait_for_taken(1)
    assert provider.ledger.recipients() == {"bob@example.net"}


def test_an_app_in_this_process_takes_a_message_and_delivers_it(inside, provider):
    assert inside.submit(["bob@example.net"], MESSAGE).code == 250
    provider.ledger.wait_for_taken(1)


def test_a_line_logged_between_two_tests_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]):
    terminal = StringIO()
    with capsys.disabled(), redirect_stderr(terminal):  # as pytest has it between two tests
        structlog.get_logger().info("settled")
    assert terminal.getvalue() == ""
