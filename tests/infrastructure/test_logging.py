"""What Gatepost logs in this process between two tests."""

from contextlib import redirect_stderr
from io import StringIO

import pytest
import structlog


def test_a_line_logged_between_two_tests_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]):
    terminal = StringIO()
    with capsys.disabled(), redirect_stderr(terminal):  # as pytest has it between two tests
        structlog.get_logger().info("settled")
    assert terminal.getvalue() == ""
