"""What leaves the configuration file and comes back to it: nothing that was stopped is started again by that."""

import pytest
import structlog.testing
from sqlalchemy import text

from tests.scenarios.gate import Agent, Gate
from tests.scenarios.verdicts import taken, waits_for
from tests.support.settings import DOMAIN, mailbox
from tests.support.smtp import Client
from tests.support.waiting import until


def declared(name: str, password: str) -> dict[str, object]:
    return mailbox(name, fromAddress=f"{name}@{DOMAIN}", credentials=[{"username": name, "password": password}])


def login(gate: Gate, name: str, password: str) -> int:
    with Client(gate.smtp) as client:
        client.greet()
        return client.login(name, password).code


def without_and_with(gate: Gate, before: list[object], **changed: object) -> None:
    gate.change({"mailboxes": before} | changed)
    gate.change({"mailboxes": [*before, declared("filed", "a-password-of-the-file-1")]} | changed)


def test_a_revoked_credential_stays_revoked(gate: Gate):
    before = list(gate.tree["mailboxes"])
    password = "a-password-of-the-file-1"
    gate.change({"mailboxes": [*before, declared("filed", password)]})
    assert login(gate, "filed", password) == 235
    keys = gate.call("GET", "/v1/me/keys?limit=200")["data"]
    (own,) = [key["id"] for key in keys if key["label"] == "filed"]
    gate.call("DELETE", f"/v1/me/keys/{own}", None, 204)
    with structlog.testing.capture_logs() as logs:
        without_and_with(gate, before)
    assert login(gate, "filed", password) == 525
    (told,) = [entry for entry in logs if "stays revoked; choose another username" in entry["event"]]
    assert (told["username"], told["log_level"]) == ("filed", "warning")
    gate.change({"mailboxes": before})


def test_who_left_the_file_is_told_so_at_the_login(gate: Gate):
    before, password = list(gate.tree["mailboxes"]), "a-password-of-the-file-1"
    gate.change({"mailboxes": [*before, declared("leaving", password)]})
    assert login(gate, "leaving", password) == 235
    gate.change({"mailboxes": [*before, declared("leaving", password) | {"credentials": []}]})
    assert (login(gate, "leaving", password), login(gate, "leaving", "another-password-0")) == (525, 535)
    gate.change({"mailboxes": before})
    assert login(gate, "leaving", password) == 525
    gate.change({"mailboxes": [*before, declared("leaving", password)]})
    assert login(gate, "leaving", password) == 235
    gate.change({"mailboxes": before})


@pytest.mark.parametrize("cause", ["", "fraud"])
def test_a_paused_mailbox_stays_paused(gate: Gate, cause: str):
    before = list(gate.tree["mailboxes"])
    gate.change({"mailboxes": [*before, declared("filed", "a-password-of-the-file-1")]})
    gate.call("POST", "/v1/mailboxes/filed/pause", {"cause": cause} if cause else None)
    without_and_with(gate, before)
    assert gate.call("GET", "/v1/mailboxes/filed")["status"] == "paused"
    gate.call("POST", "/v1/mailboxes/filed/resume")
    without_and_with(gate, before)
    assert gate.call("GET", "/v1/mailboxes/filed")["status"] == "active"
    gate.change({"mailboxes": before})


def test_what_waited_for_a_mailbox_that_left_goes_as_soon_as_it_is_back(gate: Gate):
    before, password, to = list(gate.tree["mailboxes"]), "a-password-of-the-file-1", "back@example.com"
    there = [*before, declared("returning", password) | {"autonomyLevel": "human_approved"}]
    gate.change({"mailboxes": there})
    send = taken(Agent(gate, "", "returning", f"returning@{DOMAIN}", password).submit(to), "held for approval")
    gate.change({"mailboxes": before})
    gate.later(2)
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    waits = text("SELECT 1 FROM deliveries WHERE send_id = :send AND reason = 'mailbox_paused'")
    until(lambda: gate.run(gate.app.reader.call(lambda c: c.execute(waits, {"send": send}).first())))
    gate.change({"mailboxes": there})
    gate.arrived(to)
    gate.change({"mailboxes": before})


def test_the_kill_switch_of_a_tenant_stays_thrown(gate: Gate):
    tenants = list(gate.tree["tenants"])
    gate.change({"tenants": [*tenants, {"name": "left"}]})
    gate.pause_tenant("left", "")
    gate.change({"tenants": tenants})
    gate.change({"tenants": [*tenants, {"name": "left"}]})
    (row,) = [t for t in gate.call("GET", "/v1/tenants")["data"] if t["name"] == "left"]
    assert row["status"] == "paused"
    gate.change({"tenants": tenants})


@pytest.mark.parametrize("cause", ["", "fraud"])
def test_a_paused_provider_stays_paused(gate: Gate, cause: str):
    before = list(gate.tree["deliveryConfig"]["providers"])
    other = before[0] | {"name": "left", "weight": 0}

    def status() -> str:
        (row,) = [p for p in gate.call("GET", "/v1/providers")["data"] if p["name"] == "left"]
        return str(row["status"])

    def leave_and_come_back() -> None:
        gate.change({"deliveryConfig": {"providers": before}})
        gate.change({"deliveryConfig": {"providers": [*before, other]}})

    leave_and_come_back()
    gate.call("POST", "/v1/providers/left/pause", {"cause": cause})
    leave_and_come_back()
    assert status() == "paused"
    gate.call("POST", "/v1/providers/left/resume", {"cause": "over"})
    leave_and_come_back()
    assert status() == "ready"
    gate.change({"deliveryConfig": {"providers": before}})


def test_mail_that_found_no_provider_leaves_as_soon_as_the_file_has_one(gate: Gate):
    before, agent = list(gate.tree["deliveryConfig"]["providers"]), gate.mailbox()
    gate.change({"deliveryConfig": {"providers": []}})
    send = taken(agent.submit("waits@example.net"))
    until(lambda: waits_for(gate, send) == "no_provider")
    gate.change({"deliveryConfig": {"providers": before}})
    gate.provider.ledger.wait(lambda ledger: ledger.copies_for("waits@example.net") == 1, 8)  # its next look: in 15 s


def test_approved_mail_that_nobody_may_carry_says_so_and_leaves_as_soon_as_somebody_may(gate: Gate):
    before, agent = list(gate.tree["deliveryConfig"]["providers"]), gate.mailbox(autonomyLevel="human_approved")
    gate.change({"deliveryConfig": {"providers": []}})
    send = taken(agent.submit("approved@example.net"), "held for approval")
    gate.call("POST", f"/v1/approvals/{send}", {"decision": "approve"})
    until(lambda: waits_for(gate, send) == "no_provider")
    gate.change({"deliveryConfig": {"providers": before}})
    gate.provider.ledger.wait(lambda ledger: ledger.copies_for("approved@example.net") == 1, 8)
