"""SIGHUP: what takes effect at once and is told once; a file that cannot be, of which every worker says why."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from config.loader import load
from policy.usage import DAY
from relay.store.consequences import Rules
from tests.clients.pages import ROOT
from tests.scenarios.gate import Gate
from tests.support.inside import MakeInside
from tests.support.provider import Provider
from tests.support.script import Script
from tests.support.server import MakeServer, Server
from tests.support.settings import ADMIN_KEY, DOMAIN, PASSWORD, USER, mailbox, merged, write
from tests.support.smtp import Client
from tests.support.waiting import until

MESSAGE = b"From: agent@sender.test\r\nTo: bob@example.net\r\nSubject: hello\r\n\r\nhello\r\n"


def test_a_file_that_takes_the_name_of_a_mailbox_made_beside_it_is_not_read_in(make_server: MakeServer, provider):
    server = make_server({"server": {"workers": 2}}, providers=[provider.settings()])
    made = server.cli("mailbox", "add", "sales", "--address", f"made@{DOMAIN}")
    assert made.returncode == 0, made.stderr
    server.rewrite({"mailboxes": [mailbox(), mailbox("sales")]})
    server.reload()
    until(lambda: server.logs().count("configuration not reloaded") == 2, 60)
    logged = [json.loads(line) for line in server.logs().splitlines()]
    assert [line["change"] for line in logged if line["event"] == "configuration"] == ["mailboxes[sales]: added"]
    assert {line["slot"] for line in logged if line["event"] == "configuration not reloaded"} == {0, 1}
    assert f"the name sales is taken by made@{DOMAIN}, made by the API: choose another in the file" in server.logs()
    assert server.submit(["bob@example.net"], MESSAGE).code == 250
    assert server.terminate() == 0
    refused = server.cli("serve")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(f"gatepost: the name sales is taken by made@{DOMAIN}")


def test_a_new_admin_key_new_bounds_and_what_bounces_lead_to_hold_from_then_on(gate: Gate):
    key = "the-next-operators-key-0123456789"
    soft = {"suppressAfter": 5, "suppressFor": "2d"}
    lead_to = {"hardBounces": "record", "softBounces": soft, "complaints": "suppress"}
    gate.change({"http": {"admin_key": key}, "smtp": {"connections": {"total": 1}}, "bounceHandling": lead_to})
    with gate.api() as before, gate.api(key) as now:
        assert (before.get("/v1/tenants").status_code, now.get("/v1/tenants").status_code) == (401, 200)
    with Client(gate.smtp) as first, Client(gate.smtp) as second:
        assert (first.reply().code, second.reply().code) == (220, 421)
    rules = gate.app.consequences.rules
    assert rules() == Rules(suppress_hard=False, suppress_after=5, suppress_for=2 * DAY, investigate=False)
    soft = {"suppressAfter": 3, "suppressFor": "30d"}
    lead_to = {"hardBounces": "suppress_immediately", "softBounces": soft, "complaints": "suppress_and_investigate"}
    gate.change({"http": {"admin_key": ADMIN_KEY}, "smtp": {"connections": {"total": 1000}}, "bounceHandling": lead_to})
    assert rules() == Rules()


def test_the_password_that_was_in_the_file_lets_nobody_in_any_more(gate: Gate):
    def says(password: str) -> int:
        with Client(gate.smtp) as client:
            client.greet()
            return client.login(USER, password).code

    new = "the-next-password-of-an-agent"
    assert says(PASSWORD) == 235
    gate.change({"mailboxes": [mailbox(credentials=[{"username": USER, "password": new}])]})
    assert (says(PASSWORD), says(new)) == (535, 235)
    gate.change({"mailboxes": [mailbox()]})


def test_what_the_file_changed_is_on_record_whether_read_again_or_at_a_start_and_no_secret_is(
    make_server: MakeServer, provider: Provider
):
    server = make_server({"server": {"workers": 2}}, providers=[provider.settings()])
    cooldown = {"cooldown": {"minutes": 5}}
    server.rewrite({"http": {"metrics_key": "another-key-0123456789"}, "policies": {"slow": {"rules": cooldown}}})
    server.reload()
    until(lambda: len(acts(server)) == 1, 60)
    assert server.terminate() == 0
    server.rewrite(
        {
            "storage": {"timeout": "7s"},
            "smtp": {"max_recipients": 7},
            "alerts": {"sender": f"agent@{DOMAIN}", "notify": [f"ops@{DOMAIN}"]},
        }
    )
    server.start()
    until(lambda: len(acts(server)) == 2, 60)  # the first worker records it; the other may be ready before
    assert acts(server) == [
        [
            "http.metricsKey: added",
            "policies.slow.rules.cooldown.mode: added enforce",
            "policies.slow.rules.cooldown.minutes: added 5",
            "policies.slow.rules.cooldown.allMail: added false",
        ],
        ["smtp.maxRecipients: changed from 100 to 7", "alerts.notify: changed", "alerts.sender: added"],
    ]
    exported = server.cli("audit", "export").stdout
    assert ("another-key" in exported, exported.count('"by":"file"')) == (False, 2)


def acts(server: Server) -> list[list[str]]:
    """What the file changed, told as events."""
    return [e["data"]["changes"] for e in server.call("GET", "/v1/events?types=settings.changed")["data"]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_while_the_server_starts_neither_ends_it_nor_is_lost(make_server: MakeServer, workers: int):
    server = make_server({"server": {"workers": workers}}, start=False).start(wait=False)
    until(lambda: "http.admin_key: is a literal secret" in server.logs(), 60)  # the file was read
    key = "the-next-operators-key-0123456789"
    server.rewrite({"http": {"admin_key": key}})
    server.reload()
    until(lambda: '"change":"http.adminKey' in server.logs().replace(" ", ""), 60)
    server.wait_ready()
    with server.api(key) as api:
        until(lambda: [api.get("/v1/tenants").status_code for _ in range(8)] == [200] * 8)


HANGS_UP = """
import os, signal, sys

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it, as nohup does

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "relay.cli.program":
            os.kill(os.getpid(), signal.SIGHUP)

