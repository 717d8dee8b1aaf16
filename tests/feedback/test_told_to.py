"""Who is told by webhook: what the file names, each under an id that stays, and approvers with a link of their own."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.loader import load
from config.settings import Settings
from relay.feedback import told_to
from relay.feedback.notices import ALERTS, HELD, Notices
from relay.mail import approval
from relay.mail.token import TokenKey, Tokens
from relay.store.engine import loads
from relay.store.vault import Vault
from tests.support.inside import MakeInside
from tests.support.settings import settings, write

HOOK = {"url": "https://hooks.example.com/mail", "secret": "a-secret-of-the-file-1234", "events": ["send.*"]}
OPS, APPROVER = "https://ops.example.org/x", "http://10.0.0.5/approve"


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    tree = settings(tmp_path, {"webhooks": [HOOK], "alerts": {"notify": [OPS]}, "approvals": {"notify": [APPROVER]}})
    return load(write(tmp_path, tree)).settings


def test_every_destination_of_the_file_is_known_by_a_lasting_id(configured: Settings):
    vault = Vault(os.urandom(32))
    first, again = list(told_to.declared(configured, vault)), list(told_to.declared(configured, vault))
    assert first == again
    assert [(one.url, one.events) for one in first] == [
        (HOOK["url"], ("send.*",)),
        (OPS, tuple(ALERTS)),
        (APPROVER, (HELD,)),
    ]
    assert len({one.id for one in first}) == 3
    assert first[1].secret.startswith("whsec_")


def test_only_what_the_operator_says_may_lead_inside(configured: Settings):
    assert told_to.private(configured) == {
        told_to.identity(told_to.ALERT, OPS),
        told_to.identity(told_to.APPROVAL, APPROVER),
    }


def test_an_approvers_url_gets_the_link_that_the_page_takes(configured: Settings):
    tokens = Tokens([TokenKey(1, bytes(32))])
    notices = Notices(
        lambda: configured, tokens=tokens, public_url=lambda: "https://relay.test/", signs=lambda _: False,
        new_id=str, random=bytes,
    )  # fmt: skip
    event = SimpleNamespace(
        txid=0,
        seq=7,
        type=HELD,
        at=0,
        tenant_id="t",
        mailbox_id="m",
        send_id="send_1",
        recipient="bob@example.net",
        data="{}",
    )
    bodies = told_to.Bodies(lambda: configured, notices.decision_url)
    body = loads(bodies.of(told_to.identity(told_to.APPROVAL, APPROVER), event))
    assert body["data"]["decisionUrl"] == approval.url(tokens, "https://relay.test", "send_1", APPROVER)
    assert body["timestamp"] == "1970-01-01T00:00:00.000Z"
    other = loads(bodies.of(told_to.identity(told_to.WEBHOOK, HOOK["url"]), event))
    assert "decisionUrl" not in other["data"]


def test_a_reload_brings_in_the_files_new_destinations(make_inside: MakeInside, tmp_path: Path):
    inside = make_inside({"webhooks": [HOOK]})
    other = HOOK | {"url": "https://other.example.com/mail"}
    changed = load(write(tmp_path, inside.tree | {"webhooks": [other]})).settings
    inside.run(inside.app.reload(changed))
    rows = inside.rows("SELECT url, status, managed FROM webhooks ORDER BY url")
    assert rows == [(HOOK["url"], "disabled", 1), (other["url"], "active", 1)]
