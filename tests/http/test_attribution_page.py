"""docs/attribution.md: its example is lived through, and every answer is the one it shows, to the digit."""

import csv
import io
import json
import subprocess
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tests.clients.pages import blocks
from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY, mailbox

PAGE = "docs/attribution.md"
DAY = 86_400_000
TENTH = 1_773_140_400_000  # 10 March 2026, 11:00 UTC
NOON = TENTH + 14 * DAY + 3_600_000
LETTERS = ((0, "spring"), (10, "followup"), (13, "reminder"))


@pytest.fixture
def gate(make_inside: MakeInside, provider: Any) -> Inside:
    """On the 24th at noon, after the three letters of the page have reached the prospect."""
    now = [TENTH]
    changes = {
        "domains": [{"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}],
        "mailboxes": [mailbox()],
        "costs": {"per_email": 0.0008, "monthly_fixed": 500},
    }
    inside = make_inside(changes, providers=[provider.settings()], clock=lambda: now[0])
    old_keys = text("UPDATE dkim_keys SET active_from = 0")  # they were made today, which is after the page's day
    inside.run(inside.app.writer.run(lambda c: c.execute(old_keys)))
    inside.run(inside.app.reader.call(lambda c: inside.app.signers.load(c, now[0])))
    with inside.api() as api:
        for number, (days, campaign) in enumerate(LETTERS, 1):
            now[0] = TENTH + days * DAY
            letter = {
                "mailboxId": "agent",
                "to": "prospect@example.com",
                "subject": f"Order {number}",
                "body": "Shipped.",
            }
            sent = api.post("/v1/send/request", json=letter | {"campaign": campaign}).json()
            assert sent["status"] == "queued"
            while api.get(f"/v1/sends/{sent['sendId']}").json()["status"] != "delivered":
                pass  # settling follows the provider's answer at once
    now[0] = NOON
    return inside


def shown(answer: Any, told: Any, place: str = "") -> list[str]:
    """Where what is told is not what the page shows; ids are their own."""
    if isinstance(answer, dict):
        return [w for name in answer for w in shown(answer[name], told.get(name), f"{place}.{name}")]
    if isinstance(answer, list):
        pairs = zip(answer, told, strict=True)
        return [w for n, (a, b) in enumerate(pairs) for w in shown(a, b, f"{place}[{n}]")]
    is_id = isinstance(answer, str) and answer.startswith(("evt_", "send_"))
    return [] if is_id or answer == told else [f"{place}: {told!r} where the page shows {answer!r}"]


@pytest.mark.needs("curl")
def test_the_example_comes_out_as_the_page_says(gate):
    answer: Any = None
    compared = 0
    for block in blocks(PAGE):
        if block.language == "sh":
            environment = {"PATH": "/usr/bin:/bin", "GATEPOST": gate.http, "KEY": ADMIN_KEY}
            done = subprocess.run(
                ["bash", "-ec", block.text], env=environment, capture_output=True, text=True, check=True
            )
            answer = done.stdout
        elif block.language == "json":
            assert shown(json.loads(block.text), json.loads(answer)) == []
            compared += 1
    assert compared == 3
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert len(rows) == 7
    for kind, value in (("trial_started", "99.00"), ("meeting_booked", "0"), ("deal_closed", "12651.00")):
        own = [row for row in rows if row["eventType"] == kind]
        assert sum(Decimal(row["weight"]) for row in own) == 1
        assert sum(Decimal(row["credited"]) for row in own) == Decimal(value)