sys.meta_path.insert(0, Finder())
"""


def test_a_reload_before_the_commands_are_loaded_ends_no_server_but_any_other_command(
    make_server: MakeServer, tmp_path: Path
):
    (tmp_path / "sitecustomize.py").write_text(HANGS_UP)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    server = make_server(start=False).start(environment=environment)
    assert server.terminate() == 0
    other = [sys.executable, "-m", "relay.cli.main", "tenant", "list", "--config", str(server.config)]
    assert subprocess.run(other, env=environment, check=False).returncode == -signal.SIGHUP


def test_R34_a_password_that_is_mended_is_tried_at_once(
    make_inside: MakeInside, make_provider: Callable[..., Provider], tmp_path: Path
):
    provider = make_provider(Script(users={"u": "new"}, require_auth=True))
    old, new = (provider.settings(username="u", password=password) for password in ("old", "new"))
    inside = make_inside({"deliveryConfig": {"breaker": {"open_for": "10m"}}}, providers=[old])
    inside.submit(["bob@example.net"], MESSAGE)
    until(lambda: inside.app.healths.state("lab") == "open")
    inside.submit(["ann@example.net"], MESSAGE)
    changed = merged(inside.tree, {"deliveryConfig": {"providers": [new]}})
    inside.run(inside.app.reload(load(write(tmp_path, changed)).settings))
    provider.ledger.wait(lambda ledger: ledger.copies_for("ann@example.net"))


def test_a_selector_that_moves_no_key_is_told_with_the_command_that_makes_new_ones(
    make_inside: MakeInside, tmp_path: Path
):
    def named(selector: str) -> list[Any]:
        domains = [inside.tree["domains"][0] | {"dkim": {"selector": selector}}]
        with structlog.testing.capture_logs() as logs:
            inside.run(inside.app.reload(load(write(tmp_path, inside.tree | {"domains": domains})).settings))
        return [entry for entry in logs if "gatepost domain rotate" in entry["event"]]

    inside = make_inside()
    for _ in range(2):
        (told,) = named("gp7")
        assert (told["domain"], told["selector"], told["standing"]) == (DOMAIN, "gp7", "gp1")
    assert named("gp1") == []
