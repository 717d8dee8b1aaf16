"""Against a running Gatepost: the brief's own calls by curl, and the API's description put to the test."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.inside import Inside, MakeInside
from tests.support.settings import ADMIN_KEY, mailbox

BRIEF = Path(__file__).resolve().parents[3] / "shared" / "brief" / "building-an-email-pipeline-for-ai-agents.txt"
needs_brief = pytest.mark.skipif(not BRIEF.is_file(), reason="the brief is missing")
# What the brief shows of each answer, or the contract where the brief shows none.
FIELDS = {
    "/v1/me/keys": {"id", "label", "scope", "key", "keyPrefix", "permissions", "createdAt"},
    "/v1/mailboxes": {"id", "name", "fromAddress", "fromName", "autonomyLevel", "status", "smtp"},
    "/v1/domains": {"id", "domain", "status", "dnsRecords"},
    "/v1/send/request": {"sendId", "status", "decision", "reason", "retry", "next", "replayed", "checks"},
    "/v1/analytics/reputation": {"bounceRate", "complaintRate", "volumeTrend", "reputationScore", "warnings"},
    "/v1/analytics/events": {"eventId", "attributed", "touches"},
    "/v1/analytics/outcomes": {"period", "totalEmails", "outcomes", "costPerOutcome"},
}
STATUS = {"/v1/me/keys": 201, "/v1/mailboxes": 201, "/v1/domains": 201, "/v1/analytics/events": 202}


def calls() -> list[str]:
    """The curl calls of the brief, as they stand there."""
    text = BRIEF.read_text("utf-8")
    found = re.findall(r"^curl [^\n]*(?:\\\n[^\n]*|(?<!\\)\n(?=-[A-Z])[^\n]*)*", text, re.MULTILINE)
    blocks = []
    for start in (m.start() for m in re.finditer(r"^curl ", text, re.MULTILINE)):
        rest = text[start:]
        end = (
            rest.find("\n}'") + 3
            if rest.split("\n")[0].find("-X POST") >= 0
            else rest.find("\n{")
            if "\n{" in rest
            else -1
        )
        blocks.append(rest[:end].strip() if end > 0 else rest.split("\n\n")[0])
    assert len(blocks) == len(found)
    return blocks


@pytest.fixture
def office(make_inside: MakeInside, provider: Any) -> Inside:
    """With the mailbox the brief sends from, under the name it uses."""
    return make_inside(
        {
            "domains": [
                {"domain": "sender.test", "verification": "trusted", "physical_address": "1 Main St, Springfield"},
            ],
            "mailboxes": [mailbox(), mailbox("your-mailbox-id", fromAddress="brief@sender.test")],
        },
        providers=[provider.settings()],
    )


@needs_brief
@pytest.mark.needs("curl")
def test_the_briefs_curl_calls_work_once_host_and_key_are_replaced(office):
    answered = []
    for written in calls():
        here = written.replace("https://api.molted.email", office.http).replace("your-tenant-id", "default")
        call = re.sub(r"Bearer your-[a-z-]+", f"Bearer {ADMIN_KEY}", here)
        words = shlex.split(call.replace("\\\n", " ").replace("\n-", " -"))
        done = subprocess.run(
            [*words, "-s", "-w", "\n%{http_code}"], capture_output=True, text=True, timeout=30, check=True
        )
        body, _, status = done.stdout.rpartition("\n")
        path = re.search(r"/v1/[a-z/-]+", call)
        assert path is not None
        told = json.loads(body)
        assert int(status) == STATUS.get(path[0], 200), (path[0], told)
        assert told.keys() >= FIELDS[path[0]], path[0]
        answered.append((path[0], told))
    assert {path for path, _ in answered} == set(FIELDS)
    by_path = dict(answered)
    assert by_path["/v1/me/keys"]["scope"] == "agent:sales@yourcompany.com"
    assert by_path["/v1/mailboxes"]["autonomyLevel"] == "human_approved"
    assert by_path["/v1/domains"]["status"] == "pending"
    assert by_path["/v1/send/request"]["status"] in ("queued", "held")
    assert by_path["/v1/analytics/outcomes"]["outcomes"].keys() >= {"revenue_attributed"}


def test_the_documentation_and_health_are_served(office):
    with office.api() as api:
        assert api.get("/readyz").json() == {"status": "ready", "missing": []}
        assert api.get("/docs").status_code == 200
        assert api.get("/openapi.json").json()["openapi"].startswith("3.1")
        assert "server" not in api.get("/healthz").headers


@pytest.mark.timeout(300)
def test_the_description_holds_for_whatever_is_sent(office):
    """No 5xx, no answer the description does not name."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    schema = schemathesis.openapi.from_url(f"{office.http}/openapi.json")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/v1/events":
            continue  # a stream when it is asked for one: it never ends

        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def probe(case: Any) -> None:
            case.call_and_validate(
                base_url=office.http, checks=checks, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=20
            )

        from hypothesis import given

        given(case=operation.as_strategy())(probe)()
        tried += 1
    assert tried > 60
