"""Commands beside a running server, on the same store: hold, queue, provider, trace, send-test, healthcheck."""

import json
import time
from typing import Any

import pytest

from relay.cli.moments import checks, moments
from tests.cli.conftest import Cli
from tests.cli.traffic import BOB, SEND_ID, letter, submitted
from tests.support.inside import Inside, MakeInside
from tests.support.ports import free_port
from tests.support.provider import Provider
from tests.support.script import Script
from tests.support.settings import ADDRESS, mailbox
from tests.support.tls import write_authority, write_certificate
from tests.support.waiting import until


@pytest.fixture
def holding(make_inside: MakeInside, provider: Provider) -> Inside:
    """A server whose mailbox needs a person's approval."""
    boxes = [mailbox(autonomyLevel="human_approved")]
    return make_inside({"mailboxes": boxes}, providers=[provider.settings()])


def test_held_mail_is_listed_shown_and_let_go(holding, provider, beside):
    cli = beside(holding)
    send_id = submitted(holding)
    (waiting,) = cli.does("hold", "list", "--json").json
    assert (waiting["sendId"], waiting["recipients"]) == (send_id, [BOB])
    assert "mail from agent needs approval" in cli.does("hold", "list").out
    shown = cli.does("hold", "show", send_id, "--json").json
    assert "$48.00" in shown["text"]
    assert shown["header"] == {"From": ADDRESS}
    assert [one["outcome"] for one in shown["ifApproved"]] == ["leaves"]
    approved = cli.does("hold", "approve", send_id, "--note", "fine by me")
    assert approved.out == f"{send_id} is approved: it leaves at once for 1 of 1.\n"
    provider.ledger.wait_for_taken(1)
    assert cli("hold", "approve", send_id).code == 1
    assert cli.does("hold", "list", "--json").json == []
    told = until(lambda: _delivered(cli, send_id))
    approved = next(e for e in told["events"] if e["type"] == "send.approved")
    assert approved["data"]["by"].startswith("cli:")
    assert approved["data"]["note"] == "fine by me"


def test_held_mail_that_is_rejected_never_leaves(holding, provider, beside):
    cli = beside(holding)
    send_id = submitted(holding)
    cli.does("hold", "reject", send_id, "--note", "not like this")
    assert cli.does("trace", send_id, "--json").json["status"] == "rejected"
    assert [one for one in provider.ledger.taken if one.mail_from] == []  # but for the notice that tells the sender
    assert cli("hold", "reject", "send_nobody").code == 1
    assert cli("hold", "show", "send_nobody").code == 1


def test_the_evidence_of_a_check_is_told_in_words():
    check = {"rule": "sender_identity", "status": "failed", "defects": ["from_missing", "sender"], "in_doubt": True}
    assert list(checks([check], every=False)) == ["✗ sender_identity [defects from_missing sender, in_doubt yes]"]


def test_a_trace_tells_the_decision_and_the_attempts_in_order(inside, provider, beside):
    cli = beside(inside)
    send_id = submitted(inside)
    told = until(lambda: _delivered(cli, send_id))
    assert told["decision"]["decision"] == "approved"
    assert [a["result"] for a in told["attempts"]] == ["delivered"]
    lines = cli.does("trace", send_id, "--checks").out.splitlines()
    words = ("submitted", "approved", "suppression_check", "attempt 1", "delivered")
    places = [next(n for n, line in enumerate(lines[3:]) if word in line) for word in words]
    assert places == sorted(places)
    assert cli("trace", "send_01ARZ3NDEKTSV4RRFFQ69G5FAV").code == 1


def test_a_trace_says_when_scheduled_mail_is_due(inside, beside):
    cli = beside(inside)
    reply = inside.submit([BOB], b"X-Gatepost-Send-At: 2099-01-02T03:04:05Z\r\n" + letter())
    (due,) = [line for line in cli.does("trace", SEND_ID.findall(reply.text)[0]).out.splitlines() if " due " in line]
    assert due.split() == ["03:04:05.000", "due", f"{BOB},", "scheduled", "until", "then"]


def test_a_trace_says_what_a_delivery_that_was_put_back_waits_for():
    put_back = {
        "recipient": BOB, "state": "queued", "nextAttemptAt": "2026-03-25T09:00:00.000Z", "reason": "send_window",
    }  # fmt: skip
    told = {"receivedAt": "", "decision": {"decision": ""}, "attempts": [], "events": [], "recipients": [put_back]}
    assert [m.words for m in moments(told)] == [f"{BOB}, queued until then, send_window"]
    put_back |= {"reason": "restored", "nextAttemptAt": None, "updatedAt": "2026-03-24T09:00:00.000Z"}
    assert [m.words for m in moments(told)] == [f"{BOB}, waits for a person"]


