"""`gatepost demo`: the whole product on embedded defaults. That `--once` ends well is said in `tests/test_wheel.py`."""

import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from relay.cli.demo.script import steps
from relay.cli.demo.sink import BEHAVIOURS
from tests.support.server import PROGRAM

_PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}


@pytest.fixture(scope="module")
def running():
    """A demo that keeps running: the process and what it printed."""
    demo = subprocess.Popen(
        [str(PROGRAM), "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_PLAIN
    )
    assert demo.stdout is not None
    printed = ""
    for line in demo.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    yield demo, printed
    demo.kill()
    demo.stdout.close()
    demo.wait(10)


def test_the_demo_comes_out_as_expected(running):
    _, printed = running
    assert f"All {len(steps())} came out as they should" in printed
    for reason in ("suppressed:", "unsubscribed:", "sender_not_allowed:", "secret_leak:", "loop_detected:"):
        assert re.search(rf"550 5\.7\.1\s+{reason}", printed), reason
    assert "451 4.7.0 rate_limited:" in printed
    assert "(held for" in printed
    assert "failed over" in printed


def test_the_demo_shows_settings_that_work_and_an_inbox(running):
    _, printed = running
    assert re.search(r"password\s+gp_live_", printed)
    inbox = _inbox(printed)
    listed = _get(inbox)
    assert "Your receipt for order 1042" in listed
    message = _get(f"{inbox}2")
    assert "List-Unsubscribe-Post" in message
    assert "1 Main St" in message
    assert "<script" not in listed + message
    assert _get(f"{inbox}2.eml").startswith("DKIM-Signature:")


def test_commands_work_beside_the_demo(running):
    _, printed = running
    config = re.findall(r"GATEPOST_CONFIG=(\S+)", printed)[0]
    held = subprocess.run(
        [str(PROGRAM), "hold", "list", "--json", "--config", config],
        capture_output=True,
        text=True,
        env=_PLAIN,
        check=True,
    )
    assert "Cutting your onboarding time" in held.stdout


def test_the_switch_of_a_provider_works_from_its_own_page_only(running):
    _, printed = running
    inbox = _inbox(printed)
    body = b"provider=primary&behaviour=throttles"
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(urllib.request.Request(inbox, body, {"Origin": "http://evil.test"}), timeout=5)
    refused.value.close()
    assert 'value="throttles" title="451 4.7.0 to every MAIL" aria-pressed=false' in _get(inbox)
    urllib.request.urlopen(urllib.request.Request(inbox, body, {"Origin": inbox.rstrip("/")}), timeout=5).close()
    assert 'value="throttles" title="451 4.7.0 to every MAIL" aria-pressed=true' in _get(inbox)
    assert len(BEHAVIOURS) == 4


def test_ctrl_c_ends_the_demo_and_leaves_nothing_behind(running):
    demo, printed = running
    folder = Path(re.findall(r"GATEPOST_CONFIG=(\S+)", printed)[0]).parent
    assert folder.is_dir()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(20) == 0
    assert not folder.exists()


def _inbox(printed: str) -> str:
    return re.findall(r"Inbox\s+(http://\S+)", printed)[0]


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
