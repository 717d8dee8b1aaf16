"""docs/api.md: its calls are run in their order and answered as it shows; every code, event and route stands there."""

import json
import re
import subprocess
from typing import Any

import pytest

from config.events import TYPES
from relay.http.problems import CODES
from tests.brief import lacking
from tests.clients.pages import ROOT, blocks
from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY, mailbox

PAGE = "docs/api.md"
SAME = {"status", "decision", "reason", "code", "title", "detail", "messageClass", "scope", "rateLimits", "permissions"}
TEXT = (ROOT / PAGE).read_text("utf-8")


@pytest.fixture
def gate(make_inside: MakeInside, provider: Any) -> Inside:
    """With the mailbox of the page, under the limits of the brief."""
    domain = {"domain": "yourcompany.com", "verification": "trusted", "physical_address": "1 Main St, Springfield"}
    changes = {
        "domains": [domain],
        "mailboxes": [mailbox("sales-agent", fromAddress="sales@yourcompany.com")],
        "policies": {"default": {"rateLimits": {"hourly": 100, "daily": 500, "monthly": 3000}}},
    }
    return make_inside(changes, providers=[provider.settings()])


def examples() -> list[tuple[str, Any]]:
    """Each call of the page, with the answer that is shown below it (None where none is)."""
    found: list[tuple[str, Any]] = []
    for block in blocks(PAGE):
        if block.language == "sh" and "curl" in block.text:
            found.append((block.text, None))
        elif block.language == "json":
            found[-1] = (found[-1][0], json.loads(block.text))
    return found


@pytest.mark.needs("curl")
def test_every_call_of_the_page_is_answered_as_it_shows(gate):
    shown = examples()
    assert len(shown) >= 9
    for call, answer in shown:
        environment = {"PATH": "/usr/bin:/bin", "GATEPOST": gate.http, "KEY": ADMIN_KEY}
        done = subprocess.run(["bash", "-ec", call], env=environment, capture_output=True, text=True, check=True)
        if answer is not None:
            told = json.loads(done.stdout)
            assert lacking(*_first_of_lists(answer, told)) == [], call
            for name in SAME & answer.keys():
                assert told[name] == answer[name], (call, name, told)


def _first_of_lists(shown: dict[str, Any], told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of a list the first thing shown is compared, a check with that of the same rule."""
    shown, told = dict(shown), dict(told)
    for name, value in shown.items():
        if isinstance(value, list) and value:
            same = [one for one in told[name] if not isinstance(one, dict) or one.get("rule") == value[0].get("rule")]
            shown[name], told[name] = value[0], same[0]
    return shown, told


def test_the_page_names_every_code_with_its_status():
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (\d{3}) \|", TEXT))
    assert rows == {code: str(status) for code, (status, _, _) in CODES.items()}


def test_the_page_names_every_type_of_event():
    assert set(re.findall(r"(?m)^\| `([a-z]+\.[a-z_]+)` \|", TEXT)) == set(TYPES)


def test_the_page_names_every_route(gate):
    document = gate.call("GET", "/openapi.json")
    routes = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert set(re.findall(r"(?m)^\| `([A-Z]+ /[^`]*)` \|", TEXT)) == routes