def test_a_refused_send_has_a_trace_too(inside, beside):
    cli = beside(inside)
    cli.does("suppression", "add", BOB, "--reason", "unsubscribe", "--note", "said no")
    offer = letter("50% off everything, today only").replace(b"We received your payment", b"Buy now and save")
    until(lambda: inside.submit([BOB], offer).code == 550)
    reply = inside.submit([BOB], offer)
    send_id = SEND_ID.findall(reply.text)[0]
    told = cli.does("trace", send_id, "--json").json
    assert (told["status"], told["decision"]["rule"]) == ("blocked", "suppression_check")
    assert "unsubscribed" in cli.does("trace", send_id).out


def test_deferred_mail_is_listed_retried_and_delivered(inside, provider, beside):
    cli = beside(inside)
    provider.script = Script().on(rcpt="451 4.2.1 mailbox busy")
    send_id = submitted(inside)
    until(lambda: _state(cli, send_id) == "deferred")
    (row,) = cli.does("queue", "list", "--state", "deferred", "--json").json
    assert row["sendId"] == send_id
    assert "mailbox busy" in cli.does("queue", "show", send_id).out
    provider.script = Script()
    cli.does("queue", "retry", send_id)
    provider.ledger.wait_for_taken(1)
    until(lambda: cli.does("queue", "list", "--json").json == [])
    assert cli("queue", "retry", send_id).code == 1


def test_queued_mail_is_cancelled_and_never_leaves(inside, provider, beside):
    cli = beside(inside)
    provider.script = Script().on(rcpt="451 4.2.1 mailbox busy")
    send_id = submitted(inside)
    until(lambda: _state(cli, send_id) == "deferred")
    provider.script = Script()
    cli.does("queue", "cancel", send_id, "--note", "no longer true")
    assert _state(cli, send_id) == "cancelled"
    assert cli("queue", "cancel", send_id).code == 1
    assert cli("queue", "cancel", "send_nobody").code == 1
    assert "0 deliveries" in cli.does("queue", "flush").out


def test_held_mail_can_be_cancelled_as_well(holding, beside):
    cli = beside(holding)
    send_id = submitted(holding)
    cli.does("queue", "cancel", send_id)
    assert _state(cli, send_id) == "cancelled"
    assert cli.does("hold", "list", "--json").json == []


def test_a_paused_provider_gets_nothing_until_it_is_resumed(inside, provider, beside):
    cli = beside(inside)
    cli.does("provider", "pause", "lab", "--cause", "invoice unpaid")
    assert cli.does("provider", "list", "--json").json[0]["cause"] == "invoice unpaid"
    until(lambda: "lab" in inside.app.healths.paused)
    send_id = submitted(inside)
    assert provider.ledger.taken == []
    cli.does("provider", "resume", "lab")
    cli("queue", "retry", send_id)  # it may be waiting for its next time already
    provider.ledger.wait_for_taken(1)
    assert cli("provider", "pause", "nobody").code == 1


def test_what_was_put_off_by_who_had_not_heard_of_the_end_of_a_pause_goes_when_he_hears(make_inside, provider):
    now = time.time_ns() // 1_000_000
    inside = make_inside(providers=[provider.settings()], clock=lambda: now)
    inside.app.healths.paused = frozenset({"lab"})
    submitted(inside)
    provider.ledger.wait_for_taken(1)  # the clock stands: its next time never comes by itself


def test_a_paused_mailbox_is_refused_by_the_running_server_within_a_moment(inside, beside):
    cli = beside(inside)
    cli.does("mailbox", "pause", "agent", "--cause", "too eager")
    until(lambda: inside.submit([BOB], letter()).text.startswith("5.7.1 mailbox_paused"))
    cli.does("mailbox", "resume", "agent")
    until(lambda: inside.submit([BOB], letter()).code == 250)


def test_a_revoked_credential_is_refused_by_the_running_server(inside, beside):
    cli = beside(inside)
    made = cli.does("credential", "create", "agent", "--format", "json").json

    def login() -> int:
        with inside.connect(login=False) as client:
            return client.login("agent", made["password"]).code

    assert login() == 235
    cli.does("credential", "revoke", made["id"])
    until(lambda: login() == 525)


