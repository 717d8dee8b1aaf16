"""The brief's own words against a running Gatepost: each call by real curl, each answer field by field."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from relay.cli.program import run
from tests.brief import CONFIGURATION, blocks, calls, lacking, needs_brief
from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY, mailbox, settings, write

pytestmark = needs_brief
MORNING = 1_774_348_200_000  # 2026-03-24 10:30 UTC, the time of the brief's decision
NOON = MORNING + 90 * 60_000
# What the contract promises where the brief shows no answer.
PROMISED: dict[str, tuple[int, set[str]]] = {
    "/v1/me/keys": (201, {"id", "label", "scope", "key", "keyPrefix", "permissions", "createdAt"}),
    "/v1/mailboxes": (201, {"id", "name", "fromAddress", "fromName", "autonomyLevel", "status", "smtp"}),
    "/v1/domains": (201, {"id", "domain", "status", "dnsRecords"}),
    "/v1/send/request": (
        200,
        {"sendId", "status", "decision", "reason", "detail", "retry", "retryAfter", "next", "replayed", "checks"},
    ),
    "/v1/analytics/reputation": (200, set()),
    "/v1/analytics/events": (202, {"eventId", "attributed", "touches"}),
    "/v1/analytics/outcomes": (200, set()),
}


class World:
    """A Gatepost on the day of the brief, with the mailbox it sends from, and curl."""

    def __init__(self, make_inside: MakeInside, provider: Any) -> None:
        self.now = MORNING
        sender = {"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"}
        changes = {
            "domains": [sender],
            "mailboxes": [mailbox(), mailbox("your-mailbox-id", fromAddress="brief@sender.test")],
            "costs": {"per_email": 0.0008, "monthly_fixed": 500},
            "policies": {"default": {"rateLimits": {"hourly": 100, "daily": 500, "monthly": 3000}}},
        }
        self.provider = provider
        self.door: Inside = make_inside(changes, providers=[provider.settings()], clock=lambda: self.now)
        app = self.door.app
        old_keys = text("UPDATE dkim_keys SET active_from = 0")  # they were made today, which is after the brief's day
        self.door.run(app.writer.run(lambda c: c.execute(old_keys)))
        self.door.run(app.reader.call(lambda c: app.signers.load(c, self.now)))

    def call(self, written: str) -> tuple[str, int, Any]:
        """Run a call of the brief with host, key and tenant replaced: its path, the status, the answer."""
        call = written.replace("https://api.molted.email", self.door.http).replace("your-tenant-id", "default")
        call = re.sub(r"Bearer your-[a-z-]+", f"Bearer {ADMIN_KEY}", call)
        # Where the text is broken after a header without a backslash, the shell would see two commands.
        call = re.sub(r"(?<!\\)\n(?=-[A-Z] )", " ", call)
        shell = f"{call} -s -w '\\n%{{http_code}}'"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=True)
        body, _, status = done.stdout.rpartition("\n")
        path = re.search(r"/v1/[a-z/-]+", call)
        assert path is not None
        return path[0], int(status), json.loads(body)

    def reached(self, sent: Any) -> None:
        """Wait until the message is with its recipient."""
        self.provider.ledger.wait_for_taken(1)
        with self.door.api() as api:
            while api.get(f"/v1/sends/{sent['sendId']}").json()["status"] != "delivered":
                pass  # settling follows the provider's answer at once

    def consent(self) -> None:
        """The consent the brief's decision speaks of."""
        given = {"email": "prospect@example.com", "basis": "express", "granted": True, "at": "2026-01-15T09:00:00Z"}
        self.door.call("POST", "/v1/consents", given, 201)

    def happened(self, *kinds: str) -> None:
        """Further events about the same person."""
        with self.door.api() as api:
            for kind in kinds:
                event = {"eventType": kind, "email": "prospect@example.com", "value": 12651}
                assert api.post("/v1/analytics/events", json=event).json()["attributed"] is True


@pytest.fixture
def world(make_inside: MakeInside, provider: Any) -> World:
    return World(make_inside, provider)


@pytest.mark.needs("curl")
def test_every_call_of_the_brief_works_once_host_and_key_are_replaced(world):
    answered = {}
    for call in calls():
        path, status, told = world.call(call)
        wanted, fields = PROMISED[path]
        assert status == wanted, (path, told)
        assert told.keys() >= fields, path
        answered[path] = told
    assert answered.keys() == PROMISED.keys()
    assert answered["/v1/me/keys"]["scope"] == "agent:sales@yourcompany.com"
    assert answered["/v1/mailboxes"]["autonomyLevel"] == "human_approved"
    assert answered["/v1/domains"]["status"] == "pending"
    assert answered["/v1/send/request"]["status"] == "queued"


@pytest.mark.needs("curl")
def test_every_answer_the_brief_shows_is_answered_field_by_field(world):
    """Its message is sent, reaches the prospect, who starts a trial at 11:45; at noon it is all told."""
    shown = {key: json.loads(source) for key, source in blocks().items() if key not in CONFIGURATION}
    assert set(shown) == {"sendId", "bounceRate", "period"}
    world.consent()
    by_path = {}
    for call in calls():
        if "/send/request" in call:
            _, _, sent = world.call(call)
            world.reached(sent)
        else:
            world.now = NOON if "/events" in call or "outcomes" in call else world.now
            path, _, by_path[path] = world.call(call)
        if "/events" in call:
            world.happened("meeting_booked", "deal_closed")
    trace = world.door.call("GET", f"/v1/decisions/{sent['sendId']}")
    assert by_path["/v1/analytics/events"]["touches"] == [{"sendId": sent["sendId"], "weight": 1.0}]
    assert lacking(shown["bounceRate"], by_path["/v1/analytics/reputation"]) == []
    assert lacking(shown["period"], by_path["/v1/analytics/outcomes"]) == []
    assert by_path["/v1/analytics/outcomes"]["outcomes"]["revenue_attributed"] == 99 + 2 * 12651
    assert lacking(shown["sendId"], trace) == []
    assert trace["decision"] == shown["sendId"]["decision"]
    ours = {check["rule"]: check for check in trace["checks"]}
    for check in shown["sendId"]["checks"]:
        assert lacking(check, ours[check["rule"]]) == []
        assert ours[check["rule"]]["status"] == check["status"], check["rule"]
    assert ours["content_classification"]["type"] == "commercial"
    assert ours["consent_validation"]["consent_date"] == "2026-01-15"


@pytest.mark.parametrize("key", CONFIGURATION)
def test_a_block_of_configuration_pasted_as_it_stands_passes_the_check(tmp_path: Path, key: str):
    tree = settings(tmp_path)
    tree.pop({"rateLimits": "policies"}.get(key, key), None)
    file = write(tmp_path, tree)
    inside = "\n".join(blocks()[key].splitlines()[1:-1])
    file.write_text(file.read_text("utf-8") + inside + "\n", "utf-8")
    assert run(["config", "check", "-c", str(file)]) == 0