def test_send_test_takes_the_way_every_message_takes(inside, provider, beside):
    cli = beside(inside)
    said = cli.does("send-test", "--mailbox", "agent", "--to", BOB)
    assert said.out.startswith("250 2.0.0 Ok: queued as send_")
    assert provider.ledger.wait_for_taken(1)[0].header("Subject") == "A test from Gatepost"
    assert cli.does("credential", "list", "agent", "--json").json[-1]["status"] == "revoked"
    cli.does("suppression", "add", BOB)
    refused = until(lambda: (said := cli("send-test", "--mailbox", "agent", "--to", BOB)).code and said)
    assert "suppressed" in refused.out
    assert cli("send-test", "--mailbox", "nobody", "--to", BOB).code == 1


def test_send_test_writes_to_any_address_and_by_any_name(make_inside, provider, beside):
    boxes = [mailbox(fromName="Chen, Sarah")]
    cli = beside(make_inside({"mailboxes": boxes}, providers=[provider.settings()]))
    assert cli.does("send-test", "--mailbox", "agent", "--to", BOB).out.startswith("250 2.0.0 Ok")
    assert provider.ledger.wait_for_taken(1)[0].header("From") == f'"Chen, Sarah" <{ADDRESS}>'
    said = cli.does("send-test", "--mailbox", "agent", "--to", "bøb@exämple.com")
    assert said.out.startswith("250 2.0.0 Ok")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_send_test_over_tls_asks_for_the_name_of_the_server(make_inside, provider, beside, tmp_path, monkeypatch, tls):
    chain, key = write_certificate(tmp_path, "other-name")
    changes = {
        "server": {"hostname": "somebody-else.test"},
        "smtp": {
            "listeners": [{"bind": f"127.0.0.1:{free_port()}", "tls": tls}],
            "tls": {"certificate": str(chain), "key": str(key)},
        },
    }
    cli = beside(make_inside(changes, providers=[provider.settings()]))
    refused = cli("send-test", "--mailbox", "agent", "--to", BOB)
    assert (refused.code, "the certificate at 127.0.0.1" in refused.err) == (1, True)
    monkeypatch.setenv("SSL_CERT_FILE", str(write_authority(tmp_path)))
    assert cli.does("send-test", "--mailbox", "agent", "--to", BOB).out.startswith("250 2.0.0 Ok")


def test_health_is_that_of_the_running_server(inside, beside):
    cli = beside(inside)
    assert cli("healthcheck").code == 0
    inside.app.ready = False
    said = cli("healthcheck")
    assert said.code == 1
    assert "not ready" in said.err


def test_without_a_server_health_and_send_test_say_so(cli):
    assert "nothing answers" in cli("healthcheck").err
    said = cli("send-test", "--mailbox", "agent", "--to", BOB)
    assert said.code == 1
    assert "is gatepost serve running?" in said.err
    assert cli.does("credential", "list", "agent", "--json").json[-1]["status"] == "revoked"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script(), "connected"),
        (Script().on(greeting="554 5.7.1 go away"), "go away"),
        (Script(users={"agent": "right"}, require_auth=True), "refused at"),
    ],
)
def test_provider_test_says_how_far_it_got(make_provider, make_cli, script, words):
    provider = make_provider(script)
    login = {"username": "agent", "password": "wrong-password"} if script.users else {}
    cli = make_cli(deliveryConfig={"providers": [provider.settings(**login)]})
    said = cli("provider", "test", "--json")
    assert said.code == (0 if words == "connected" else 1)
    assert words in said.json[0]["detail"]
    assert "wrong-password" not in said.out
    assert provider.ledger.taken == []


def test_a_provider_nobody_listens_for_is_told_in_plain_words(make_cli, make_provider):
    provider = make_provider()
    provider.refuse()
    cli = make_cli(deliveryConfig={"providers": [provider.settings()]})
    said = cli("provider", "test", "lab", "--json")
    assert said.code == 1
    assert "cannot connect" in said.json[0]["detail"]


def _delivered(cli: Cli, send_id: str) -> Any:
    told = json.loads(cli.does("trace", send_id, "--json").out)
    return told if told["status"] == "delivered" else None


def _state(cli: Cli, send_id: str) -> str:
    return str(cli.does("trace", send_id, "--json").json["status"])
